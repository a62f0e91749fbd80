"""Four families behind one interface, each a tiny random model of its real class in the published layout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from transformers import AutoModelForImageTextToText

import tiny_vlms
from culturebench.params._runtime import Runtime
from culturebench.vlm.errors import VlmError
from culturebench.vlm.loading import load_processor
from culturebench.vlm.model import Prompt, Vlm
from culturebench.vlm.neurons import gates

RUNTIME = Runtime()
PICTURES, PROMPTS = tiny_vlms.PICTURES, tiny_vlms.PROMPTS


@pytest.fixture(scope="module", params=tiny_vlms.FAMILIES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_vlms.write(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def vlm(folder: Path) -> Vlm:
    return Vlm(folder, RUNTIME)


def own_inputs(vlm: Vlm, image: Image.Image, prompt: Prompt) -> dict[str, Any]:
    """What the library's own processor makes of one picture and its prompt."""
    text = vlm._templated(prompt)
    return dict(vlm.processor(text=[text], images=[image], return_tensors="pt"))


def test_published_names_of_tensors_load_and_none_is_missing_or_left_over(folder: Path) -> None:
    loaded: Any = AutoModelForImageTextToText.from_pretrained(folder, output_loading_info=True)
    told = loaded[1]
    assert not told["missing_keys"] and not told["unexpected_keys"] and not told["mismatched_keys"]


def test_a_picture_seen_once_gives_what_the_library_makes_of_its_pixels(vlm: Vlm) -> None:
    for image, prompt in zip(PICTURES, PROMPTS, strict=True):
        with torch.inference_mode():
            whole = vlm.model(**own_inputs(vlm, image, prompt)).logits[:, -1]
        torch.testing.assert_close(vlm.forward(vlm.inputs([prompt], vlm.see([image]))), whole)


def test_left_padding_in_a_batch_changes_nothing(vlm: Vlm) -> None:
    seen = vlm.see(PICTURES)
    together = vlm.forward(vlm.inputs(PROMPTS, seen))
    for row, (prompt, one) in enumerate(zip(PROMPTS, seen, strict=True)):
        torch.testing.assert_close(together[row : row + 1], vlm.forward(vlm.inputs([prompt], [one])))


