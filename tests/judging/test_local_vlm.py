"""A vision-language model on this machine as a judge: a tiny one of the real class, in the published layout."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText

import layouts
from culturebench.artifacts import labels
from culturebench.artifacts.pins import Pin, save as save_pin
from culturebench.judging.asking import open_judge
from culturebench.judging.base import Answer, PictureQuestion, Question
from culturebench.judging.transformers import LocalVlm
from culturebench.judging.worded import AnyQuestion, worded
from culturebench.params.engine import Engine
from culturebench.params.judges import LocalJudge
from culturebench.pins import PinError, pin_folder
from culturebench.png import from_png, to_png
from culturebench.store import Store
from culturebench.vlm.errors import VlmError
from culturebench.vlm.loading import load_processor
from culturebench.vlm.wording import Wording

LABELS = {"jp": "Jp", "nl": "Nl"}
ENGINE = Engine(kind="local", workers=1, address=None, cpus_per_worker=1, gpus_per_worker=0)
HOW = LocalJudge(kind="transformers", pin="vlm", batch=2, max_new_tokens=6)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return layouts.write("qwen3_vl", tmp_path_factory.mktemp("qwen3_vl"))


@pytest.fixture(scope="module")
def judge(weights: Path) -> LocalVlm:
    return LocalVlm(HOW, weights, LABELS, "vlm@1")


def question(colour: tuple[int, int, int], size: tuple[int, int] = (64, 64), *options: str) -> Question:
    return Question(to_png(Image.new("RGB", size, colour)), list(options) or ["nl", "jp", "unrecognizable"])


QUESTIONS = [
    question((200, 30, 30)),
    question((30, 30, 200), (300, 200)),
    question((30, 200, 30), (120, 260), "jp", "unrecognizable", "nl"),
]


def plant(folder: Path, said: str, ends: bool = True) -> None:
    """Let the model say `said` to everything: nothing but the last token counts, and each names the next."""
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    chain = [vocabulary["Ċ"], *(vocabulary[letter] for letter in said), *([262] if ends else [])]
    for file in folder.glob("*.safetensors"):
        tensors = load_file(file)
        for name in tensors:
            if "language_model" in name and name.endswith(("o_proj.weight", "down_proj.weight")):
                tensors[name].zero_()
        save_file(tensors, file, metadata={"format": "pt"})
    index = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
    words = load_file(folder / index["model.language_model.embed_tokens.weight"])
    head = load_file(folder / index["lm_head.weight"])
    norm = load_file(folder / index["model.language_model.norm.weight"])["model.language_model.norm.weight"]
    head["lm_head.weight"].zero_()
    for before, after in pairwise(chain):
        head["lm_head.weight"][after] += words["model.language_model.embed_tokens.weight"][before] / norm
    save_file(head, folder / index["lm_head.weight"], metadata={"format": "pt"})


def bind(folder: Path, weights: Path) -> Pin:
    """What bind_judge gathers."""
    pin = pin_folder("vlm", weights)
    save_pin(folder / "vlm.json", pin)
    labels.save(folder / "labels.json", LABELS)
    return pin


def answers(bound: Path, store: Path, how: LocalJudge = HOW) -> Sequence[Answer]:
    return open_judge(how, bound, ENGINE, Store(str(store)), lambda name: None)(QUESTIONS)


def greedy(model: Any, processor: Any, asked: AnyQuestion, images: list[Image.Image], count: int) -> list[int]:
    """The likeliest token again and again: no padding, no cache, no `generate`."""
    put = worded(Wording(LABELS), asked)
    shown = [*({"type": "image"} for _ in images), {"type": "text", "text": put.user}]
    messages = [{"role": "system", "content": put.system}, {"role": "user", "content": shown}]
    prompt = processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    inputs = processor(text=[prompt], images=images, return_tensors="pt")
    start = inputs["input_ids"].shape[1]
    for _ in range(count):
        token = model(**inputs, use_cache=False).logits[0, -1].argmax().view(1, 1)
        inputs["input_ids"] = torch.cat([inputs["input_ids"], token], dim=1)
        inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
        inputs["mm_token_type_ids"] = torch.cat([inputs["mm_token_type_ids"], torch.zeros_like(token)], dim=1)
        if int(token) in model.generation_config.eos_token_id:
            break
    return inputs["input_ids"][0, start:].tolist()


def test_its_replies_are_the_models_own_greedy_ones_whatever_the_batch(judge: LocalVlm, weights: Path) -> None:
    together = judge(QUESTIONS)
    assert [judge([asked])[0] for asked in QUESTIONS] == together
    model: Any = AutoModelForImageTextToText.from_pretrained(weights, dtype=torch.float32).eval()
    with torch.inference_mode():
        for asked, answer in zip(QUESTIONS, together, strict=True):
            tokens = greedy(model, judge.processor, asked, [from_png(asked.image)], 6)
            assert judge.processor.tokenizer.decode(tokens, skip_special_tokens=True) == answer.raw


def test_of_several_pictures_it_sees_all_in_their_order(judge: LocalVlm, weights: Path) -> None:
    colours = ((200, 30, 30), (30, 30, 200), (30, 200, 30))
    images = [Image.new("RGB", (64 + 32 * place, 64), colour) for place, colour in enumerate(colours)]
    orders = [images, images[::-1], images[:2]]
    asked = [PictureQuestion(tuple(map(to_png, shown)), [f"p{n}" for n in range(len(shown))], "jp") for shown in orders]
    together = judge([*asked, *QUESTIONS])
    assert together[len(asked) :] == judge(QUESTIONS)
    model: Any = AutoModelForImageTextToText.from_pretrained(weights, dtype=torch.float32).eval()
    with torch.inference_mode():
        for question, shown, answer in zip(asked, orders, together, strict=False):
            tokens = greedy(model, judge.processor, question, shown, 6)
            assert judge.processor.tokenizer.decode(tokens, skip_special_tokens=True) == answer.raw
    assert len({answer.raw for answer in together[: len(asked)]}) > 1


def test_the_number_of_a_picture_is_its_answer(weights: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(weights, tmp_path / "weights"))
    plant(folder, "2")
    picture = to_png(Image.new("RGB", (64, 64)))
    asked = [PictureQuestion((picture,) * count, ["a", "b", "c"][:count], "nl") for count in (3, 2, 1)]
    answers = LocalVlm(HOW, folder, LABELS, "x")(asked)
    assert [one.answer for one in answers] == ["b", "b", "unparseable"]


def test_it_sees_the_picture(judge: LocalVlm) -> None:
    first, second = judge([question((200, 30, 30)), question((30, 30, 200))])
    assert first.raw != second.raw


def test_a_reply_that_is_an_option_and_has_ended_is_the_answer(weights: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(weights, tmp_path / "weights"))
    plant(folder, "Jp")
    assert {(one.answer, one.raw) for one in LocalVlm(HOW, folder, LABELS, "x")(QUESTIONS)} == {("jp", "Jp")}


@pytest.mark.parametrize(("said", "ends"), [("Jp", False), ("JN", True), ("", True)])
def test_a_reply_that_was_cut_off_or_is_no_option_is_unparseable(
    weights: Path, tmp_path: Path, said: str, ends: bool
) -> None:
    folder = Path(shutil.copytree(weights, tmp_path / "weights"))
    plant(folder, said, ends)
    how = HOW.model_copy(update={"max_new_tokens": max(1, len(said)) + ends})
    found = LocalVlm(how, folder, LABELS, "x")(QUESTIONS)
    assert {(one.answer, one.raw) for one in found} == {("unparseable", said)}


def test_replies_are_kept_and_need_no_weights_the_second_time(weights: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(weights, tmp_path / "weights"))
    bind(tmp_path / "bound", folder)
    first = answers(tmp_path / "bound", tmp_path / "store")
    shutil.rmtree(folder)
    assert answers(tmp_path / "bound", tmp_path / "store") == first
    assert {one.served_model.split("@")[0] for one in first} == {"vlm"}
    with pytest.raises(PinError, match="is missing"):  # other settings are another question
        answers(tmp_path / "bound", tmp_path / "store", HOW.model_copy(update={"max_new_tokens": 5}))


def test_weights_that_changed_since_they_were_pinned_are_refused(weights: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(weights, tmp_path / "weights"))
    bind(tmp_path / "bound", folder)
    plant(folder, "Jp")
    with pytest.raises(PinError, match=r"safetensors changed: the pin vlm holds sha256"):
        answers(tmp_path / "bound", tmp_path / "store")


def test_a_picture_is_scaled_down_to_the_area_that_params_allow(weights: Path) -> None:
    prepared = load_processor(weights, max_pixels=4096).image_processor(
        images=[Image.new("RGB", (600, 400))], return_tensors="pt"
    )
    _, high, wide = prepared["image_grid_thw"][0].tolist()
    assert 16 * 16 * high * wide <= 4096 and wide > high


def test_a_model_of_another_family_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "clip"}))
    with pytest.raises(VlmError, match=r"type 'clip'; .* qwen3_vl, .*, llava_next. Serve another one by vLLM"):
        load_processor(tmp_path)


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("config.json", "holds no model of transformers"),
        ("preprocessor_config.json", "lacks a usable tokenizer or preprocessor_config.json"),
        ("vocab.json", "lacks a usable tokenizer or preprocessor_config.json"),
        ("tokenizer_config.json", "add its chat_template.json"),
        ("model-00002-of-00004.safetensors", "cannot be loaded"),
    ],
)
def test_a_folder_that_lacks_a_file_is_refused(weights: Path, tmp_path: Path, missing: str, said: str) -> None:
    folder = Path(shutil.copytree(weights, tmp_path / "weights"))
    (folder / missing).unlink()
    with pytest.raises(VlmError, match=said):
        LocalVlm(HOW, folder, LABELS, "x")
