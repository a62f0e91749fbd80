"""CLIPScore and CSS against transformers' own similarity and sentence-transformers, on tiny random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import AltCLIPModel, AutoTokenizer, CLIPImageProcessorPil, CLIPModel

import tiny_measures
from culturebench.measures.clip import Clip, ClipError
from tiny_measures import TEXTS

CPU, FLOAT = torch.device("cpu"), torch.float32


def opened(folder: Path, text: Path | None = None) -> Clip:
    return Clip(folder, text, CPU, FLOAT)


@pytest.mark.parametrize(("write", "kind"), [(tiny_measures.clip, CLIPModel), (tiny_measures.altclip, AltCLIPModel)])
def test_the_score_is_the_cosine_behind_the_models_own_logits(write: Any, kind: Any, tmp_path: Path) -> None:
    folder, images = write(tmp_path / "clip"), tiny_measures.pictures()
    model = kind.from_pretrained(folder)
    pixels = CLIPImageProcessorPil.from_pretrained(folder)(images=images, return_tensors="pt")
    tokens = AutoTokenizer.from_pretrained(folder)(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        logits = model(**pixels, **tokens).logits_per_image / model.logit_scale.exp()
    assert opened(folder).similarity(images, TEXTS) == pytest.approx(logits.diagonal().tolist(), abs=1e-5)


def test_a_multilingual_text_tower_embeds_as_sentence_transformers_does(tmp_path: Path) -> None:
    tower = tiny_measures.sentence_tower(tmp_path / "text")
    clip = opened(tiny_measures.clip(tmp_path / "clip"), tower)
    theirs: Any = SentenceTransformer(str(tower), device="cpu").encode(TEXTS, normalize_embeddings=True)
    assert torch.allclose(clip.embed_texts(TEXTS), torch.tensor(theirs), atol=1e-5)


def test_the_best_concept_counts_each_picture_with_its_own_concepts(tmp_path: Path) -> None:
    clip, images = opened(tiny_measures.clip(tmp_path / "clip")), tiny_measures.pictures(2)
    cosines = clip.embed_images(images) @ clip.embed_texts(TEXTS).T
    found = clip.best(images, [TEXTS[:2], TEXTS[2:]])
    assert found == pytest.approx([float(cosines[0, :2].max()), float(cosines[1, 2])], abs=1e-6)


def test_longer_texts_than_the_tower_reads_are_cut(tmp_path: Path) -> None:
    clip = opened(tiny_measures.clip(tmp_path / "clip"))
    assert clip.embed_texts(["bowl " * 200]).shape == (1, tiny_measures.WIDTH)


def test_what_is_no_clip_gives_no_clip_score(tmp_path: Path) -> None:
    folder = tiny_measures.clip(tmp_path / "clip")
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_type": "siglip"}))
    with pytest.raises(ClipError, match="'siglip'; a CLIPScore needs one of: clip, altclip, chinese_clip"):
        opened(folder)


def test_a_text_tower_of_another_space_is_refused(tmp_path: Path) -> None:
    folder, tower = tiny_measures.clip(tmp_path / "clip"), tiny_measures.sentence_tower(tmp_path / "text", width=16)
    with pytest.raises(ClipError, match=r"gives 16 numbers a text, .* has 24 a picture"):
        opened(folder, tower)


def test_a_text_tower_that_pools_otherwise_is_refused(tmp_path: Path) -> None:
    tower = tiny_measures.sentence_tower(tmp_path / "text", pooling_mode_cls_token=True)
    with pytest.raises(ClipError, match="pools by pooling_mode_cls_token, pooling_mode_mean_tokens"):
        opened(tiny_measures.clip(tmp_path / "clip"), tower)
