"""The data half on drawn pictures, each stage a process of its own, as DVC runs it."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from culturebench.artifacts import annotated, candidates, duplicates, grounded, screened, unfiled
from culturebench.progress import progress

ROOT = Path(__file__).parents[2]
Figures = dict[str, dict[str, float]]  # stage -> seconds by the clock, of CPU, and the most MB that one process held
REGIONS, SIDE = ("jp", "nl", "ua", "br"), 160
COPIES = 20  # every so many-th picture is the one before, compressed anew
#: Runs a stage and writes the most kB that it held; getrusage would tell the parent's memory where that was more.
RUN = """
import atexit, pathlib, re, runpy, sys
held = pathlib.Path(sys.argv.pop(1))
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: held.write_text(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]))
runpy.run_module("stages." + sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""
CODES = [f"x{number:03}" for number in range(100)]  # of the run on rows alone


def drawn(count: int, seed: int) -> Iterator[bytes]:
    """JPEGs of clouds with grain, 5 kB each; some are near-duplicates."""
    dice = np.random.default_rng(seed)
    image = Image.new("RGB", (SIDE, SIDE))
    for number in range(count):
        quality = 80
        if number % COPIES or not number:
            colours = dice.integers(0, 256, (6, 6, 3), dtype=np.uint8)
            clouds = np.asarray(Image.fromarray(colours).resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.int16)
            grain = dice.integers(-9, 10, (SIDE, SIDE, 1))
            image = Image.fromarray(np.clip(clouds + grain, 0, 255).astype(np.uint8))
        else:
            quality = 60
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        yield buffer.getvalue()


def data_half(count: int) -> Figures:
    """collect, screen, deduplicate and split of `count` pictures of four regions."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        params = _project(root, list(REGIONS))
        params["collect"]["sources"] = [{"kind": "folder", "path": "pictures", "licence": "CC-BY-4.0", "author": "me"}]
        (root / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
        for seed, region in enumerate(REGIONS):
            folder = root / "pictures" / region
            folder.mkdir(parents=True)
            share = count // len(REGIONS)
            for number, data in enumerate(progress(drawn(share, seed), share, f"draw {region}")):
                (folder / f"{number:06}.jpg").write_bytes(data)
        figures: Figures = {}
        for stage in ("collect", "screen"):
            for region in REGIONS:
                _add(figures, stage, _ran(root, stage, "--region", region))
        _add(figures, "deduplicate", _ran(root, "deduplicate"))
        for region in REGIONS:
            kept = duplicates.TABLE.load(root / duplicates.PATH.format(region=region))
            _decided(root, region, [row["picture_id"] for row in kept if row["status"] == "kept"])
        unfiled.TABLE.save(root / unfiled.PATH, [])
        _add(figures, "split", _ran(root, "split"))
        return figures


def rows_alone(count: int) -> Figures:
    """Split of `count` rows of a hundred regions, whose pictures are a few bytes that nobody decodes."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "params.yaml").write_text(yaml.safe_dump(_project(root, CODES)), encoding="utf-8")
        ids = (hashlib.sha256(str(number).encode()).hexdigest() for number in range(count))
        for region in progress(CODES, len(CODES), "rows"):
            some = sorted(islice(ids, count // len(CODES)))
            rows: tuple[tuple[Any, Callable[[str, str], Any]], ...]
            rows = (candidates, _candidate), (screened, _screened), (duplicates, _unique)
            for artifact, row in rows:
                path = root / artifact.PATH.format(region=region)
                artifact.TABLE.save(path, (row(one, region) for one in some))
            _decided(root, region, some)
        unfiled.TABLE.save(root / unfiled.PATH, [])
        figures: Figures = {}
        _add(figures, "split", _ran(root, "split"))
        return figures


def _project(root: Path, regions: list[str]) -> dict[str, Any]:
    params: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    (root / "annotations").mkdir()
    (root / "annotations/regions").symlink_to(ROOT / "annotations/regions")
    (root / "annotations/splits").mkdir()
    (root / "reports/metrics").mkdir(parents=True)
    return params | {"regions": regions}


def _ran(root: Path, stage: str, *arguments: str) -> dict[str, float]:
    """Run a stage there; what it took. `CalledProcessError` when it fails."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CULTUREBENCH_STORE": str(root / "store")}
    held = root / "held"
    command = [sys.executable, "-c", RUN, str(held), stage, *arguments]
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=root, env=environment, stderr=subprocess.PIPE) as process:
        assert process.stderr
        said = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, stderr=said[-2000:])
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "megabytes": int(held.read_text()) / 1000}


def _add(figures: Figures, stage: str, found: dict[str, float]) -> None:
    """Seconds add up over regions; of the memory the largest counts."""
    before = figures.setdefault(stage, {"seconds": 0.0, "cpu": 0.0, "megabytes": 0.0})
    for name in ("seconds", "cpu"):
        before[name] += found[name]
    before["megabytes"] = max(before["megabytes"], found["megabytes"])


def _decided(root: Path, region: str, pictures: list[str]) -> None:
    """What experts and captions would say of these pictures: all stay, every ten share a noun."""
    annotated.TABLE.save(root / annotated.PATH.format(region=region), (_annotated(one, region) for one in pictures))
    captioned = (_grounded(one, region, number // 10) for number, one in enumerate(pictures))
    grounded.TABLE.save(root / grounded.PATH.format(region=region), captioned)


def _candidate(picture: str, region: str) -> Any:
    texts = ("query", "page_url", "file_url", "author", "licence_text", "error", "category", "subdivision",
             "query_language", "found_in", "planted")  # fmt: skip
    return {
        **dict.fromkeys(texts, ""), "picture_id": picture, "region": region, "source": "folder",
        "file_name": f"{picture}.jpg", "licence": "CC-BY-4.0", "sha256": picture, "size_bytes": 4, "status": "ok",
        "captions": None, "scene": None, "released": None, "image": picture[:4].encode(),
    }  # fmt: skip


def _screened(picture: str, region: str) -> Any:
    return {
        "picture_id": picture, "region": region, "file_name": f"{picture}.jpg", "status": "kept", "reason": "",
        "width": SIDE, "height": SIDE, "borderline": [], "detail": "", **dict.fromkeys(screened.RULES),
    }  # fmt: skip


def _unique(picture: str, region: str) -> Any:
    return {
        "picture_id": picture, "region": region, "phash": picture[:16], "group": picture, "status": "kept",
        "reason": "", "keeper": picture,
    }  # fmt: skip


def _annotated(picture: str, region: str) -> Any:
    return {
        "picture_id": picture, "region": region, "status": "kept", "reason": "", "subdivision": "", "category": "",
        "agreement": 1.0, "decisions": 2, "provisional": False,
    }  # fmt: skip


def _grounded(picture: str, region: str, noun: int) -> Any:
    texts = ("reason", "detail", "audit", "subdivision", "served_model")
    caption = {
        "text": f"bowl {noun}", "language": "en", "noun_start": 0, "noun_end": 4, "modifier_start": -1,
        "modifier_end": -1,
    }  # fmt: skip
    empty = ("neutral", "cultural_en", "noun_en", "noun_draft", "noun_en_draft")
    return {
        **dict.fromkeys(texts, ""), **dict.fromkeys(empty), "picture_id": picture, "region": region, "language": "en",
        "status": "kept", "provider": "human", "audits": [], "cues": [], "cultural": caption, "noun": caption,
        "whole_noun": False, "input_tokens": 0, "output_tokens": 0, "cost": 0.0,
    }  # fmt: skip
