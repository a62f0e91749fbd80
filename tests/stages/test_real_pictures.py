"""A thousand files as a stranger's folder holds them: each ends as a row, kept or dropped with a reason."""

from __future__ import annotations

import csv
import io
import json
import os
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from culturebench.artifacts import candidates, captioned, duplicates, screened, splits
from culturebench.errors import CultureBenchError
from data_project import run_data_half, write_data_project
from stages import collect

REGIONS = ["jp", "nl", "th"]
COUNT = 1000
SECRET = b"nothing may read this"


def picture(seed: int) -> Image.Image:
    """Smooth colour clouds, another for each seed."""
    dice = np.random.default_rng(seed)
    small = Image.fromarray(dice.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    cloud = np.asarray(small.resize((144, 136), Image.Resampling.BICUBIC), dtype=np.int16)
    return Image.fromarray(np.clip(cloud + dice.integers(-30, 30, cloud.shape), 0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def rotated(image: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(image, "JPEG", exif=exif)


def sixteen_bits(image: Image.Image) -> bytes:
    return encoded(Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257), "PNG")


def bomb() -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


GOOD = [
    ("jpg", lambda image: encoded(image, "JPEG")),
    ("png", lambda image: encoded(image, "PNG")),
    ("webp", lambda image: encoded(image, "WEBP", method=0)),
    ("bmp", lambda image: encoded(image, "BMP")),
    ("tif", lambda image: encoded(image, "TIFF")),
    ("gif", lambda image: encoded(image, "GIF", save_all=True, append_images=[Image.new("RGB", image.size)])),
    ("webp", lambda image: encoded(image, "WEBP", save_all=True, append_images=[ImageOps.invert(image)], method=0)),
    ("png", lambda image: encoded(image.convert("P"), "PNG")),
    ("png", lambda image: encoded(image.convert("RGBA"), "PNG")),
    ("png", sixteen_bits),
    ("jpg", lambda image: encoded(image.convert("CMYK"), "JPEG")),
    ("jpg", rotated),
    ("txt", lambda image: encoded(image, "JPEG")),
]
BAD = [
    ("svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "unsupported_format"),
    ("psd", b"8BPS" + bytes(40), "unsupported_format"),
    ("jpg", b"<!DOCTYPE html><html>404</html>", "html"),
    ("png", b"", "zero_byte"),
    ("jpg", encoded(picture(0), "JPEG")[:900], "truncated"),
    ("png", bomb(), "decompression_bomb"),
    ("jpg", b"#!/bin/sh\ntouch executed\n", "not_an_image"),
    ("jpg", encoded(Image.new("RGB", (40, 40), (9, 9, 9)), "JPEG"), "resolution"),
    ("jpg", encoded(Image.new("RGB", (300, 300), (9, 9, 9)), "JPEG"), "uniform"),
    ("png", encoded(picture(0).resize((1100, 130)), "PNG"), "aspect"),
]


@cache
def files() -> list[tuple[str, bytes, str]]:
    return list(_files())


def _files() -> Iterator[tuple[str, bytes, str]]:
    """Name, bytes and the reason for which screening drops it, empty for a good one."""
    for number in range(COUNT):
        if number % 10 == 9:
            suffix, data, reason = BAD[number // 10 % len(BAD)]
            if data and reason not in ("decompression_bomb", "truncated", "unsupported_format"):
                data += b" " * number  # the same file twice would only be dropped as that
            yield f"bad {number:04d}.{suffix}", data, reason
        else:
            suffix, write = GOOD[number % len(GOOD)]
            yield f"{('picture', '絵', 'ภาพ', 'صورة')[number % 4]} {number:04d}.{suffix}", write(picture(number)), ""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with its manifest; a secret beside it, and every way to get there."""
    root = tmp_path_factory.mktemp("world")
    (root / "secret.jpg").write_bytes(SECRET)
    inner = root / "pictures"
    (inner / "deep").mkdir(parents=True)
    rows: list[list[str]] = []

    def add(name: str, licence: str = "CC BY 4.0", noun: str = "") -> None:
        region = REGIONS[len(rows) % 3]
        rows.append([name, region, licence, "Ann", f"https://x.example/{len(rows)}", noun, noun and "thing"])

    for number, (name, data, _) in enumerate(files()):
        (inner / name).write_bytes(data)
        add(name, noun=f"thing number {number}" if number % 5 else "")
    (inner / "copy.png").write_bytes(encoded(picture(0), "PNG"))  # picture 0 is a JPEG
    (inner / "deep" / "again.jpg").write_bytes((inner / "picture 0000.jpg").read_bytes())
    (inner / "link.jpg").symlink_to(root / "secret.jpg")
    (inner / "way out").symlink_to(root)
    os.mkfifo(inner / "pipe.jpg")
    for name in ("copy.png", "deep/again.jpg", "link.jpg", "way out/secret.jpg", "../secret.jpg", "pipe.jpg"):
        add(name)
    add(str(root / "secret.jpg"))
    add("nowhere.jpg")
    (inner / "closed.png").write_bytes(encoded(picture(5000), "PNG"))
    add("closed.png", licence="All rights reserved")
    with (inner / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "region", "licence", "author", "source URL", "noun", "noun:noun"])
        writer.writerows(rows)
    return inner


@pytest.fixture(scope="module")
def workspace(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data half over that folder; nobody has decided yet, so everything is provisional."""
    root = tmp_path_factory.mktemp("real")
    source = {"kind": "folder", "path": str(folder), "region": "from-manifest"}
    write_data_project(root, REGIONS, [source], annotate={"undecided": "provisional"})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        run_data_half(REGIONS)
    return root


def every(workspace: Path, table, template: str) -> list[dict]:
    return [row for region in REGIONS for row in table.load(workspace / template.format(region=region))]


def test_every_file_ends_as_a_row_with_a_reason_or_in_a_split(folder: Path, workspace: Path):
    manifest = (folder / "manifest.csv").read_text(encoding="utf-8").splitlines()
    rows = every(workspace, screened.TABLE, screened.PATH)
    assert len(rows) == len(manifest) - 1 == len({(row["file_name"], row["region"]) for row in rows}) > COUNT
    assert all((row["status"] == "kept") == (row["reason"] == "") for row in rows)
    counts = json.loads((workspace / splits.COUNTS).read_text())["all"]
    leaving = sum(
        sum(counts[stage][kind].values())
        for stage in ("screen", "deduplicate", "annotate", "caption", "split")
        for kind in ("dropped", "waiting")
        if kind in counts[stage]
    )
    assert len(rows) == counts["split"]["kept"] + leaving


def test_each_kind_of_file_has_its_own_reason(workspace: Path):
    reasons = {row["file_name"]: row["reason"] for row in every(workspace, screened.TABLE, screened.PATH)}
    found = [(name, reasons[name], reason) for name, _, reason in files()]
    wrong = [one for one in found if one[1] not in (one[2], "same_bytes")]
    assert wrong == []
    assert reasons["closed.png"] == "licence"
    outside = ("link.jpg", "way out/secret.jpg", "../secret.jpg", "pipe.jpg", "nowhere.jpg")
    assert [reasons[name] for name in outside] == [
        "symbolic_link", "symbolic_link", "outside_folder", "not_a_file", "missing",
    ]  # fmt: skip
    bad = Counter(reason for name, reason in reasons.items() if name.startswith("bad"))
    assert set(bad) >= {reason for _, _, reason in BAD}


def test_nothing_outside_the_folder_is_read_and_nothing_is_executed(folder: Path, workspace: Path):
    images = [row["image"] for row in every(workspace, candidates.TABLE, candidates.PATH)]
    assert not any(image and SECRET in image for image in images)
    assert not list(workspace.rglob("executed")) and not list(folder.parent.rglob("executed"))


def test_the_same_picture_under_another_name_and_format_is_found(workspace: Path):
    names = {row["picture_id"]: row["file_name"] for row in every(workspace, screened.TABLE, screened.PATH)}
    rows = every(workspace, duplicates.TABLE, duplicates.PATH)
    groups: dict[str, set[str]] = {}
    for row in rows:
        groups.setdefault(row["group"], set()).add(names[row["picture_id"]])
    together = [group for group in groups.values() if len(group) > 1 and "copy.png" in group]
    assert len(together) == 1 and together[0] & {"picture 0000.jpg", "deep/again.jpg"}
    assert sum(row["status"] == "dropped" for row in rows) <= 5


def test_captions_of_the_manifest_are_used_and_pictures_without_wait(workspace: Path):
    rows = every(workspace, captioned.TABLE, captioned.PATH)
    waiting = [row for row in rows if row["status"] == "waiting"]
    kept = [row for row in rows if row["status"] == "kept"]
    assert waiting and all(row["noun"] is None and "noun" in row["reason"] for row in waiting)
    assert kept and all(row["noun"]["text"].startswith("thing") for row in kept)
    assert all(row["cultural"]["modifier_start"] >= 0 for row in kept)
    assert {row["provider"] for row in kept} == {"template"}


def test_undecided_pictures_are_marked_as_provisional_in_every_split(workspace: Path):
    for side in splits.SPLITS:
        rows = every(workspace, splits.TABLE, splits.DIRECTORIES[side] + "/{region}.parquet")
        assert rows and all(row["provisional"] for row in rows)


def test_a_region_without_pictures_has_no_rows_and_does_not_fail(workspace: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(workspace)
    collect.STAGE.execute(region="pl")
    assert candidates.TABLE.load(Path("data/candidates/pl.parquet")) == []


def test_a_folder_of_which_little_can_be_read_fails_with_the_reasons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    inner = tmp_path / "pictures"
    inner.mkdir()
    (inner / "manifest.csv").write_text("file,region\na.jpg,jp\nb.jpg,jp\n")
    (inner / "a.jpg").write_bytes(b"")
    write_data_project(tmp_path / "w", ["jp"], [{"kind": "folder", "path": str(inner)}], collect={"min_ok": 0.9})
    monkeypatch.chdir(tmp_path / "w")
    with pytest.raises(CultureBenchError, match=r"1 of 2 files.*missing 1"):
        collect.STAGE.execute(region="jp")
