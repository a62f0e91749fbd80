"""Vietnam joins a finished project: from its file through the web, experts and captions into the splits.

Everything that is asked runs on this machine: a server like Wikimedia Commons whose files misbehave, a real Label
Studio with two experts who know the truth, and a chat server that knows it too and fails in a third of its answers.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from platformdirs import user_cache_dir

from atlas_truth import AtlasTruth
from chat_server import KEY, USAGE, ChatServer, share_of_faults
from commons_like import CommonsLike, atlas_files
from culturebench.artifacts import candidates, captioned, duplicates, screened, splits
from culturebench.artifacts._table import Table
from culturebench.atlas.captions import Caption, cultural_caption, noun_caption
from culturebench.atlas.collection import Finding
from culturebench.captions.human import read_human_captions
from culturebench.label_studio import local, region as work
from culturebench.label_studio.client import ServerTask
from culturebench.params import load_region
from culturebench.sources.queries import Asked, queries
from documents import commands
from import_graph import ROOT
from studio import Expert, Studio, choice, mark, sure, text
from web_rules import RULES
from workspace import REGIONS, Params, Workspace

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("extension")]

#: The commands of the page's section, in its order.
DOCUMENTED = commands("bash", document="docs/data.md", section="Extend to a region")
PICTURES = 320
#: Dollars for an answer of the chat server, at the prices of params.yaml.
PRICE = (USAGE["prompt_tokens"] * 0.05 + USAGE["completion_tokens"] * 0.40) / 1_000_000
#: What an expert says of a picture that is not as it should be.
REASONS = {"blurred": "low_quality", "mislabelled": "wrong_culture", "plain": "not_authentic"}
#: Of so many captions one is said to be a stereotype.
STEREOTYPES = 30
#: Columns of captions; in the first two experts marked noun and modifier.
CULTURAL, NOUN = ("cultural", "cultural_en"), ("noun", "noun_en")
Row = dict[str, Any]


@dataclass
class Story:
    """The project, the servers that it asks, the commands that were given, and which stages each `repro` executed."""

    workspace: Workspace
    web: CommonsLike
    chat: ChatServer
    studio: Studio
    given: list[str] = field(default_factory=list[str])
    executed: list[set[str]] = field(default_factory=list[set[str]])
    changed: list[set[str]] = field(default_factory=list[set[str]])  # files of data/ that the step wrote anew

    def culturebench(self, command: str) -> str:
        """A command as a person gives it in the project; returns what it prints."""
        self.given.append(f"culturebench {command}")
        return self._run(["culturebench", *shlex.split(command)])

    def stage(self, name: str) -> None:
        """Run a stage of Vietnam once more, whatever DVC knows of it."""
        self._run([sys.executable, "-m", f"stages.{name}", "--region", "vn"])

    def _run(self, command: list[str]) -> str:
        shell, root = self.workspace.shell, self.workspace.root
        done = subprocess.run(command, cwd=root, env=shell, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def repro(self, *targets: str) -> None:
        """`dvc repro`, with a note of what it executed and changed."""
        self.given.append(shlex.join(["dvc", "repro", *targets]))
        before = self.files()
        outcomes = self.workspace.repro(*targets)
        after = self.files()
        self.executed.append({stage for stage, outcome in outcomes.items() if outcome != "cached"})
        self.changed.append({name for name in after if after[name] != before.get(name)})

    def files(self) -> dict[str, bytes]:
        """Every file that the data half wrote."""
        found = (path for path in (self.workspace.root / "data").rglob("*") if path.is_file())
        return {str(path.relative_to(self.workspace.root)): path.read_bytes() for path in found}

    def rows(self, table: Table, path: str) -> list[Row]:
        return table.load(self.workspace.root / path.format(region="vn"))

    def tasks(self, kind: work.Kind) -> list[ServerTask]:
        project = self.studio.server.project(work.title("vn", kind))
        assert project is not None
        return list(self.studio.server.tasks(project))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Three regions of the atlas, finished up to the splits; Vietnam's servers run, and nobody has asked them."""
    workspace = Workspace.fresh(tmp_path_factory.mktemp("extension"))
    workspace.edit("dvc.yaml", lambda stages: stages[: stages.index("  # ── each text encoder")])
    for kind in ("decisions", "gold"):  # those of the atlas's own Vietnam
        workspace.edit(f"annotations/{kind}/vn.jsonl", lambda lines: "")
    region = load_region(Asked, "vn", ROOT / "annotations/regions")
    files = atlas_files("vn", list(dict.fromkeys(query.text for query in queries(region))), PICTURES)
    truth = AtlasTruth("vn", [(file.data, file.finding.scene) for file in files if _authentic(file.finding)])
    home = Path(workspace.environment["CULTUREBENCH_LABEL_STUDIO"])
    with (
        CommonsLike(files) as web,
        ChatServer(truth.answer, share_of_faults(0.3)) as chat,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("OPENAI_API_KEY", KEY)
        patch.delenv("LABEL_STUDIO_URL", raising=False)
        workspace.edit_params(lambda params: _ask(params, web, chat))
        studio = Studio.fresh(home, local.install(Path(user_cache_dir("culturebench"))))
        try:
            yield Story(workspace, web, chat, studio)
        finally:
            local.stop(home)


def _ask(params: Params, web: CommonsLike, chat: ChatServer) -> None:
    """Commons for Vietnam, and a model for pictures of which the atlas knows nothing."""
    params["collect"]["web"] = {**RULES, "deadline": 1.5, "test_addresses": [web.address]}
    params["collect"]["sources"].append({"kind": "commons", "url": web.api, "regions": ["vn"]})
    params["collect"]["sources"][0]["regions"] = list(REGIONS)
    params["caption"]["providers"] = ["atlas", "openai", "template"]
    params["caption"]["openai"] |= {
        "base_url": chat.url, "image_side": 96, "timeout": 2, "deadline": 30, "max_wait": 0.02,
    }  # fmt: skip


def _authentic(finding: Finding) -> bool:
    return finding.planted.partition(":")[0] in ("", "near_duplicate")


def _everybody(experts: list[Expert], tasks: list[ServerTask], answer: Callable[[Expert, ServerTask], object]) -> None:
    """Each expert answers every task, at the pace of their own browser."""
    with ThreadPoolExecutor(len(experts)) as desks:
        list(desks.map(lambda expert: [answer(expert, task) for task in tasks], experts))


def _judge(expert: Expert, task: ServerTask, truth: Mapping[str, Finding]) -> None:
    finding = truth[task.external_id]
    if _authentic(finding):
        subdivision = choice("subdivision", finding.scene.subdivision)
        expert.answer(task.number, choice("verdict", "keep"), subdivision, sure(4))
    else:
        reason = REASONS[finding.planted.partition(":")[0]]
        expert.answer(task.number, choice("verdict", "reject"), choice("reason", reason), sure(5))


def _audit(expert: Expert, task: ServerTask, finding: Finding) -> None:
    """Confirm a right caption and mark it, write another one anew; and always write the noun caption."""
    if finding.index % STEREOTYPES == 0:
        expert.answer(task.number, choice("audit", "stereotype"))
        return
    right, noun = cultural_caption(finding.scene, "vi"), noun_caption(finding.scene, "vi")
    modifier = _words(right, right.modifier_span)
    about_noun = text("noun", noun.text), text("noun_en", noun_caption(finding.scene, "en").text)
    if task.data["cultural"] == right.text:
        marks = [mark("noun", *right.noun_span, _words(right, right.noun_span))]
        marks += [mark("modifier", *right.modifier_span, modifier)] if right.modifier_span else []
        expert.answer(task.number, choice("audit", "correct"), *marks, *about_noun)
    else:
        english = text("new_cultural_en", cultural_caption(finding.scene, "en").text)
        anew = text("new_cultural", right.text), english, text("new_cultural_modifier", modifier)
        expert.answer(task.number, choice("audit", "edit"), *anew, *about_noun)


def _words(caption: Caption, span: tuple[int, int] | None) -> str:
    assert span
    return caption.text[slice(*span)]


def test_vietnam_goes_from_its_file_to_the_splits_and_only_its_chain_and_the_joint_stages_run(story: Story) -> None:
    story.repro("split")
    before = story.files()
    assert "data/train/jp.parquet" in before and not any("vn" in name for name in before)
    assert story.web.asked == [] and story.chat.asked == []

    story.culturebench("region add vn --country Vietnam --language vi")
    story.culturebench("region check vn")
    assert "Dong Son" in story.culturebench("region show vn")
    story.repro("deduplicate")
    assert story.executed[-1] == {"collect@vn", "screen@vn", "relevance@vn-clip0", "deduplicate"}
    _check_candidates(story)

    pushed = story.culturebench("annotate push --region vn")
    tasks = story.tasks("pictures")
    assert f"{len(tasks)} tasks sent" in pushed
    experts = [story.studio.expert(name) for name in ("an", "binh")]
    _everybody(experts, tasks, lambda expert, task: _judge(expert, task, story.web.truth))
    story.culturebench("annotate pull --region vn")
    story.repro("ground")
    _check_executed(story, {"annotate@vn", "caption@vn", "ground"})
    _check_second_run(story)

    story.culturebench("annotate push --region vn --project captions")
    for task in (waiting := story.tasks("captions")):
        for expert in experts:
            _audit(expert, task, story.web.truth[task.external_id])
    story.culturebench("annotate pull --region vn --project captions")
    story.repro("split")
    assert story.executed[-1] == {"unfiled", "caption@vn", "ground", "split"}
    _check_splits(story, {task.external_id for task in waiting})
    cost = story.workspace.load_json("reports/metrics/captions.json")["regions"]["vn"]["cost"]
    assert cost == pytest.approx(story.chat.count("answered") * PRICE)
    _check_others(story, before)
    assert story.given[1:] == DOCUMENTED
    story.repro("split")
    assert story.executed[-1] == set() and story.chat.paid_twice() == 0


def _check_candidates(story: Story) -> None:
    """Each file is a row with its origin and licence, and ends as its manners have it."""
    rows = story.rows(candidates.TABLE, candidates.PATH)
    assert len(rows) >= 300 and {row["file_name"]: row["error"] for row in rows} == story.web.expected()
    assert len({row["error"] for row in rows}) > 8
    for row in rows:
        assert row["source"] == "commons" and row["query"] and row["page_url"] and row["file_url"] and row["author"]
        assert row["licence"] and (row["licence_text"] or row["licence"] == "unknown")
    reasons = Counter(row["reason"] for row in story.rows(screened.TABLE, screened.PATH))
    assert reasons["licence"] and reasons["resolution"] and reasons["truncated"]
    assert any(row["reason"] == "duplicate" for row in story.rows(duplicates.TABLE, duplicates.PATH))


def _touched(story: Story) -> set[str]:
    """Regions with a picture of which Vietnam brought a copy: their duplicates are told anew."""
    return {Path(name).stem for name in story.changed[1] if name.startswith("data/duplicates/")} - {"vn"}


def _check_executed(story: Story, ours: set[str]) -> None:
    """Beyond `ours` nothing ran but what follows from a region's changed duplicates."""
    follows = {f"{stage}@{region}" for stage in ("annotate", "caption") for region in _touched(story)}
    assert ours <= story.executed[-1] <= ours | follows


def _check_second_run(story: Story) -> None:
    """A second run fetches nothing, and pays for no answer that it has."""
    paths = [story.workspace.root / name.format(region="vn") for name in (candidates.PATH, captioned.PATH)]
    kept, asked = [path.read_bytes() for path in paths], len(story.web.asked)
    rows = {row["picture_id"]: row for row in story.rows(captioned.TABLE, captioned.PATH)}
    story.stage("collect")
    assert paths[0].read_bytes() == kept[0] and len(story.web.asked) == asked
    story.stage("caption")
    again = story.rows(captioned.TABLE, captioned.PATH)
    assert len(again) == len(rows) and {row["status"] for row in again} == {"waiting"}
    written = [row for row in again if rows[row["picture_id"]]["cultural"]]
    assert written == [row for row in rows.values() if row["cultural"]] and len(written) > 100
    assert story.chat.paid_twice() == 0
    for path, data in zip(paths, kept, strict=True):
        path.write_bytes(data)


def _check_splits(story: Story, asked: set[str]) -> None:
    """The splits hold what experts kept and nothing else; every caption in them was written or audited by people."""
    human = read_human_captions(story.workspace.root / "annotations/captions/vn.jsonl", "vi", auditors=2)
    assert set(human) == asked
    paths = [f"{folder}/{{region}}.parquet" for folder in splits.DIRECTORIES.values()]
    rows = [row for path in paths for row in story.rows(splits.TABLE, path)]
    audits = Counter(said.audit for said in human.values())
    assert audits["correct"] > 100 and audits["edit"] + audits[""] and audits["stereotype"]
    good = {name for name in asked if story.web.truth[name].index % STEREOTYPES}
    assert {row["picture_id"] for row in rows} == good and len(good) > 100
    for row in rows:
        said, finding = human[row["picture_id"]], story.web.truth[row["picture_id"]]
        assert said.audit in ("correct", "edit", "") and _authentic(finding)  # "": people wrote it, none was there
        assert {role: row[role] for role in CULTURAL} == {role: said.captions[role] for role in CULTURAL}
        for role in NOUN:  # nobody marked the noun, so that the whole caption counts
            text = said.captions[role]["text"]
            assert said.captions[role]["noun_start"] == -1
            assert (row[role]["text"], row[role]["noun_end"]) == (text, len(text))
        assert set(said.captions) == {*CULTURAL, *NOUN}
        assert row["cultural"]["text"] == cultural_caption(finding.scene, "vi").text
        assert row["cultural"]["modifier_start"] >= 0 and row["licence"] not in ("", "unknown")


def _check_others(story: Story, before: Mapping[str, bytes]) -> None:
    """Where Vietnam touched none of a region's pictures, its files are the same to the byte."""
    after = story.files()
    untouched = set(REGIONS) - _touched(story)
    assert untouched
    for region in untouched:
        own = {name for name in before if Path(name).stem == region}
        assert len(own) > 8 and all(after[name] == before[name] for name in own)
