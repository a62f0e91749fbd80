"""Text encoders of every family: the library's own states, every attention block, edits of real tokens alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer
from transformers.utils import logging

import tiny_encoders
from culturebench.params.encoders import Encoder
from culturebench.text_to_image.base import TextEncoder
from culturebench.text_to_image.encoders.families import FAMILIES, FamilyError
from culturebench.text_to_image.encoders.files import WeightsError
from culturebench.text_to_image.encoders.hub import EncoderError, HubEncoder
from culturebench.text_to_image.loading import AdapterError, load_encoder
from tiny_encoders import HEADS, LAYERS, WIDTH

TEXTS = ["青海波の椀 bowl", "a plain bowl with waves", "чаша"]


def source(**values: Any) -> Encoder:
    return Encoder(adapter="transformers", pin="tiny", **values)


@pytest.fixture(params=FAMILIES, scope="module")
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp(request.param)
    return folder, tiny_encoders.write(folder, request.param)


def load(folder: Path, **values: Any) -> HubEncoder:
    encoder = load_encoder(source(**values), folder)
    assert isinstance(encoder, HubEncoder)
    return encoder


def library_output(folder: Path, model: Any, encoder: HubEncoder, text: str) -> Any:
    """What the library computes of one text alone, padded as the encoder pads it."""
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    full = not (encoder.causal or encoder.masked)
    encoded = tokenizer(
        [text], padding="max_length" if full else False, max_length=encoder.max_tokens, return_tensors="pt"
    )
    model = getattr(model, "model", model) if hasattr(model, "lm_head") else model
    return model(input_ids=encoded["input_ids"], output_hidden_states=True, output_attentions=True)


def test_a_batch_gives_what_the_library_gives_for_each_text_alone(written: tuple[Path, Any]) -> None:
    folder, model = written
    encoder = load(folder, max_tokens=40)
    tokens = encoder.tokenize(TEXTS)
    states = encoder.run(tokens)
    for row, text in enumerate(TEXTS):
        alone = library_output(folder, model, encoder, text)
        real = int(tokens.real[row].sum())
        torch.testing.assert_close(states["last"][row, :real], alone.last_hidden_state[0, :real], atol=1e-5, rtol=1e-4)
        penultimate = alone.hidden_states[-2][0, :real]
        torch.testing.assert_close(states["penultimate"][row, :real], penultimate, atol=1e-5, rtol=1e-4)


def test_every_attention_block_is_a_site_and_shows_the_librarys_weights(written: tuple[Path, Any]) -> None:
    folder, model = written
    encoder = load(folder, max_tokens=40, runtime={"attention": "eager"})
    assert [layer.index for layer in encoder.layers] == list(range(LAYERS))
    assert encoder.hidden_size == WIDTH
    assert encoder.last_upstream_layer == LAYERS - 1
    seen: dict[int, torch.Tensor] = {}
    outputs: dict[int, torch.Tensor] = {}
    for layer in encoder.layers:
        layer.attention.register_forward_hook(lambda _m, _a, out, index=layer.index: seen.update({index: out[-1]}))  # pyright: ignore
        layer.attention_output.register_forward_hook(
            lambda _m, _a, out, index=layer.index: outputs.update({index: out})
        )
    encoder.run(encoder.tokenize([TEXTS[1]]))
    wanted = library_output(folder, model, encoder, TEXTS[1]).attentions
    for index in range(LAYERS):
        assert seen[index].shape[:2] == (1, HEADS)
        torch.testing.assert_close(seen[index], wanted[index], atol=1e-5, rtol=1e-4)
        assert outputs[index].shape == (1, seen[index].shape[2], WIDTH)


def test_a_causal_encoder_never_looks_ahead_and_says_so(written: tuple[Path, Any]) -> None:
    encoder = load(written[0], max_tokens=40, runtime={"attention": "eager"})
    seen: list[torch.Tensor] = []
    encoder.layers[0].attention.register_forward_hook(lambda _m, _a, out: seen.append(out[-1]))
    encoder.run(encoder.tokenize([TEXTS[1]]))
    assert bool((seen[0].triu(1) == 0).all()) == encoder.causal


def test_spans_of_characters_become_the_tokens_that_spell_them(written: tuple[Path, Any]) -> None:
    encoder = load(written[0], max_tokens=40)
    tokens = encoder.tokenize(TEXTS)
    for row, word in ((0, "椀"), (0, "bowl"), (1, "plain"), (2, "чаша")):
        start = TEXTS[row].index(word)
        positions = tokens.positions(row, start, start + len(word))
        spelled = encoder.tokenizer.decode(tokens.ids[row, positions]).strip()
        assert spelled == word, (word, spelled)
    assert bool((tokens.special | tokens.real).all()), "padding counts as special"


def test_an_edit_reaches_the_states_and_leaves_padding_and_earlier_tokens_alone(written: tuple[Path, Any]) -> None:
    encoder = load(written[0], max_tokens=40)
    tokens = encoder.tokenize_full([TEXTS[2]])
    before = encoder.run(tokens)["last"]
    shown: list[torch.Tensor] = []
    ramp = torch.linspace(-1, 1, WIDTH)  # a constant would vanish in the norms

    def push(features: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        shown.append(real)
        return torch.where(real[..., None], features + ramp, features)

    with encoder.edited(LAYERS - 1, push):
        after = encoder.run(tokens)["last"]
    changed = (after - before).abs().amax(dim=-1) > 1e-6
    assert torch.equal(changed, tokens.real), "the last block moves the edited tokens and no others"
    assert torch.equal(shown[0], tokens.real)
    torch.testing.assert_close(encoder.run(tokens)["last"], before, atol=0, rtol=0)


def test_half_precision_is_edited_in_single_and_comes_back_as_it_was(written: tuple[Path, Any]) -> None:
    encoder = load(written[0], runtime={"dtype": "bfloat16"})
    kinds: list[torch.dtype] = []

    def look(features: torch.Tensor, _real: torch.Tensor) -> torch.Tensor:
        kinds.append(features.dtype)
        return features

    tokens = encoder.tokenize(TEXTS)
    plain = encoder.run(tokens)["last"]
    with encoder.edited(0, look):
        edited = encoder.run(tokens)["last"]
    assert kinds == [torch.float32]
    assert torch.equal(plain, edited) and plain.dtype == torch.bfloat16


def test_of_all_layers_states_a_pass_keeps_the_two_that_are_read(written: tuple[Path, Any]) -> None:
    encoder = load(written[0])
    kept: list[list[bool]] = []
    encoder.model.register_forward_hook(
        lambda _module, _args, output: kept.append([state is not None for state in output.hidden_states])
    )
    encoder.run(encoder.tokenize(TEXTS))
    assert kept == [[False] * (LAYERS - 1) + [True, True]]


def test_what_reads_the_penultimate_state_leaves_the_last_layer_out(written: tuple[Path, Any]) -> None:
    encoder: TextEncoder = load(written[0], reads="penultimate")
    assert encoder.last_upstream_layer == LAYERS - 2


def test_a_tower_of_its_own_name_is_found_by_its_subfolders(tmp_path: Path) -> None:
    tiny_encoders.write(tmp_path, "T5")
    (tmp_path / "text_encoder").rename(tmp_path / "text_encoder_3")
    (tmp_path / "tokenizer").rename(tmp_path / "tokenizer_3")
    with pytest.raises(WeightsError, match="name the right `subfolder`"):
        load(tmp_path)
    encoder = load(tmp_path, subfolder="text_encoder_3", tokenizer="tokenizer_3", max_tokens=32)
    assert encoder.tokenize(["a bowl"]).ids.shape == (1, 32), "T5 attends to its padding, so it is always there"
    masked = load(tmp_path, subfolder="text_encoder_3", tokenizer="tokenizer_3", max_tokens=32, masked=True)
    assert masked.tokenize(["a bowl"]).ids.shape[1] < 32


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    tiny_encoders.write(tmp_path, "CLIP")
    weights = tmp_path / "text_encoder/model.safetensors"
    torch.save({}, weights.with_name("pytorch_model.bin"))
    weights.unlink()
    with pytest.raises(EncoderError, match="safetensors"):
        load(tmp_path)


def test_a_head_that_nobody_reads_is_left_out_without_a_word(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = tiny_encoders.write(tmp_path, "BERT")
    torch.manual_seed(1)
    headed = transformers.BertForMaskedLM(whole.config)
    headed.bert.load_state_dict(whole.state_dict(), strict=False)
    headed.save_pretrained(tmp_path / "text_encoder")  # the head beside the encoder, and no pooler
    before = logging.get_verbosity()
    capfd.readouterr()
    encoder = load(tmp_path)
    assert "REPORT" not in "".join(capfd.readouterr()) and logging.get_verbosity() == before
    tokens = encoder.tokenize(TEXTS[:1])
    wanted = whole(input_ids=tokens.ids).last_hidden_state
    states = encoder.run(tokens)
    torch.testing.assert_close(states["last"], wanted)
    assert "pooled" not in load(tmp_path, masked=False).run(tokens), "a pooler without weights would be noise"


def test_weights_that_lack_a_tensor_are_refused_and_the_tensor_is_named(tmp_path: Path) -> None:
    tiny_encoders.write(tmp_path, "BERT")
    file = tmp_path / "text_encoder/model.safetensors"
    weights = load_file(file)
    del weights["encoder.layer.1.attention.self.query.weight"]
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(EncoderError, match=r"lacks weights of BertModel: encoder\.layer\.1\.attention\.self\.query"):
        load(tmp_path)


def test_an_unknown_family_is_named_with_those_that_are_known(tmp_path: Path) -> None:
    tiny_encoders.write(tmp_path, "CLIP")
    config = tmp_path / "text_encoder/config.json"
    config.write_text(json.dumps({"model_type": "chatglm", "auto_map": {"AutoModel": "modeling.Evil"}}))
    with pytest.raises(FamilyError, match=r"'chatglm' is not known; known types: CLIP: clip_text_model"):
        load(tmp_path)


def test_an_unknown_adapter_is_named_with_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=r"encoders.*adapter is 'sdlx'; known adapters: atlas, transformers"):
        load_encoder(Encoder(adapter="sdlx", pin="x"), tmp_path)
