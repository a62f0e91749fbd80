"""The caption stage with a model that sees pictures: its server often fails, and nothing is lost or paid twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from atlas_truth import AtlasTruth
from chat_server import KEY, USAGE, Asked, ChatServer, share_of_faults
from culturebench.artifacts import annotated, candidates, captioned, cues, grounded
from culturebench.atlas.captions import cultural_caption, noun_caption
from culturebench.atlas.collection import DEFECTS, findings
from culturebench.atlas.pictures import render
from culturebench.captions.spans import CaptionError
from culturebench.png import to_png
from data_project import ROOT, write_data_project
from stages import caption, ground

REGION = "vn"
PRICE = (USAGE["prompt_tokens"] * 1.0 + USAGE["completion_tokens"] * 2.0) / 1_000_000
#: Why a picture may wait after a storm of faults.
REASONS = {
    "no_noun_caption", "rate_limited", "no_quota", "server_error", "timeout", "connection", "broken_reply",
    "refused_request", "refused", "cut_off", "wrong_language",
}  # fmt: skip


class Project:
    """A folder in which a region's annotated pictures wait for captions from a server on the loopback."""

    #: How many people have to audit which captions.
    auditors, audit = 1, "rare"

    def __init__(self, root: Path, count: int) -> None:
        self.root = root
        self.scenes = [finding.scene for finding in findings(REGION, count, dict.fromkeys(DEFECTS, 0.0))]
        pictures = [(to_png(render(scene, 96)), scene) for scene in self.scenes]
        self.truth = AtlasTruth(REGION, pictures)
        rows = [
            dict.fromkeys(candidates.TABLE.schema.names, "")
            | {
                "picture_id": scene.id(),
                "region": REGION,
                "image": data,
                "captions": None,
                "scene": None,
                "released": None,
                "status": "ok",
                "size_bytes": 0,
            }
            for data, scene in pictures
        ]
        verdict = {
            "region": REGION,
            "status": "kept",
            "reason": "",
            "category": "",
            "agreement": 1.0,
            "decisions": 3,
            "provisional": False,
        }
        verdicts = [verdict | {"picture_id": scene.id(), "subdivision": scene.subdivision} for scene in self.scenes]
        self._tables = rows, verdicts

    def write(self, server: ChatServer, **changes: Any) -> None:
        """Params, annotations, and what the stages before captions leave."""
        settings: dict[str, Any] = {
            "base_url": server.url, "model": "tiny", "key_variable": "LOOPBACK_KEY", "max_completion_tokens": 500,
            "extra": {}, "image_side": 96, "image_tokens": 200, "input_price": 1.0, "output_price": 2.0,
            "max_cost": None, "tries": 4, "timeout": 4.0, "deadline": 30, "max_wait": 0.02, "concurrency": 8,
        }  # fmt: skip
        section = {"providers": ["openai"], "auditors": self.auditors, "openai": settings | changes}
        if not (self.root / "params.yaml").exists():
            write_data_project(self.root, [REGION], [], caption=section, ground={"audit": self.audit})
            candidates.TABLE.save(self.root / candidates.PATH.format(region=REGION), self._tables[0])
            annotated.TABLE.save(self.root / annotated.PATH.format(region=REGION), self._tables[1])

    def people_say(self, lines: list[dict[str, Any]]) -> None:
        """What stands in the region's captions file."""
        path = self.root / f"annotations/captions/{REGION}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    def rows(self) -> dict[str, dict[str, Any]]:
        return {row["picture_id"]: row for row in captioned.TABLE.load(Path(captioned.PATH.format(region=REGION)))}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Project]:
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.setenv("CULTUREBENCH_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("LOOPBACK_KEY", KEY)
    return lambda count: Project(root, count)


def assert_true_to_the_atlas(made: Project) -> Counter[str]:
    """Every picture is captioned as it is, or waits for a reason; the count of the reasons."""
    rows = made.rows()
    assert set(rows) == {scene.id() for scene in made.scenes}
    for scene in made.scenes:
        row = rows[scene.id()]
        assert row["status"] == "waiting" and row["reason"] in REASONS
        assert (row["cultural"] is not None) == (row["reason"] == "no_noun_caption")
        if row["cultural"]:
            assert row["cultural"]["text"] == cultural_caption(scene, "vi").text
            assert row["cultural_en"]["text"] == cultural_caption(scene, "en").text
            assert row["noun_draft"]["text"] == noun_caption(scene, "vi").text and row["noun"] is None
            assert row["cues"] and row["subdivision"] == scene.subdivision and row["served_model"] == "tiny-served"
    return Counter(row["reason"] for row in rows.values())


@pytest.mark.slow
def test_in_a_storm_of_faults_every_picture_is_captioned_or_waits_with_a_reason(
    project: Callable[[int], Project], tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    made = project(500)
    with ChatServer(made.truth.answer, share_of_faults(0.3)) as server:
        made.write(server)
        caption.STAGE.execute(region=REGION)
        reasons = assert_true_to_the_atlas(made)
        assert reasons["no_noun_caption"] > 425 and server.paid_twice() == 0
        paid = sum(row["cost"] for row in made.rows().values())
        assert paid == pytest.approx(server.count("answered") * PRICE)
        answered = server.count("answered")
        caption.STAGE.execute(region=REGION)
        again = assert_true_to_the_atlas(made)
        assert again["no_noun_caption"] >= reasons["no_noun_caption"] and server.paid_twice() == 0
        assert server.count("answered") - answered <= 500 - reasons["no_noun_caption"]
    assert {outcome for _, outcome in server.log} >= {"answered", "hang", "quota", "broken_body", "rate_limit"}
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert KEY.encode() not in path.read_bytes(), path
    assert KEY not in "".join(capfd.readouterr())


@pytest.mark.slow
def test_a_run_that_is_killed_pays_nothing_twice_that_it_had_received(project: Callable[[int], Project]):
    made = project(200)
    command = [sys.executable, "-m", "stages.caption", "--region", REGION]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with ChatServer(made.truth.answer, share_of_faults(0.3, ["server_error", "wrong_language", "cut_off"])) as server:
        made.write(server, concurrency=4)
        for answers in (40, 120):
            process = subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.DEVNULL)
            server.wait_for(answers)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        assert not Path(captioned.PATH.format(region=REGION)).exists()
        subprocess.run(command, env=environment, check=True, stderr=subprocess.DEVNULL)
        assert_true_to_the_atlas(made)
        # What was under way at a kill may have been answered to nobody.
        assert server.paid_twice() <= 2 * 4


def test_a_fault_in_a_caption_is_named_to_the_model_once_and_then_left_to_people(project: Callable[[int], Project]):
    made = project(6)

    def answer(asked: Asked, fault: str) -> str:
        repaired = any("cannot be used" in text for text in asked.texts)
        stubborn = made.truth.scene(asked.images[0]) in made.scenes[:2]
        return made.truth.answer(asked, "" if repaired and not stubborn else "wrong_language")

    with ChatServer(answer) as server:
        made.write(server)
        caption.STAGE.execute(region=REGION)
        reasons = assert_true_to_the_atlas(made)
    assert reasons == {"no_noun_caption": 4, "wrong_language": 2} and len(server.log) == 12
    told = [asked.texts[-1] for asked in server.asked if len(asked.body["messages"]) == 4]
    assert len(told) == 6 and all("must be in vi" in text for text in told)
    waiting = [row for row in made.rows().values() if row["reason"] == "wrong_language"]
    assert all("must be in vi" in row["detail"] and row["cost"] == pytest.approx(2 * PRICE) for row in waiting)


def test_after_a_reply_that_ended_while_thinking_no_empty_message_is_sent(project: Callable[[int], Project]):
    made = project(2)

    def answer(asked: Asked, fault: str) -> str:
        return "" if fault == "cut_off" else made.truth.answer(asked, fault)

    with ChatServer(answer, lambda fingerprint, sent: "") as server:
        server.schedule = lambda *_: "" if "cannot be used" in server.asked[-1].texts[-1] else "cut_off"
        made.write(server, concurrency=1)
        caption.STAGE.execute(region=REGION)
        assert assert_true_to_the_atlas(made) == {"no_noun_caption": 2} and len(server.log) == 4
    assert all(message["content"] for asked in server.asked for message in asked.body["messages"])
    assert "stopped after" in server.asked[-1].texts[-1]


def test_the_limit_of_cost_holds_for_a_region_over_all_its_runs(project: Callable[[int], Project]):
    made = project(30)
    with ChatServer(made.truth.answer, share_of_faults(0.4, ["wrong_language"])) as server:
        made.write(server, max_cost=0.03)
        for _ in range(3):
            caption.STAGE.execute(region=REGION)
            rows = made.rows().values()
            assert 0.02 < sum(row["cost"] for row in rows) <= 0.03
            assert server.count("answered") * PRICE <= 0.03
            assert {row["reason"] for row in rows} == {"no_noun_caption", "cost_limit"}


def test_a_dead_endpoint_fails_the_stage_and_writes_nothing(project: Callable[[int], Project]):
    made = project(5)
    with ChatServer(made.truth.answer, lambda fingerprint, sent: "server_error") as server:
        made.write(server)
        with pytest.raises(CaptionError, match=r"only 0 of 5 .* server_error"):
            caption.STAGE.execute(region=REGION)
    assert not Path(captioned.PATH.format(region=REGION)).exists()


def test_people_s_noun_captions_complete_a_written_caption_and_an_audit_stands_over_it(
    project: Callable[[int], Project],
):
    made = project(5)
    noun = {scene: {"noun": {"text": noun_caption(scene, "vi").text}} for scene in made.scenes}
    first, second, third, fourth, fifth = made.scenes
    own = {"text": "chiếc bát theo phong cách Bát Tràng", "noun": "bát", "modifier": "theo phong cách Bát Tràng"}
    made_by_people = [
        {"picture_id": first.id(), **noun[first]},
        {"picture_id": second.id(), **noun[second], "audit": "edit", "cultural": own},
        {"picture_id": third.id(), "audit": "stereotype"},
        {"picture_id": fourth.id(), "noun": "một chiếc bát Việt Nam"},
    ]
    with ChatServer(made.truth.answer) as server:
        made.write(server)
        made.people_say(made_by_people)
        caption.STAGE.execute(region=REGION)
    rows = made.rows()
    assert (rows[first.id()]["status"], rows[first.id()]["provider"]) == ("kept", "human+openai")
    assert rows[first.id()]["noun_draft"] is None
    edited = rows[second.id()]
    assert (edited["status"], edited["audit"], edited["provider"]) == ("kept", "edit", "human")
    assert edited["cultural"]["text"] == own["text"] and edited["cues"] == []
    assert (rows[third.id()]["status"], rows[third.id()]["reason"]) == ("dropped", "stereotype")
    assert (rows[fourth.id()]["status"], rows[fourth.id()]["reason"]) == ("waiting", "noun_names_the_country")
    assert rows[fifth.id()]["reason"] == "no_noun_caption"
    assert len(server.log) == 3


def test_a_caption_on_a_rare_cue_waits_for_an_audit_and_goes_on_after_it(project: Callable[[int], Project]):
    made = project(12)
    odd = made.scenes[0]

    def answer(asked: Asked, fault: str) -> str:
        draft = json.loads(made.truth.answer(asked, fault))
        rare = made.truth.scene(asked.images[0]) == odd
        return json.dumps(draft | {"cues": ["lacquer", *(["Conical  Hat"] if rare else [])]})

    lines = [{"picture_id": scene.id(), "noun": noun_caption(scene, "vi").text} for scene in made.scenes]
    with ChatServer(answer) as server:
        made.write(server)
        made.people_say(lines)
        caption.STAGE.execute(region=REGION)
        ground.STAGE.execute()
        rows = {row["picture_id"]: row for row in grounded.TABLE.load(Path(grounded.PATH.format(region=REGION)))}
        table = {row["cue"]: row for row in cues.TABLE.load(Path(cues.PATH))}
        assert (table["lacquer"]["support"], table["lacquer"]["grounded"]) == (12, True)
        assert (table["conical hat"]["support"], table["conical hat"]["grounded"]) == (1, False)
        assert (rows[odd.id()]["status"], rows[odd.id()]["reason"]) == ("waiting", "rare_cue")
        assert "conical hat: 1 pictures" in rows[odd.id()]["detail"]
        assert Counter(row["status"] for row in rows.values()) == {"kept": 11, "waiting": 1}
        counts = json.loads(Path(grounded.COUNTS).read_text(encoding="utf-8"))["regions"][REGION]
        assert counts["cost"] == pytest.approx(12 * PRICE) and counts["waiting"] == {"rare_cue": 1}
        written = rows[odd.id()]["cultural"]
        spans = {part: [written[f"{part}_start"], written[f"{part}_end"]] for part in ("noun", "modifier")}
        made.people_say([lines[0] | {"audit": "correct", "cultural": {"text": written["text"], **spans}}, *lines[1:]])
        caption.STAGE.execute(region=REGION)
        ground.STAGE.execute()
    rows = {row["picture_id"]: row for row in grounded.TABLE.load(Path(grounded.PATH.format(region=REGION)))}
    assert (rows[odd.id()]["status"], rows[odd.id()]["audit"]) == ("kept", "correct")
    assert rows[odd.id()]["cultural"] == written


def test_two_experts_audit_every_caption_that_a_model_wrote_and_their_agreement_is_counted(
    project: Callable[[int], Project],
):
    """Of five captions on a common cue: confirmed, written anew, a stereotype to both, disputed, and seen by one."""
    made = project(5)
    made.auditors, made.audit = 2, "all"
    names = [scene.id() for scene in made.scenes]
    nouns = {scene.id(): {"noun": noun_caption(scene, "vi").text} for scene in made.scenes}
    with ChatServer(made.truth.answer) as server:
        made.write(server)
        made.people_say([{"picture_id": name, "annotator": "p", **nouns[name]} for name in names])
        caption.STAGE.execute(region=REGION)
        ground.STAGE.execute()
        before = grounded.TABLE.load(Path(grounded.PATH.format(region=REGION)))
        assert {row["status"] for row in before} == {"waiting"}
        texts = {row["picture_id"]: row["cultural"]["text"] for row in before}
        said = [("correct", "correct"), ("edit", "edit"), ("stereotype", "stereotype"), ("correct", "stereotype"),
                ("correct",)]  # fmt: skip
        lines: list[dict[str, Any]] = []
        for name, audits in zip(names, said, strict=True):
            for number, audit in enumerate(audits):
                own = {} if audit == "stereotype" else {"cultural": texts[name] if audit == "correct" else "một vật"}
                lines.append({"picture_id": name, "annotator": "pq"[number], "audit": audit, **nouns[name], **own})
        made.people_say(lines)
        caption.STAGE.execute(region=REGION)
        ground.STAGE.execute()
    rows = {row["picture_id"]: row for row in grounded.TABLE.load(Path(grounded.PATH.format(region=REGION)))}
    found = [(rows[name]["status"], rows[name]["reason"], rows[name]["audit"]) for name in names]
    assert found == [
        ("kept", "", "correct"), ("kept", "", "edit"), ("dropped", "stereotype", "stereotype"),
        ("waiting", "audit_undecided", ""), ("waiting", "audit_undecided", ""),
    ]  # fmt: skip
    counts = grounded.load_counts(Path(grounded.COUNTS))[REGION]
    assert counts["audits"] == {"correct": 1, "edit": 1, "stereotype": 1}
    assert counts["waiting"] == {"audit_undecided": 2}
    assert (counts["auditors"]["several"], counts["auditors"]["alike"]) == (4, 3)
    # Krippendorff's alpha by hand: 8 values, one disagreeing pair (2 of 8 coincidences), 3 / 2 / 3 of each kind
    assert counts["auditors"]["alpha"] == pytest.approx(1 - 7 * 2 / (64 - 9 - 4 - 9), abs=1e-6)


def test_what_was_paid_stays_in_the_ledger_when_people_have_settled_the_pictures(project: Callable[[int], Project]):
    made = project(4)
    confirmed, edited, rejected, waiting = (scene.id() for scene in made.scenes)
    with ChatServer(made.truth.answer) as server:
        made.write(server)
        caption.STAGE.execute(region=REGION)
        before = made.rows()
        right = before[confirmed]["cultural"]["text"]
        made.people_say(
            [
                {"picture_id": confirmed, "audit": "correct", "cultural": right, "noun": "bát"},
                {"picture_id": edited, "audit": "edit", "cultural": "một vật khác", "noun": "vật"},
                {"picture_id": rejected, "audit": "stereotype"},
            ]
        )
        caption.STAGE.execute(region=REGION)
        rows = made.rows()
    assert len(server.log) == 4 and all(row["cost"] == pytest.approx(PRICE) for row in rows.values())
    assert {name: row["status"] for name, row in rows.items()} == {
        confirmed: "kept", edited: "kept", rejected: "dropped", waiting: "waiting"
    }  # fmt: skip
    # Cues belong to the model's words, so they stay where people confirmed these.
    assert rows[confirmed]["cues"] == before[confirmed]["cues"] != []
    assert rows[edited]["cues"] == [] and rows[edited]["cultural_en"] is None
    assert rows[rejected]["cues"] == [] and rows[rejected]["cultural"] is None
