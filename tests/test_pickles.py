"""A pickle becomes safetensors once, on demand, and never runs."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from culturebench.pickles import convert
from culturebench.pins import PinError, pin_folder, sha256_of


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("ran"),))  # type: ignore[return-value]


def test_tensors_keep_their_values_and_the_pickle_its_hash(tmp_path: Path):
    shared = torch.arange(6.0).view(2, 3)
    path = tmp_path / "pytorch_model.bin"
    torch.save({"state_dict": {"a": shared, "b": shared.T}}, path)
    before = sha256_of(path)
    target = convert(path)
    assert target == tmp_path / "model.safetensors"
    assert not path.exists()
    found = load_file(target)
    assert torch.equal(found["a"], shared) and torch.equal(found["b"], shared.T)
    with safe_open(target, "pt") as opened:
        assert opened.metadata() == {"format": "pt", "converted_from": "pytorch_model.bin", "sha256": before}
    assert set(pin_folder("x", tmp_path).files) == {"model.safetensors"}


def test_code_in_a_pickle_never_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for name, write in (("a.pt", lambda path: torch.save({"a": Evil()}, path)),
                        ("b.bin", lambda path: path.write_bytes(pickle.dumps({"a": Evil()})))):  # fmt: skip
        write(tmp_path / name)
        with pytest.raises(PinError, match="cannot be read as tensors alone"):
            convert(tmp_path / name)
        assert (tmp_path / name).is_file()
    assert not (tmp_path / "ran").exists()
    assert not list(tmp_path.glob("*.safetensors"))


def test_what_is_no_state_dict_is_named(tmp_path: Path):
    torch.save({"epoch": 3, "a": torch.ones(1)}, tmp_path / "a.pt")
    with pytest.raises(PinError, match="no plain state dict of tensors: epoch"):
        convert(tmp_path / "a.pt")
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(PinError, match="is no pickled checkpoint"):
        convert(tmp_path / "a.json")


def test_a_target_that_exists_is_never_overwritten(tmp_path: Path):
    torch.save({"a": torch.ones(1)}, tmp_path / "a.pt")
    (tmp_path / "a.safetensors").write_bytes(b"mine")
    with pytest.raises(PinError, match=r"a.safetensors is there already"):
        convert(tmp_path / "a.pt")
    assert (tmp_path / "a.safetensors").read_bytes() == b"mine"
