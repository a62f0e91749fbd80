"""A real Label Studio with real users, and a region's tables of small pictures to send there."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import yaml
from PIL import Image

from culturebench.artifacts import annotated, candidates, duplicates, grounded, splits
from culturebench.label_studio import local
from culturebench.label_studio.client import Server
from culturebench.label_studio.pictures import Served
from culturebench.png import to_png

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
SPANS = ("noun_start", "noun_end", "modifier_start", "modifier_end")


@dataclass(frozen=True)
class Expert:
    """A person with an account of their own, who answers through the API as their browser does."""

    email: str
    password: str
    http: httpx.Client

    def answer(self, task: int, *result: dict[str, Any], **more: Any) -> int:
        """Submit an annotation and return its number."""
        body = {"result": list(result), "lead_time": 3.5, **more}
        return self.ok(self.http.post(f"/api/tasks/{task}/annotations/", json=body))["id"]

    @staticmethod
    def ok(answer: httpx.Response) -> Any:
        assert answer.is_success, answer.text
        return answer.json()


@dataclass
class Studio:
    """A local server that can be killed and started again on its port."""

    home: Path
    binaries: Path
    entry: local.Credentials

    @classmethod
    def fresh(cls, home: Path, binaries: Path) -> Studio:
        with socket.socket() as probe:
            probe.bind((local.HOST, 0))
            port = probe.getsockname()[1]
        return cls(home, binaries, local.start(home, binaries, port, webhooks=True))

    def kill(self) -> None:
        """As a power cut would end it."""
        os.killpg(int((self.home / "server.pid").read_text()), signal.SIGKILL)

    def restart(self) -> None:
        """Start it again where it was."""
        local.stop(self.home)
        self.entry = local.start(self.home, self.binaries, webhooks=True)

    @property
    def server(self) -> Server:
        return Server(self.entry.url, self.entry.token)

    @property
    def place(self) -> Served:
        return Served(self.server, Path(self.entry.files))

    def empty(self) -> None:
        """Delete every project with its tasks, and all pictures; people stay."""
        headers = {"Authorization": f"Token {self.entry.token}"}
        with httpx.Client(base_url=self.entry.url, headers=headers, trust_env=False, timeout=SECONDS) as http:
            for project in Expert.ok(http.get("/api/projects", params={"page_size": 100}))["results"]:
                assert http.delete(f"/api/projects/{project['id']}/").is_success
        for picture in (Path(self.entry.files) / "pictures").iterdir():
            picture.unlink()

    def expert(self, name: str) -> Expert:
        """Sign up through the invitation, as a person does."""
        email, password = f"{name}@experts.example", f"{name}-of-the-village"
        http = httpx.Client(base_url=self.entry.url, follow_redirects=True, trust_env=False, timeout=SECONDS)
        invitation = self.server.invitation()
        page = http.get(invitation).text
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert found, page[:500]
        form = {"csrfmiddlewaretoken": found[1], "email": email, "password": password, "allow_newsletters": "false"}
        assert http.post(invitation, data=form, headers={"Referer": invitation}).is_success
        token = Expert.ok(http.get("/api/current-user/token"))["token"]
        http.cookies.clear()
        http.headers["Authorization"] = f"Token {token}"
        return Expert(email, password, http)


def write_project(root: Path, pictures: int, overlap: int = 2, gold: int = 0, batch_size: int = 100) -> list[str]:
    """Params, annotations and the tables of region jp with small pictures under `root`; returns their ids."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["labeling"] = {"overlap": overlap, "gold": gold, "batch_size": batch_size}
    root.mkdir(parents=True)
    (root / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    for folder in ("regions", "labeling"):
        shutil.copytree(ROOT / "annotations" / folder, root / "annotations" / folder)
    rows = [_candidate(number) for number in range(pictures)]
    candidates.TABLE.save(root / "data/candidates/jp.parquet", rows)
    names = sorted(row["picture_id"] for row in rows)
    duplicates.TABLE.save(root / "data/duplicates/jp.parquet", [_unique(name) for name in names])
    return names


def write_test_split(root: Path, pictures: int, regions: Sequence[str]) -> dict[str, str]:
    """A test split of small pictures that are no drawings, and the params to ask about them; id -> region."""
    params = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8")) | {"regions": list(regions)}
    params["judge_reliability"] = {
        "pictures_per_region": pictures,
        "choices": 4,
        "seed": 0,
        "samples": 200,
        "level": 0.95,
    }
    (root / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    found: dict[str, str] = {}
    for place, region in enumerate(regions):
        own = [_candidate(1000 * (place + 1) + number) for number in range(pictures + 1)]
        text = {"text": "a", "language": "en", **dict.fromkeys(SPANS, -1)}
        rows = [
            {
                **{key: row[key] for key in ("picture_id", "licence", "metadata", "image")},
                "region": region, "language": "en", "subdivision": "", "group": row["picture_id"], "provisional": False,
                "cultural": text, "noun": text, "neutral": None, "cultural_en": None, "noun_en": None,
            }
            for row in own
        ]  # fmt: skip
        splits.TABLE.save(root / splits.TEST / f"{region}.parquet", rows)
        found |= dict.fromkeys(sorted(row["picture_id"] for row in own)[:pictures], region)
    return found


def _candidate(number: int) -> dict[str, Any]:
    pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    image = to_png(Image.fromarray(pixels).resize((64, 64), Image.Resampling.NEAREST))
    digest = hashlib.sha256(image).hexdigest()
    return {
        "picture_id": digest, "region": "jp", "source": "folder", "query": "", "page_url": f"https://x.example/{number}",
        "file_url": "", "file_name": f"{number}.png", "author": "A. <b>Painter</b>", "licence": "CC0-1.0",
        "licence_text": "", "sha256": digest, "size_bytes": len(image), "status": "ok", "error": "", "metadata": "{}",
        "image": image,
    }  # fmt: skip


def _unique(name: str) -> dict[str, Any]:
    return {
        "picture_id": name, "region": "jp", "phash": "0" * 16, "group": name, "status": "kept", "reason": "",
        "keeper": name,
    }  # fmt: skip


def write_annotated(root: Path, tied: list[str], decided: list[str]) -> None:
    """The stage's table: two decisions on each picture."""
    rows = [
        {
            "picture_id": name, "region": "jp", "status": "dropped" if name in tied else "kept",
            "reason": "undecided" if name in tied else "", "subdivision": "", "agreement": 0.5, "decisions": 2,
            "provisional": False,
        }
        for name in (*tied, *decided)
    ]  # fmt: skip
    annotated.TABLE.save(root / "data/annotated/jp.parquet", rows)


def write_captioned(root: Path, waiting: dict[str, str], kept: list[str]) -> None:
    """The table of the caption stages; `waiting` maps a picture to the cultural caption that waits for its audit."""
    none = {column.name: None for column in grounded.TABLE.schema}
    rows = [
        none
        | {
            "picture_id": name, "region": "jp", "language": "ja", "status": "waiting" if name in waiting else "kept",
            "reason": "low_support" if name in waiting else "", "detail": "", "provider": "openai", "audit": "",
            "subdivision": "", "cues": [], "cultural": _caption(waiting.get(name, "")), "served_model": "",
            "input_tokens": 0, "output_tokens": 0, "cost": 0.0,
        }
        for name in (*waiting, *kept)
    ]  # fmt: skip
    grounded.TABLE.save(root / grounded.PATH.format(region="jp"), rows)


def _caption(text: str) -> dict[str, Any] | None:
    none = dict.fromkeys(("noun_start", "noun_end", "modifier_start", "modifier_end"), -1)
    return {"text": text, "language": "ja", **none} if text else None


def choice(name: str, value: str) -> dict[str, Any]:
    """An answer as the form gives it."""
    return {"from_name": name, "to_name": "image", "type": "choices", "value": {"choices": [value]}}


def sure(stars: int) -> dict[str, Any]:
    """How sure an expert is."""
    return {"from_name": "confidence", "to_name": "image", "type": "rating", "value": {"rating": stars}}


def text(name: str, value: str) -> dict[str, Any]:
    """What an expert wrote."""
    return {"from_name": name, "to_name": "image", "type": "textarea", "value": {"text": [value]}}


def mark(label: str, start: int, end: int, words: str) -> dict[str, Any]:
    """Words that an expert marked in the shown caption."""
    value = {"start": start, "end": end, "text": words, "labels": [label]}
    return {"from_name": "marks", "to_name": "cultural", "type": "labels", "value": value}


KEEP = (choice("verdict", "keep"), choice("subdivision", "seigaiha"), choice("category", "crafts"), sure(4))
REJECT = (choice("verdict", "reject"), choice("reason", "wrong_culture"), sure(2))
