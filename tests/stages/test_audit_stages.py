"""The stages of an audit, one after another, on the atlas's own model: drawn questions to figures of a judge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from culturebench.artifacts import (
    activations,
    audited,
    labels,
    pictures,
    pins,
    questions,
    silenced,
    splits,
    vlm_neurons,
)
from culturebench.artifacts._scene import SceneRow
from culturebench.atlas.facts import FACTS
from culturebench.atlas.pictures import render
from culturebench.atlas.world import REGIONS, Scene
from culturebench.params import load_document
from culturebench.pins import pin_folder
from culturebench.png import to_png
from culturebench.store import Store
from import_graph import ROOT
from stages import audit_judge, make_questions, probe_vlm, select_vlm_neurons, silence

CODES = ("jp", "nl", "it")
WEIGHTS = ROOT / "culturebench/atlas/weights/vlm"
SECTIONS = ("audit_judge", "probe_vlm", "select_vlm_neurons", "silence", "judge_reliability", "engine", "models")


class Killed(BaseException):
    """What ends a stage at once."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Params of the project for three regions, the model's pin, and what the data half and generation would leave."""
    root = tmp_path / "project"
    root.mkdir()
    document = load_document(ROOT / "params.yaml")
    params: dict[str, Any] = {name: document[name] for name in SECTIONS}
    params |= {"regions": list(CODES), "pins": {"atlas_vlm": {"folder": str(WEIGHTS)}}}
    params["questions"] = {"atlas": {"kind": "atlas", "pin": "atlas_vlm", "detect": 3, "test": 2}}
    params["audits"] = {"atlas": {**document["audits"]["atlas"], "batch": 7}}
    params["select_vlm_neurons"] = {**params["select_vlm_neurons"], "selectors": ["cas", "random"], "draws": 1}
    for name in ("silence", "audit_judge"):
        params[name] = {**params[name], "resamples": 200}
    params["judge_reliability"] = {**params["judge_reliability"], "pictures_per_region": 2, "choices": 3}
    names = {"noun": None, "cultural": None, "random_amplified": None}
    params["conditions"] = {"pinned": {"noun": None, "cultural": None}, "edited": {"random_amplified": None},
                            "enhanced": {}, "all": names}  # fmt: skip
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.chdir(root)
    monkeypatch.setattr("culturebench.stage.THREADS", 1)
    monkeypatch.setenv("CULTUREBENCH_STORE", str(tmp_path / "store"))
    pins.save(root / pins.PATH.format(pin="atlas_vlm"), pin_folder("atlas_vlm", WEIGHTS))
    for code in CODES:
        labels.save(root / labels.REGION_PATH.format(region=code), {code: FACTS[code].region})
        rows: Any = [real(code, number) for number in range(2)]
        splits.TABLE.save(root / splits.TEST / f"{code}.parquet", rows)
    for condition in names:
        shown: Any = [made(code, condition, seed) for code in CODES for seed in range(2)]
        pictures.TABLE.save(root / pictures.TEST_PATH.format(model="atlas", condition=condition), shown)
    (root / "annotations").mkdir()
    (root / "annotations/answers.jsonl").write_text("")
    return root


def scene(code: str, number: int) -> Scene:
    return Scene("bowl", "grass", "day", "close", "none", code, REGIONS[code][1][0], number)


def real(code: str, number: int) -> dict[str, Any]:
    caption = {"text": "bowl", "language": "en", "noun_start": 0, "noun_end": 4, "modifier_start": -1,
               "modifier_end": -1}  # fmt: skip
    one = scene(code, number)
    told = {name: getattr(one, name) for name in SceneRow.__annotations__}
    return {
        "picture_id": one.id(), "region": code, "language": "en", "subdivision": one.subdivision, "group": one.id(),
        "provisional": False, "cultural": caption, "noun": caption, "neutral": None, "cultural_en": None,
        "noun_en": caption, "licence": "CC0-1.0", "scene": told,
        "image": to_png(render(one, 64)),
    }  # fmt: skip


