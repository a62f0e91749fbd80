"""Independent stages run at once, and leave what one after another would leave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows import dvc
from flows._times import Times, rest
from flows.outcomes import Event, Outcome
from processes import ends_soon

ROOT = Path(__file__).parents[2]
#: Writes NAME.txt; before that the lines of the test.
WRITE = "import os, sys, time\nfrom pathlib import Path\n{before}\nPath('{name}.txt').write_text('{name}')\n"
#: Goes on when the other stage has begun as well.
MEET = "Path('{name}.begun').touch()\nwhile not Path('{other}.begun').exists(): time.sleep(0.02)"


def project(folder: Path, before: Mapping[str, str], deps: Mapping[str, list[str]] | None = None) -> Path:
    """A stage for each name of `before`, which runs that code first; `deps` are the stages that it waits for."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=folder, check=True)
    stages: dict[str, Any] = {}
    for name, lines in before.items():
        (folder / f"{name}.py").write_text(WRITE.format(before=lines, name=name))
        earlier = [f"{other}.txt" for other in (deps or {}).get(name, ())]
        stages[name] = {"cmd": f"python {name}.py", "deps": [f"{name}.py", *earlier], "outs": [f"{name}.txt"]}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))
    return folder


def both(lines: str) -> dict[str, str]:
    return {one: lines.format(name=one, other=other) for one, other in (("a", "b"), ("b", "a"))}


def run_cache(root: Path) -> dict[str, bytes]:
    runs = root / ".dvc/cache/runs"
    return {path.relative_to(runs).as_posix(): path.read_bytes() for path in runs.rglob("*") if path.is_file()}


def test_stages_that_wait_for_each_other_to_begin_end_when_they_run_at_once(tmp_path: Path) -> None:
    root = project(tmp_path, both(MEET))
    assert {found.outcome for found in dvc.reproduce(root=root, jobs=2)} == {Outcome.RAN}


def test_whichever_stage_ends_first_the_lock_and_the_run_cache_are_those_of_one_after_another(tmp_path: Path) -> None:
    deps = {"last": ["slow", "quick"], "after": ["quick"]}
    left: list[tuple[bytes, dict[str, bytes]]] = []
    ended: list[list[str]] = []
    for jobs in (1, 2):
        root = project(tmp_path / str(jobs), {"slow": "", "last": "", "quick": "", "after": ""}, deps)
        # the same bytes of code, and another time that it takes
        wait = "import os, time; 'slow' in os.environ.get('DVC_STAGE', '') and time.sleep(%d)"
        (tmp_path / "site").mkdir(exist_ok=True)
        (tmp_path / "site/sitecustomize.py").write_text(wait % (3 if jobs == 2 else 0))
        environment = {"PYTHONPATH": str(tmp_path / "site")}
        done = dvc.reproduce(root=root, jobs=jobs, environment=environment)
        left.append(((root / "dvc.lock").read_bytes(), run_cache(root)))
        ended.append([found.stage for found in done])
    assert left[0] == left[1]
    assert ended[0].index("slow") < ended[0].index("quick")
    assert ended[1].index("slow") > ended[1].index("quick")


