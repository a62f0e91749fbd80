"""A judge behind an endpoint, as a stage: what it says is taken literally, kept, and paid for once."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from chat_server import KEY, Asked, ChatServer, share_of_faults
from culturebench.artifacts import answers, labels, pictures, pins, reliability, splits
from culturebench.errors import CultureBenchError
from culturebench.png import to_png
from data_project import ROOT
from stages import bind_judge, judge, judge_reliability

LABELS = {"jp": "Japan", "nl": "Netherlands"}
COLOURS = {"jp": (200, 30), "nl": (30, 200)}  # red, blue
STAGE = {"judge": "served", "model": "atlas", "condition": "noun"}
NAMES = {**STAGE, "prompts": "test"}


def truth(asked: Asked) -> str:
    """The label of the region whose colour the picture that was sent has."""
    red, _, blue = Image.open(io.BytesIO(asked.images[0])).convert("RGB").getpixel((5, 5))  # type: ignore[misc]
    return LABELS["jp" if red > blue else "nl"]


def right(asked: Asked, fault: str) -> str:
    return truth(asked)


class Judged:
    """A project with pictures of two regions and a judge on the loopback."""

    def __init__(self, root: Path, server: ChatServer, count: int, **changes: Any) -> None:
        settings: dict[str, Any] = {
            "kind": "openai", "base_url": server.url, "model": "tiny", "key_variable": "LOOPBACK_KEY",
            "max_completion_tokens": 100, "image_side": 64, "image_tokens": 1000, "input_price": 1.0,
            "output_price": 2.0, "max_cost": None, "timeout": 5, "deadline": 20, "max_wait": 0.01,
        }  # fmt: skip
        params = {
            "regions": list(LABELS), "judges": {"served": settings | changes}, "judge": {"seed": 0},
            "engine": {"kind": "local", "workers": 2, "address": None, "cpus_per_worker": 1, "gpus_per_worker": 0},
        }  # fmt: skip
        (root / "params.yaml").write_text(yaml.safe_dump(params))
        for code, label in LABELS.items():
            labels.save(root / labels.REGION_PATH.format(region=code), {code: label})
        rows = [self._picture(code, number) for code in LABELS for number in range(count)]
        pictures.TABLE.save(root / pictures.PATH.format(**NAMES), rows)
        bind_judge.STAGE.execute(judge="served")

    @staticmethod
    def _picture(code: str, number: int) -> dict[str, Any]:
        red, blue = COLOURS[code]
        image = to_png(Image.new("RGB", (24, 24), (red, 4 * number, blue)))
        return {
            "prompt_id": f"{code}{number:03}", "region": code, "language": "en", "subdivision": "", "condition": "noun",
            "prompt": "a bowl", "seed": 0, "draw": 0, "strength": 0.0, "object": "", "name": "", "domain": "",
            "image": image,
        }  # fmt: skip

    def rows(self) -> list[dict[str, Any]]:
        judge.STAGE.execute(**STAGE)
        return answers.TABLE.load(Path(answers.PATH.format(**NAMES)))


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CULTUREBENCH_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("LOOPBACK_KEY", KEY)
    return folder


def test_its_answers_are_regions_with_the_raw_reply_and_the_model_that_was_served(root: Path):
    with ChatServer(right) as server:
        rows = Judged(root, server, 4).rows()
    assert len(rows) == 8 and all(row["answer"] == row["region"] for row in rows)
    assert all(row["raw"] == LABELS[row["region"]] and row["served_model"] == "tiny-served" for row in rows)
    assert all(row["object"] == "" for row in rows)


def test_it_sees_the_picture_and_the_regions_names_in_each_questions_own_order_and_nothing_else(root: Path):
    with ChatServer(right) as server:
        rows = Judged(root, server, 6).rows()
    shown = {tuple(asked.texts[-1].splitlines()[1:]) for asked in server.asked}
    assert shown == {tuple(f"- {LABELS.get(option, option)}" for option in row["options"]) for row in rows}
    assert len(shown) > 1 and all(len(order) == 3 for order in shown)
    asked = server.asked[0]
    assert len(asked.images) == 1 and not any(word in " ".join(asked.texts) for word in ("jp0", "nl0", "noun"))


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("Japan", "jp"),
        (" **japan**.\n", "jp"),
        ("Unrecognizable", "unrecognizable"),
        ("Japan or Netherlands", "unparseable"),
        ("- Japan\n- Netherlands", "unparseable"),
        ("It is Japan", "unparseable"),
        ("Not Japan", "unparseable"),
        ("Korea", "unparseable"),
        ("jp", "unparseable"),
        ("%$#", "unparseable"),
        ("", "unparseable"),
    ],
)
def test_a_reply_that_is_not_exactly_one_option_is_no_guess(root: Path, said: str, answer: str):
    with ChatServer(lambda asked, fault: said) as server:
        (row, _) = Judged(root, server, 1).rows()
    assert (row["answer"], row["raw"]) == (answer, said)


@pytest.mark.parametrize(("fault", "raw"), [("refusal", "I cannot help with that."), ("cut_off", "Japan")])
def test_a_refusal_and_a_reply_that_was_cut_off_are_unparseable(root: Path, fault: str, raw: str):
    # Half of it is an option: what was cut off might have said more.
    with ChatServer(lambda asked, fault: "Japan" * 2, lambda fingerprint, sent: fault) as server:
        rows = Judged(root, server, 1).rows()
    assert {(row["answer"], row["raw"]) for row in rows} == {("unparseable", raw)}


def test_an_endpoint_that_is_busy_now_and_then_answers_everything_in_the_end(root: Path):
    def busy_twice(fingerprint: str, sent: int) -> str:
        return "rate_limit" if sent < 2 else ""

    with ChatServer(right, busy_twice) as server:
        rows = Judged(root, server, 3).rows()
    assert all(row["answer"] == row["region"] for row in rows)
    assert server.count("rate_limit") == 12 and server.paid_twice() == 0


def test_questions_without_a_reply_fail_the_stage_and_a_second_run_asks_those_alone(
    root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    schedule = share_of_faults(0.5, ["rate_limit"])
    with ChatServer(right, schedule) as server:
        made = Judged(root, server, 10, tries=1)
        with pytest.raises(CultureBenchError, match=r"\d+ of 20 questions got no reply: rate_limited .* run again"):
            made.rows()
        assert not Path(answers.PATH.format(**NAMES)).exists()
        answered = server.count("answered")
        assert 0 < answered < 20
        server.schedule = lambda fingerprint, sent: ""
        assert len(made.rows()) == 20
        assert server.count("answered") == 20 and server.paid_twice() == 0
        first = Path(answers.PATH.format(**NAMES)).read_bytes()
        made.rows()
        assert server.count("answered") == 20 and Path(answers.PATH.format(**NAMES)).read_bytes() == first
    told = "".join(capfd.readouterr())
    assert "answers cost 0.0220" in told and KEY not in told  # 20 x (900 + 2 x 100) / 10**6
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert KEY.encode() not in path.read_bytes(), path


def test_the_limit_of_cost_stops_the_stage_before_it_is_exceeded(root: Path):
    with ChatServer(right) as server:
        made = Judged(root, server, 10, max_cost=0.01)
        with pytest.raises(CultureBenchError, match="cost_limit"):
            made.rows()
        assert 0 < server.count("answered") * 0.0011 <= 0.01


def test_a_missing_key_is_told_by_its_variables_name(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LOOPBACK_KEY")
    with ChatServer(right) as server:
        with pytest.raises(CultureBenchError, match="LOOPBACK_KEY"):
            Judged(root, server, 1).rows()
        assert not server.asked


def test_a_run_that_is_killed_pays_nothing_twice_that_it_had_received(root: Path):
    names = [text for name, value in STAGE.items() for text in (f"--{name}", value)]
    command = [sys.executable, "-m", "stages.judge", *names]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with ChatServer(right, share_of_faults(0.2, ["server_error"])) as server:
        made = Judged(root, server, 60, concurrency=16, tries=8)
        process = subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.DEVNULL)
        server.wait_for(30)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert len(made.rows()) == 120
        # What was under way at the kill may have been answered to nobody.
        assert server.paid_twice() <= 16


def test_a_region_without_a_name_to_show_is_refused_before_anything_is_asked(root: Path):
    with ChatServer(right) as server:
        made = Judged(root, server, 1)
        labels.save(Path(labels.PATH.format(judge="served")), {"jp": "Japan"})
        with pytest.raises(CultureBenchError, match=r"'nl'; run `dvc repro bind_judge`"):
            made.rows()
        assert not server.asked


def test_it_is_bound_to_the_names_of_the_regions(root: Path):
    with ChatServer(right) as server:
        Judged(root, server, 1)
    (path,) = (root / pins.JUDGE.format(judge="served")).iterdir()
    assert labels.load(path) == LABELS


def test_of_several_pictures_it_sees_all_in_one_call_and_names_one_by_its_number(root: Path):
    """Ten questions of four pictures; the endpoint finds the colour of the region that is named."""

    def number(asked: Asked, fault: str) -> str:
        code = next(code for code, label in LABELS.items() if asked.texts[-1].endswith(f": {label}?"))
        colours = [Image.open(io.BytesIO(image)).convert("RGB").getpixel((5, 5)) for image in asked.images]
        reds = [colour[0] > colour[2] for colour in colours]  # type: ignore[index]
        return str(reds.index(code == "jp") + 1)

    with ChatServer(number) as server:
        Judged(root, server, 1)
        params = yaml.safe_load((root / "params.yaml").read_text())
        params["judge_reliability"] = {"form": "pictures", "pictures_per_region": 5, "choices": 4, "seed": 0,
                                       "resamples": 200, "level": 0.95}  # fmt: skip
        (root / "params.yaml").write_text(yaml.safe_dump(params))
        text = {"text": "a", "language": "en",
                **dict.fromkeys(("noun_start", "noun_end", "modifier_start", "modifier_end"), -1)}  # fmt: skip
        for code in LABELS:
            rows = [
                {"picture_id": (code + str(n)).encode().hex().zfill(64), "region": code, "language": "en",
                 "subdivision": "", "group": f"{code}{n}", "provisional": False, "cultural": text, "noun": text,
                 "neutral": None, "cultural_en": None, "noun_en": None, "licence": "CC0-1.0", "scene": None,
                 "image": Judged._picture(code, n)["image"]}
                for n in range(5)
            ]  # fmt: skip
            splits.TABLE.save(root / splits.TEST / f"{code}.parquet", rows)
        judge_reliability.STAGE.execute(judge="served")
    assert len(server.asked) == 10 and all(len(asked.images) == 4 for asked in server.asked)
    shown = {text for asked in server.asked for text in asked.texts}
    assert not any(word in text for text in shown for word in ("jp", "nl", "CC0"))
    found = reliability.load(root / reliability.PATH.format(judge="served"))["pictures"]
    rows = answers.TABLE.load(root / answers.REAL_PATH.format(judge="served"))
    assert found["judge"]["value"] == 1 and found["choices"] == [4] and found["unparseable"] == 0
    assert {row["raw"] for row in rows} <= set("1234") and len({row["raw"] for row in rows}) > 1
