"""A folder source reads what lies in its folder and nothing else."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from culturebench.params.collect import FolderSource
from culturebench.sources.base import Found, SourceError
from culturebench.sources.folder import Folder


def find(folder: Path, region: str = "jp", **settings: object) -> dict[str, Found]:
    source = Folder(FolderSource.model_validate({"kind": "folder", "path": str(folder)} | settings))
    return {found.file_name: found for found in source.find(region)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder beside a secret that nothing may read."""
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "deep.jpg").write_bytes(b"secret")
    inner = tmp_path / "pictures"
    (inner / "jp").mkdir(parents=True)
    return inner


def test_subfolders_are_regions(folder: Path):
    (folder / "nl").mkdir()
    (folder / "jp" / "鉢.png").write_bytes(b"one")
    (folder / "nl" / "b.png").write_bytes(b"two")
    assert {name: found.data for name, found in find(folder).items()} == {"jp/鉢.png": b"one"}
    assert find(folder, "th") == {}


def test_one_region_takes_every_file(folder: Path):
    (folder / "a.png").write_bytes(b"a")
    (folder / "jp" / "b.png").write_bytes(b"b")
    everything = FolderSource(kind="folder", path=str(folder), region="jp")
    assert [found.file_name for found in Folder(everything).find("jp")] == ["a.png", "jp/b.png"]
    assert not list(Folder(everything).find("nl"))


def test_links_are_not_followed_wherever_they_stand(folder: Path):
    (folder / "jp" / "link.jpg").symlink_to(folder.parent / "secret.jpg")
    (folder / "jp" / "inside.jpg").symlink_to(folder / "jp" / "real.jpg")
    (folder / "jp" / "real.jpg").write_bytes(b"real")
    (folder / "jp" / "down").symlink_to(folder.parent / "outside")
    found = find(folder)
    assert {name: one.error for name, one in found.items()} == {
        "jp/link.jpg": "symbolic_link", "jp/inside.jpg": "symbolic_link", "jp/down": "symbolic_link", "jp/real.jpg": "",
    }  # fmt: skip
    assert b"secret" not in [one.data for one in found.values()]


def test_a_region_folder_that_is_a_link_is_left_alone(folder: Path):
    (folder / "nl").symlink_to(folder.parent / "outside")
    assert find(folder, "nl") == {}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../secret.jpg", "outside_folder"),
        ("jp/../../secret.jpg", "outside_folder"),
        ("/etc/passwd", "outside_folder"),
        ("jp/down/deep.jpg", "symbolic_link"),
        ("jp", "not_a_file"),
        ("jp/pipe", "not_a_file"),
        ("nowhere.jpg", "missing"),
        ("jp/real.jpg/deeper.jpg", "missing"),
        ("x" * 5000, "missing"),
        ("a\\..\\..\\secret.jpg", "missing"),
        ("file:///etc/passwd", "missing"),
        ("jp/big.jpg", "too_many_bytes"),
    ],
)
def test_a_manifest_cannot_lead_out_of_the_folder(folder: Path, name: str, reason: str):
    (folder / "jp" / "down").symlink_to(folder.parent / "outside")
    (folder / "jp" / "real.jpg").write_bytes(b"real")
    (folder / "jp" / "big.jpg").write_bytes(bytes(2001))
    os.mkfifo(folder / "jp" / "pipe")
    (folder / "manifest.csv").write_text(f'file,region\n"{name}",jp\njp/real.jpg,jp\n')
    found = find(folder, max_bytes=2000)
    assert len(found) == 2 and found["jp/real.jpg"].data == b"real"
    (bad,) = [one for one in found.values() if one.file_name != "jp/real.jpg"]
    assert (bad.data, bad.error) == (None, reason)


def test_what_lies_too_deep_for_a_path_is_read_all_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch):
    (folder / "jp" / "a.png").write_bytes(b"a")
    monkeypatch.chdir(folder / "jp")
    for _ in range(20):
        Path("d" * 250).mkdir()
        os.chdir("d" * 250)
    Path("deep.png").write_bytes(b"deep")
    monkeypatch.chdir(folder)
    name = f"jp/{'/'.join(['d' * 250] * 20)}/deep.png"
    assert {name: one.data for name, one in find(folder).items()} == {"jp/a.png": b"a", name: b"deep"}


def test_a_path_that_no_system_takes_is_an_error_that_names_it():
    with pytest.raises(SourceError, match=r"ddd.* is no folder that can be read"):
        find(Path("d" * 5000))


@contextmanager
def as_nobody() -> Generator[None]:
    """Root may read everything; the thread acts as a user who may not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    ("locked", "expected"),
    [
        ("jp/locked", {"jp/a.png": "", "jp/locked": "unreadable"}),
        ("jp/a.png", {"jp/a.png": "unreadable", "jp/locked/b.png": ""}),
        ("jp", {"jp": "unreadable"}),
    ],
)
def test_what_may_not_be_read_is_a_row_and_the_rest_is_read(locked: str, expected: dict[str, str]):
    with TemporaryDirectory() as place:  # pytest's own folders are closed to others
        folder = Path(place)
        (folder / "jp" / "locked").mkdir(parents=True)
        (folder / "jp" / "a.png").write_bytes(b"a")
        (folder / "jp" / "locked" / "b.png").write_bytes(b"b")
        for one in (folder, *folder.rglob("*")):
            one.chmod(0o755)
        (folder / locked).chmod(0)
        with as_nobody():
            assert {name: one.error for name, one in find(folder).items()} == expected
        (folder / locked).chmod(0o700)


def test_a_name_that_is_no_text_becomes_a_row(folder: Path):
    (folder / "jp" / os.fsdecode(b"\xff\xfe.png")).write_bytes(b"bytes")
    assert {name: one.data for name, one in find(folder).items()} == {"jp/\\xff\\xfe.png": b"bytes"}


def test_what_the_manifest_says_comes_before_the_source_s_own(folder: Path):
    (folder / "manifest.csv").write_text("file,region,licence,source_url\na,jp,CC0,https://x.example\nb,jp,,\n")
    for name in "ab":
        (folder / name).write_bytes(name.encode())
    found = find(folder, licence="CC BY 4.0", author="Ann")
    assert [(found[n].licence_text, found[n].author, found[n].page_url) for n in "ab"] == [
        ("CC0", "Ann", "https://x.example"), ("CC BY 4.0", "Ann", ""),
    ]  # fmt: skip


def test_a_manifest_outside_of_the_folder_is_not_read(folder: Path):
    (folder.parent / "manifest.csv").write_text("file,region\na.jpg,jp\n")
    with pytest.raises(SourceError, match="leads out of the folder"):
        find(folder, manifest="../manifest.csv")


def test_a_folder_that_is_not_there_is_an_error_that_names_it(tmp_path: Path):
    with pytest.raises(SourceError, match="nowhere"):
        find(tmp_path / "nowhere")


def test_a_line_without_a_region_is_named(folder: Path):
    (folder / "manifest.csv").write_text("file,region\na.jpg,jp\nb.jpg,\n")
    with pytest.raises(SourceError, match=r"manifest\.csv:3"):
        find(folder)
