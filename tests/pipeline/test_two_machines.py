"""Two checkouts that share a bucket: DVC's remote and the store of cached results, on a real S3 protocol."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import s3fs
from moto.server import ThreadedMotoServer

from atlas_truth import AtlasTruth
from chat_server import KEY, ChatServer
from culturebench.artifacts import annotated, candidates, pictures, splits
from culturebench.atlas.world import Scene
from documents import commands
from flows import dvc
from workspace import Workspace

pytestmark = pytest.mark.slow

TARGET = "generate@atlas-cultural"
PICTURES = pictures.TEST_PATH.format(model="atlas", condition="cultural")


@dataclass(frozen=True)
class Bucket:
    """An S3 server on this machine with one empty bucket, `team`."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": "something",
            "AWS_DEFAULT_REGION": "us-east-1",
            "CULTUREBENCH_STORE": "s3://team/cache",
        }

    def cached(self) -> set[str]:
        return {Path(name).name for name in self.files().find("team/cache")}

    def files(self) -> Any:
        return s3fs.S3FileSystem(key="somebody", secret="something", endpoint_url=self.url, use_listings_cache=False)


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    found = Bucket(f"http://{host}:{port}")
    # All servers of one process share what they hold.
    reset = urllib.request.Request(f"{found.url}/moto-api/reset", method="POST")
    urllib.request.urlopen(reset, timeout=60).close()
    found.files().mkdir("team")
    yield found
    server.stop()


@dataclass(frozen=True)
class Machine:
    """A checkout with caches of its own; of other machines it knows the bucket alone."""

    root: Path
    bucket: Bucket

    @property
    def environment(self) -> dict[str, str]:
        return {**self.bucket.environment, "LOOPBACK_KEY": KEY, "DVC_SITE_CACHE_DIR": str(self.root / ".dvc/tmp/site")}

    def dvc(self, *command: str) -> None:
        self.run(sys.executable, "-m", "dvc", *command)

    def run(self, *command: str) -> None:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, **self.environment, "PATH": path}
        done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"

    def repro(self, *targets: str) -> dict[str, str]:
        outcomes = dvc.reproduce(targets, root=self.root, environment=self.environment)
        return {outcome.stage: outcome.outcome.value for outcome in outcomes}


def test_a_second_machine_recomputes_nothing_and_a_changed_prompt_costs_one_call(
    finished: Workspace, bucket: Bucket, tmp_path: Path
) -> None:
    first = Machine(finished.copy(tmp_path / "first").root, bucket)
    first.dvc("repro", "--force", "--single-item", TARGET)  # its pictures are in the bucket, and not in a folder
    paid = bucket.cached()
    assert len(paid) == 3  # a batch for each region
    second = hand_over(first, tmp_path / "second")
    assert (second.root / PICTURES).read_bytes() == (first.root / PICTURES).read_bytes()
    assert set(second.repro().values()) == {"cached"}
    assert bucket.cached() == paid

    change_a_prompt(second.root)
    outcomes = second.repro(TARGET)
    ran = {stage for stage, outcome in outcomes.items() if outcome == "ran"}
    assert ran == {"caption@jp", "ground", "split", "load_prompts@test", TARGET}
    assert len(bucket.cached() - paid) == 1
    before, after = (images(machine.root) for machine in (first, second))
    assert {key[0] for key, image in after.items() if before.get(key) != image} == {"jp"}


def test_after_one_changed_caption_prompt_the_second_machine_pays_for_one_call(
    finished: Workspace, bucket: Bucket, tmp_path: Path
) -> None:
    workspace = finished.copy(tmp_path / "first")
    first = Machine(workspace.root, bucket)
    with ChatServer(truth(workspace.root).answer) as server:
        workspace.edit_params(lambda params: ask(params["caption"], server))
        first.repro("caption@jp")
        paid = server.count("answered")
        assert paid == len(kept(workspace.root)) > 1

        second = hand_over(first, tmp_path / "second")
        assert set(second.repro("caption@jp").values()) == {"cached"}
        assert server.count("answered") == paid
        change_a_question(second.root)
        outcomes = second.repro("caption@jp")
        assert {stage for stage, outcome in outcomes.items() if outcome == "ran"} == {"annotate@jp", "caption@jp"}
        assert server.count("answered") == paid + 1


def ask(section: dict[str, Any], server: ChatServer) -> None:
    """Cultural captions come from the server; for people's noun captions stand those of the atlas."""
    section["providers"] = ["openai", "atlas"]
    section["openai"] |= {"base_url": server.url, "key_variable": "LOOPBACK_KEY", "image_side": 96}


def truth(root: Path) -> AtlasTruth:
    """Knows what the region's kept pictures show."""
    rows = candidates.TABLE.load(root / candidates.PATH.format(region="jp"), ["picture_id", "image", "scene"])
    shown = {row["picture_id"]: (row["image"], Scene(**row["scene"])) for row in rows}
    return AtlasTruth("jp", [shown[row["picture_id"]] for row in kept(root)])


def kept(root: Path) -> list[dict[str, Any]]:
    """The pictures of Japan that its experts keep, by id."""
    rows = annotated.TABLE.load(root / annotated.PATH.format(region="jp"))
    return sorted((row for row in rows if row["status"] == "kept"), key=lambda row: row["picture_id"])


def change_a_question(root: Path) -> None:
    """The experts file one kept picture of Japan under another subdivision, of which its question speaks."""
    row = kept(root)[0]
    other = "asanoha" if row["subdivision"] == "seigaiha" else "seigaiha"
    path = root / "annotations/decisions/jp.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        if line["picture_id"] == row["picture_id"] and line["subdivision"]:
            line["subdivision"] = other
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def hand_over(first: Machine, folder: Path) -> Machine:
    """A clone of the first machine's commit that has pulled what the first one pushed."""
    share, verify, push = documented_commands()
    first.run(*share)
    first.run(*verify)
    first.run("git", "add", "--all")
    first.run("git", "-c", "user.name=first", "-c", "user.email=first@localhost", "commit", "--quiet", "-m", "Results")
    first.run(*push)
    subprocess.run(["git", "clone", "--quiet", first.root, folder], check=True)
    second = Machine(folder, first.bucket)
    assert not (second.root / PICTURES).exists()
    second.dvc("pull")
    return second


def documented_commands() -> list[list[str]]:
    """How artifacts get into a bucket, which here is called `team`."""
    lines = commands("sh", document="docs/unattended.md", section="A team's bucket")
    return [shlex.split(line.replace("s3://bucket/", "s3://team/")) for line in lines]


def change_a_prompt(root: Path) -> None:
    """Somebody words the cultural caption of one test picture of Japan anew."""
    rows = splits.TABLE.load(root / splits.TEST / "jp.parquet")
    row = min((row for row in rows if row["cultural"]), key=lambda row: row["picture_id"])
    line = {"picture_id": row["picture_id"], "annotator": "a", "cultural": row["cultural"]["text"] + "の写真"}
    with (root / "annotations/captions/jp.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def images(root: Path) -> dict[tuple[str, str, int], bytes]:
    rows = pictures.TABLE.load(root / PICTURES)
    return {(row["region"], row["prompt"], row["seed"]): row["image"] for row in rows}