def made(code: str, condition: str, seed: int) -> dict[str, Any]:
    plain = Scene("bowl", "grass", "day", "close", "none", seed=seed)
    shown = plain if condition == "noun" else scene(code, 10 + seed)
    return {
        "prompt_id": f"p_{code}", "region": code, "language": "en", "subdivision": "", "condition": condition,
        "prompt": "bowl", "seed": seed, "draw": 0, "strength": 0.0, "object": "bowl", "name": "", "domain": "",
        "image": to_png(render(shown, 64)),
    }  # fmt: skip


def whole(root: Path) -> dict[str, bytes]:
    """Every stage in turn; the bytes of all that they wrote."""
    make_questions.STAGE.execute(questions="atlas")
    probe_vlm.STAGE.execute(audit="atlas", questions="atlas")
    select_vlm_neurons.STAGE.execute(audit="atlas")
    silence.STAGE.execute(audit="atlas", questions="atlas")
    audit_judge.STAGE.execute(audit="atlas")
    parts = ("data/questions", "data/silenced", "data/audited", "models", "reports")
    written = [path for part in parts for path in sorted((root / part).rglob("*"))]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in written if path.is_file()}


def test_an_audit_that_was_killed_goes_on_to_the_same_bytes_and_finds_what_was_planted(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CULTUREBENCH_STORE", str(tmp_path / "other"))
    expected = whole(project)
    monkeypatch.setenv("CULTUREBENCH_STORE", str(tmp_path / "store"))
    put, puts = Store.put, [0]

    def dying(store: Store, key: str, content: bytes) -> None:
        puts[0] += 1
        if puts[0] in (5, 40, 90):
            raise Killed
        put(store, key, content)

    monkeypatch.setattr(Store, "put", dying)
    for stage, names in ((silence, {"questions": "atlas"}), (audit_judge, {})):
        run: Callable[..., None] = stage.STAGE.execute
        while True:
            try:
                run(audit="atlas", **names)
                break
            except Killed:
                continue
    kept = puts[0]
    assert whole(project) == expected and puts[0] == kept  # the second time everything is kept

    test = questions.TABLE.load(project / questions.TEST.format(questions="atlas") / questions.QUESTIONS)
    detect = questions.TABLE.load(project / questions.DETECT.format(questions="atlas") / questions.QUESTIONS)
    assert not {row["picture_id"] for row in test} & {row["picture_id"] for row in detect}
    assert activations.load(project / activations.PATH.format(audit="atlas")).cultures == sorted(CODES)
    neurons = vlm_neurons.TABLE.load(project / vlm_neurons.PATH.format(audit="atlas"))
    assert len(neurons) == 2 * len(CODES) * 8
    summary = silenced.SUMMARY_FILE.load(project / silenced.SUMMARY.format(audit="atlas"))
    own = summary["effects"]["native"]["cas"]["own"]
    assert own and own["value"] < -0.3
    judged = audited.SUMMARY_FILE.load(project / audited.SUMMARY.format(audit="atlas"))
    right = {row["condition"]: row["right"]["value"] for row in judged["rows"]}
    assert right == {"real": 1.0, "noun": 0.0, "cultural": 1.0}  # no control is asked about
    assert all(row["own"] and row["own"]["value"] < -0.3 for row in judged["rows"] if row["condition"] != "noun")
    people = judged["people"]
    assert people and people["flipped"] > 0 and people["answers"] == 3 * people["flipped"]


def test_a_model_that_is_no_judge_leaves_an_audit_without_rows(project: Path) -> None:
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["audits"]["atlas"]["judges"] = False
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    vlm_neurons.TABLE.save(project / vlm_neurons.PATH.format(audit="atlas"), [])
    audit_judge.STAGE.execute(audit="atlas")
    judged = audited.SUMMARY_FILE.load(project / audited.SUMMARY.format(audit="atlas"))
    assert judged == {"selector": "cas", "rows": [], "people": None}
