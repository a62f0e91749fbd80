"""Code that lies beside weights is never run, and nothing asks a library to run it."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

import sd15
from culturebench.params.encoders import Encoder
from culturebench.params.models import Model
from culturebench.text_to_image.adapters.parts import BackboneError
from culturebench.text_to_image.encoders.hub import EncoderError
from culturebench.text_to_image.loading import load_encoder, load_model
from import_graph import python_files, tree

CODE = "from pathlib import Path\nPath({marker!r}).touch()\nclass Evil: ...\n"
ENCODER = Encoder(adapter="transformers", pin="x", subfolder="text_encoder", tokenizer="tokenizer")


def edit(path: Path, **values: Any) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | values), encoding="utf-8")


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """What is there when the foreign code has run."""
    return tmp_path / "it_ran"


@pytest.fixture
def folder(tmp_path: Path, marker: Path) -> Path:
    """A pipeline's folder with foreign code beside each part."""
    pipe = sd15.write(tmp_path / "pipe")
    for part in ("text_encoder", "tokenizer", "unet"):
        (pipe / part / "evil.py").write_text(CODE.format(marker=str(marker)))
    return pipe


def test_a_known_class_is_taken_and_the_code_beside_it_is_not(folder: Path, marker: Path) -> None:
    edit(folder / "text_encoder/config.json", auto_map={"AutoModel": "evil.Evil", "AutoConfig": "evil.Evil"})
    edit(folder / "tokenizer/tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Evil", "evil.Evil"]})
    load_encoder(ENCODER, folder)
    assert not marker.exists()


def test_a_tokenizer_that_needs_its_own_code_is_refused(folder: Path, marker: Path) -> None:
    own = {"AutoTokenizer": ["evil.Evil", "evil.Evil"]}
    edit(folder / "tokenizer/tokenizer_config.json", tokenizer_class="Evil", auto_map=own)
    (folder / "tokenizer/config.json").write_text(json.dumps({"model_type": "evil"}))
    with pytest.raises(EncoderError, match="no usable tokenizer"):
        load_encoder(ENCODER, folder)
    assert not marker.exists()


def test_a_pipeline_with_a_part_of_its_own_code_is_refused(folder: Path, marker: Path) -> None:
    edit(folder / "model_index.json", unet=["evil", "Evil"])
    with pytest.raises(BackboneError, match="cannot be loaded"):
        load_model(
            Model(adapter="diffusers", towers=["x"], pin="x", size=32), [load_encoder(ENCODER, folder)], folder, None, 2
        )
    assert not marker.exists()


def test_no_file_of_ours_asks_for_foreign_code_or_reads_a_pickle_unguarded() -> None:
    asked: list[str] = []
    for file in [name for part in ("culturebench", "stages", "flows", "workers") for name in python_files(part)]:
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.keyword) and node.arg == "trust_remote_code":
                asked.append(f"{file}:{node.value.lineno}: trust_remote_code")
            if isinstance(node, ast.Constant) and node.value == "trust_remote_code":
                asked.append(f"{file}:{node.lineno}: trust_remote_code")
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("torch.load", "pickle.load", "pickle.loads"):
                safe = any(word.arg == "weights_only" and ast.unparse(word.value) == "True" for word in node.keywords)
                asked += [] if safe else [f"{file}:{node.lineno}: {ast.unparse(node)}"]
    assert asked == []