def test_the_first_failure_is_told_at_once_what_is_at_work_ends_and_nothing_starts(tmp_path: Path) -> None:
    meet = both(MEET)
    wait = "\nwhile not Path('told').exists(): time.sleep(0.02)"
    root = project(
        tmp_path, {"a": meet["a"] + "\nsys.exit('no ink left')", "b": meet["b"] + wait, "c": ""}, {"c": ["b"]}
    )

    def tell(event: Event) -> None:
        if event.outcome == Outcome.FAILED:
            (root / "told").touch()

    with pytest.raises(dvc.DvcError, match=r"^a failed(?s:.*)no ink left(?s:.*)exited with 1") as error:
        dvc.reproduce(root=root, jobs=2, on_event=tell)
    assert {found.stage: found.outcome for found in error.value.outcomes} == {"a": Outcome.FAILED, "b": Outcome.RAN}
    assert list(yaml.safe_load((root / "dvc.lock").read_text())["stages"]) == ["b"]
    assert not (root / "c.txt").exists()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_a_kill_while_two_stages_run_leaves_no_process_and_the_next_run_goes_on(
    tmp_path: Path, sign: signal.Signals
) -> None:
    hang = "Path('{name}.txt').write_text('half')\nprint('pid', os.getpid(), flush=True)\n"
    hang += "while not Path('go').exists(): time.sleep(0.02)"
    root = project(
        tmp_path, {"first": "", **both(hang), "last": ""}, {"a": ["first"], "b": ["first"], "last": ["a", "b"]}
    )
    script = "import sys; from pathlib import Path; from flows import dvc; "
    script += "dvc.reproduce(root=Path(sys.argv[1]), jobs=2, on_line=lambda line: print(line, flush=True))"
    command = [sys.executable, "-c", script, str(root)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as above:
        assert above.stdout is not None
        lines = (line.split() for line in above.stdout if line.startswith("pid "))
        pids = [int(next(lines)[1]) for _ in range(2)]
        above.send_signal(sign)
        above.wait()
    assert all(ends_soon(pid) for pid in pids)
    assert list(yaml.safe_load((root / "dvc.lock").read_text())["stages"]) == ["first"]
    (root / "go").touch()
    done = {found.stage: found.outcome for found in dvc.reproduce(root=root, jobs=2)}
    assert done == {"first": Outcome.CACHED, "a": Outcome.RAN, "b": Outcome.RAN, "last": Outcome.RAN}
    assert (root / "a.txt").read_text() == "a"
    assert not any(json.loads((root / ".dvc/tmp/rwlock").read_text()).values())


def test_one_device_has_one_stage_at_a_time_and_others_do_not_wait_for_it(tmp_path: Path) -> None:
    seen = "Path(f'{name}.seen').write_text(os.environ.get('CUDA_VISIBLE_DEVICES', 'none'))\n"
    alone = "Path('busy').mkdir()\ntime.sleep(0.5)\nPath('busy').rmdir()"
    names = {"generate": alone, "judge": alone, "split": "while not Path('busy').exists(): time.sleep(0.01)"}
    root = project(tmp_path, {name: seen.format(name=name) + lines for name, lines in names.items()})
    dvc.reproduce(root=root, jobs=3, devices=["GPU-7"])
    found = {name: (root / f"{name}.seen").read_text() for name in names}
    assert found == {"generate": "GPU-7", "judge": "GPU-7", "split": os.environ.get("CUDA_VISIBLE_DEVICES", "none")}


def test_the_time_left_is_known_when_every_stage_was_measured(tmp_path: Path) -> None:
    root = project(tmp_path, {"a": "time.sleep(1)", "b": ""}, {"b": ["a"]})
    for sure in (False, True):
        events: list[Event] = []
        (root / "a.py").write_text((root / "a.py").read_text() + "\n")
        (root / "b.py").write_text((root / "b.py").read_text() + "\n")
        dvc.reproduce(root=root, on_event=events.append)
        begun = [event for event in events if event.kind == "begun"]
        assert [(event.stage, event.done, event.total, event.sure) for event in begun] == [
            ("a", 0, 2, sure),
            ("b", 1, 2, sure),
        ]
    assert begun[0].left > begun[1].left > 0


def test_a_first_run_knows_the_time_of_a_group_as_soon_as_one_stage_of_it_has_ended(tmp_path: Path) -> None:
    root = project(tmp_path, {})
    stage = {"cmd": "sleep 0.5; echo ${item} > ${item}.txt", "outs": ["${item}.txt"]}
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"judge": {"foreach": ["a", "b"], "do": stage}}}))
    events: list[Event] = []
    dvc.reproduce(root=root, on_event=events.append, jobs=1)
    begun = [event for event in events if event.kind == "begun"]
    assert [event.sure for event in begun] == [False, True]
    assert begun[1].left > 0.4


@pytest.mark.parametrize(("jobs", "seconds"), [(1, 14.0), (2, 9.0), (3, 9.0)])
def test_the_rest_takes_what_its_stages_take_that_many_at_once(jobs: int, seconds: float) -> None:
    waits = {"a": [], "b": [], "c": ["a"], "d": ["b", "c"]}
    assert rest({"a": 2, "b": 5, "c": 3, "d": 4}, waits, jobs) == seconds


def test_a_stage_that_was_never_measured_takes_the_mean_of_its_group(tmp_path: Path) -> None:
    times = Times.read(str(tmp_path))
    times.keep("judge@a", 1)
    times.keep("judge@b", 3)
    times.write()
    again = Times.read(str(tmp_path))
    assert (again.of("judge@a"), again.of("judge@c"), again.of("report")) == (1, 2, None)