def mlp(layer: Any, x: torch.Tensor, off: list[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One gated MLP by hand: the neurons, what goes into `down_proj`, and the output."""
    gate = F.silu(F.linear(x, layer.mlp.gate_proj.weight))
    kept = gate.clone()
    kept[..., off] = 0
    product = kept * F.linear(x, layer.mlp.up_proj.weight)
    return gate, product, F.linear(product, layer.mlp.down_proj.weight)


def test_neurons_read_and_silenced_are_those_of_a_forward_pass_by_hand(vlm: Vlm) -> None:
    off = {0: [3, 7], 1: [0, 40]}
    entered: dict[int, torch.Tensor] = {}
    left: dict[int, torch.Tensor] = {}
    read: dict[int, torch.Tensor] = {}

    def keep(index: int) -> Any:
        def hook(_: Any, inputs: Any, out: torch.Tensor) -> None:
            entered[index], left[index] = inputs[0], out

        return hook

    handles = [layer.mlp.register_forward_hook(keep(i)) for i, layer in enumerate(vlm.layers)]
    inputs = vlm.inputs(PROMPTS, vlm.see(PICTURES))
    with gates(vlm.layers, read=read.__setitem__, off=off):
        silenced = vlm.forward(inputs)
    with gates(vlm.layers, read=lambda i, out: read.__setitem__(10 + i, out), off=off, site="product"):
        vlm.forward(inputs)
    for handle in handles:
        handle.remove()
    assert not torch.equal(silenced, vlm.forward(inputs))
    for index, layer in enumerate(vlm.layers):
        gate, product, out = mlp(layer, entered[index], off[index])
        gate[..., off[index]] = 0
        torch.testing.assert_close(read[index], gate)
        torch.testing.assert_close(read[10 + index], product.abs() * layer.mlp.down_proj.weight.norm(dim=0))
        torch.testing.assert_close(left[index], out)


def _refused() -> dict[str, Any]:
    raise VlmError("inside")


def test_silencing_equals_columns_of_zeros_and_leaves_no_trace(vlm: Vlm) -> None:
    inputs = vlm.inputs(PROMPTS, vlm.see(PICTURES))
    before = vlm.forward(inputs)
    with gates(vlm.layers, off={0: [1, 2], 1: [5]}), gates(vlm.layers, off={1: [6]}):
        silenced = vlm.forward(inputs)
    with pytest.raises(VlmError), gates(vlm.layers, off={0: [1]}):
        vlm.forward({**inputs, "mm_token_type_ids": None} if "mm_token_type_ids" in inputs else _refused())
    assert torch.equal(vlm.forward(inputs), before)
    weights = [vlm.layers[i].mlp.down_proj.weight for i in (0, 1)]
    kept = [weight.clone() for weight in weights]
    weights[0][:, [1, 2]] = 0
    weights[1][:, [5, 6]] = 0
    torch.testing.assert_close(vlm.forward(inputs), silenced)
    for weight, one in zip(weights, kept, strict=True):
        weight.copy_(one)


def test_replies_are_greedy_by_the_logits_and_silence_holds_for_every_token_of_them(vlm: Vlm) -> None:
    seen = vlm.see(PICTURES)
    with gates(vlm.layers, off={0: list(range(20)), 1: list(range(20))}):
        together = vlm.replies(vlm.inputs(PROMPTS, seen), 4)
        for prompt, image, reply in zip(PROMPTS, PICTURES, together, strict=True):
            inputs = own_inputs(vlm, image, prompt)
            start = inputs["input_ids"].shape[1]
            with torch.inference_mode():
                for _ in range(4):
                    token = vlm.model(**inputs, use_cache=False).logits[0, -1].argmax().view(1, 1)
                    inputs["input_ids"] = torch.cat([inputs["input_ids"], token], dim=1)
                    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
                    if "mm_token_type_ids" in inputs:
                        types = inputs["mm_token_type_ids"]
                        inputs["mm_token_type_ids"] = torch.cat([types, torch.zeros_like(token)], dim=1)
            said = vlm.processor.tokenizer.decode(inputs["input_ids"][0, start:], skip_special_tokens=True)
            assert reply[0] == said or said.startswith(reply[0])  # a reply may end before four tokens


def test_letters_count_all_their_tokens(vlm: Vlm) -> None:
    tokens = vlm.letter_tokens
    assert all(vlm.processor.tokenizer.decode([token]).strip() == "A" for token in tokens[0]) and tokens[0]
    logits = torch.randn(2, len(vlm.processor.tokenizer))
    expected = torch.stack([logits[:, some].exp().sum(1).log() for some in tokens[:4]], dim=1)
    torch.testing.assert_close(vlm.letters(logits, 4), expected)


@pytest.mark.parametrize("family", ["qwen25_vl", "qwen3_vl"])
def test_a_qwen_model_without_the_types_of_its_tokens_is_refused(family: str, tmp_path: Path) -> None:
    vlm = Vlm(tiny_vlms.write(family, tmp_path), RUNTIME)
    inputs = vlm.inputs(PROMPTS[:1], vlm.see(PICTURES[:1]))
    if family == "qwen25_vl":  # the library says nothing, and gives something else
        silent = {key: value for key, value in inputs.items() if key != "mm_token_type_ids"}
        with torch.inference_mode():
            assert not torch.allclose(vlm.model(**silent).logits[:, -1], vlm.forward(inputs))
    del inputs["mm_token_type_ids"]
    with pytest.raises(VlmError, match="needs `mm_token_type_ids`"):
        vlm.forward(inputs)


def test_what_pangeas_processor_config_leaves_empty_comes_from_the_model(tmp_path: Path) -> None:
    folder = tiny_vlms.write("pangea", tmp_path)
    said = json.loads((folder / "processor_config.json").read_text())
    assert said["patch_size"] is None and said["vision_feature_select_strategy"] is None
    processor = load_processor(folder)
    assert (processor.patch_size, processor.vision_feature_select_strategy) == (14, "default")
    text = processor.apply_chat_template(
        [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "b"}]}], tokenize=False
    )
    made = processor(text=[text], images=[PICTURES[1]], return_tensors="pt")
    model: Any = AutoModelForImageTextToText.from_pretrained(folder)
    count = len(model.get_image_features(made["pixel_values"], made["image_sizes"]).pooler_output[0])
    assert int((made["input_ids"] == processor.image_token_id).sum()) == count


def test_tiles_have_no_largest_area(tmp_path: Path) -> None:
    with pytest.raises(VlmError, match="remove max_pixels"):
        load_processor(tiny_vlms.write("llava_mistral", tmp_path), max_pixels=4096)


def test_weights_in_a_format_that_runs_code_are_not_read(tmp_path: Path) -> None:
    folder = tiny_vlms.write("pangea", tmp_path / "a")
    weights = shutil.move(folder / "model.safetensors", tmp_path / "model.safetensors")
    torch.save({}, folder / "pytorch_model.bin")
    assert Path(weights).exists()
    with pytest.raises(VlmError, match="cannot be loaded"):
        Vlm(folder, RUNTIME)
