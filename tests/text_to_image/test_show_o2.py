"""Show-o2's process: the protocol on both sides, the calls of its public code, and what is refused.

The model itself is not run here.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import show_o2_repository
from culturebench.params.encoders import Encoder
from culturebench.params.models import Model
from culturebench.text_to_image.adapters.show_o2 import ShowO2, WorkerError
from culturebench.text_to_image.loading import AdapterError, load_encoder, load_model
from culturebench.text_to_image.systems import TowerError, edited_tower
from import_graph import ROOT
from painter import PAINTER, command


def system(tmp_path: Path, program: str) -> ShowO2:
    model = Model(adapter="show_o2", towers=[], pin="x", command=command(tmp_path, program), size=8)
    made = load_model(model, [], tmp_path, None, 7)
    assert isinstance(made, ShowO2)
    return made


def colours(made: ShowO2, prompts: Sequence[str], seeds: Sequence[int]) -> list[tuple[int, ...]]:
    return [picture.getpixel((0, 0)) for picture in made.generate(made.encode(prompts), seeds)]  # type: ignore[misc]


def test_pictures_come_back_in_order_and_smaller_batches_follow_a_full_device(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = system(tmp_path, PAINTER)
    prompts = ["椀", "a bowl", "お椀", "bowl", "x"]
    assert colours(made, prompts, [1, 2, 3, 4, 5]) == [
        (len(prompt), seed, 7) for prompt, seed in zip(prompts, range(1, 6), strict=True)
    ]
    assert "out of memory with 5 pictures at once; going on with 2" in capsys.readouterr().err
    made.close()


def test_a_failed_request_is_told_and_the_worker_goes_on(tmp_path: Path) -> None:
    made = system(tmp_path, PAINTER)
    with pytest.raises(WorkerError, match="Show-o2's worker: ValueError: a bad prompt"):
        colours(made, ["bad"], [1])
    assert colours(made, ["good"], [1]) == [(4, 1, 7)]
    made.close()


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; sys.exit(3)", "ended with status 3"),
        ("print('Loading model', flush=True)", "which is no JSON object; it must print to stderr"),
        ("print('{}', flush=True)", "did not say that it is ready"),
        ('print(\'{"ready": true}\', flush=True)\ninput()\nprint(\'{"pictures": ["!"]}\')', "sent no pictures"),
        ("print('{\"ready\": true}', flush=True)\ninput()\nprint('{\"pictures\": []}')", "sent 0 pictures, 1 were"),
    ],
)
def test_a_worker_that_does_not_keep_to_the_protocol_is_one_error(tmp_path: Path, program: str, said: str) -> None:
    with pytest.raises(WorkerError, match=said):
        colours(system(tmp_path, program), ["a"], [1])


def test_a_command_that_is_missing_or_cannot_be_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match=r"models.\*.command is missing"):
        load_model(Model(adapter="show_o2", towers=[], pin="x"), [], tmp_path, None, 7)
    model = Model(adapter="show_o2", towers=[], pin="x", command=["/nowhere/python"])
    made = load_model(model, [], tmp_path, None, 7)
    with pytest.raises(WorkerError, match=r"models.\*.command cannot be run"):
        made.generate(made.encode(["a"]), [1])


def test_probing_and_interventions_are_refused(tmp_path: Path) -> None:
    made = system(tmp_path, PAINTER)
    with pytest.raises(WorkerError, match="can neither be probed nor edited"):
        _ = made.encoder
    with pytest.raises(AdapterError, match="Show-o2 can neither be probed nor edited"):
        load_encoder(Encoder(adapter="show_o2", pin="x"), tmp_path)
    with pytest.raises(TowerError, match="is neither probed, edited nor trained"):
        edited_tower(Model(adapter="show_o2", towers=[], pin="x"))


def worker(root: Path, guidance: float | None = None) -> ShowO2:
    """The project's worker beside a repository of the published shapes."""
    command = [sys.executable, str(ROOT / "workers/show_o2.py"), "--repository", str(root / "code"), "--config",
               "configs/tiny.yaml"]  # fmt: skip
    model = Model(adapter="show_o2", towers=[], pin="x", command=command, size=32, guidance=guidance)
    made = load_model(model, [], root / "weights", None, 7)
    assert isinstance(made, ShowO2)
    return made


def test_the_worker_calls_the_public_code_as_it_wants_to_be_and_guides_as_its_readme_does(tmp_path: Path) -> None:
    show_o2_repository.write(tmp_path / "code", tmp_path / "weights")
    made = worker(tmp_path)
    (shade, *_), _ = colours(made, ["a bowl", "椀"], [1, 2])
    assert shade == int((7.5 / 10 + 1) / 2 * 255)  # of bfloat16, which holds 0.75
    made.close()


@pytest.mark.parametrize(
    ("file", "was", "now", "said"),
    [
        (
            "utils.py",
            "p.num_video_tokens, ",
            "",
            "returns 18 values, not 19; check out showlab/Show-o",
        ),
        ("models/misc.py", "bos_id, eos_id, boi_id", "eos_id, bos_id, boi_id", "prepare_gen_input takes .*; check out"),
    ],
)
def test_another_commit_of_its_code_is_told_before_any_picture(
    file: str, was: str, now: str, said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    show_o2_repository.write(tmp_path / "code", tmp_path / "weights")
    path = tmp_path / "code" / file
    path.write_text(path.read_text().replace(was, now, 1))
    with pytest.raises(WorkerError, match="ended with status 1; what it said is above"):
        colours(worker(tmp_path), ["a bowl"], [1])
    assert re.search(said, capfd.readouterr().err)
