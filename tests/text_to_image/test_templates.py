"""A template around the prompt is read, and is no part of it: spans, edits and features are the prompt's alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

import tiny_encoders
from culturebench.params.encoders import Encoder
from culturebench.probing.features import feature_batches, summary_positions, token_features
from culturebench.text_to_image.cut import told_cut
from culturebench.text_to_image.encoders.hub import EncoderError, HubEncoder
from culturebench.text_to_image.loading import load_encoder

BEFORE, AFTER = "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"
TEXTS = ["a Bowl with waves", "a house"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("qwen")
    tiny_encoders.write(path, "Qwen")
    return path


def load(folder: Path, **entry: Any) -> Any:
    return load_encoder(Encoder(adapter="transformers", pin="x", **entry), folder)


def test_the_prompts_tokens_are_found_inside_of_the_template(folder: Path) -> None:
    encoder = load(folder, template=f"{BEFORE}{{prompt}}{AFTER}")
    tokens = encoder.tokenize(TEXTS)
    library = AutoTokenizer.from_pretrained(folder / "tokenizer")
    for row, text in enumerate(TEXTS):
        assert tokens.ids[row][tokens.mask[row]].tolist() == library(f"{BEFORE}{text}{AFTER}").input_ids
        assert library.decode(tokens.ids[row][tokens.real[row]]) == text
        assert library.decode(tokens.ids[row, tokens.positions(row, 2, len(text))]) == text[2:]
        assert not bool(tokens.special[row][tokens.real[row]].any())
    last = summary_positions(tokens, causal=True).tolist()
    assert [library.decode(tokens.ids[row, at]) for row, at in enumerate(last)] == ["s", "e"]


def test_edits_and_features_leave_the_templates_tokens_alone(folder: Path) -> None:
    encoder = load(folder, template=f"{BEFORE}{{prompt}}{AFTER}")
    tokens = encoder.tokenize(TEXTS)
    seen: list[torch.Tensor] = []

    def look(features: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        seen.append(real)
        return features

    with encoder.edited(0, look):
        encoder.run(tokens)
    assert torch.equal(seen[0], tokens.real)
    assert int(tokens.real.sum()) < int(tokens.mask.sum())
    assert len(token_features(feature_batches(encoder, 0, TEXTS, 2))) == int(tokens.real.sum())


def test_a_prompt_is_read_as_with_the_template_written_out(folder: Path) -> None:
    inside, plain = load(folder, template=f"{BEFORE}{{prompt}}{AFTER}"), load(folder)
    whole = plain.run(plain.tokenize([f"{BEFORE}{TEXTS[0]}{AFTER}"]))["last"]
    assert torch.equal(inside.run(inside.tokenize(TEXTS[:1]))["last"], whole)


def test_a_pipeline_in_lower_case_is_probed_in_lower_case(folder: Path) -> None:
    assert torch.equal(
        load(folder, lowercase=True).tokenize(TEXTS[:1]).ids, load(folder).tokenize([TEXTS[0].lower()]).ids
    )


def test_the_state_behind_any_block_can_be_what_is_read(folder: Path) -> None:
    encoder = load(folder, reads=2)
    assert (encoder.last_upstream_layer, encoder.reads) == (1, "behind")
    tokens = encoder.tokenize(TEXTS)
    model = encoder.model(tokens.ids, attention_mask=tokens.mask.long(), output_hidden_states=True)
    assert torch.equal(encoder.run(tokens)["behind"], model.hidden_states[2])
    with pytest.raises(EncoderError, match=r"encoders\.\*\.reads is 9; Qwen3Model has 3 blocks"):
        load(folder, reads=9)


def test_a_template_holds_the_prompt_once() -> None:
    with pytest.raises(ValueError, match=r"a template holds `\{prompt\}` once"):
        Encoder(adapter="transformers", pin="x", template="a picture of")


def test_an_encoder_without_a_template_reads_as_before(folder: Path) -> None:
    encoder: HubEncoder = load(folder)
    tokens = encoder.tokenize(TEXTS)
    assert torch.equal(tokens.real, tokens.mask)


def test_prompts_that_are_cut_are_counted_by_region(folder: Path) -> None:
    encoder = load(folder, max_tokens=8)
    short, long = "a bowl", "a bowl with waves"
    assert [len(encoder.tokenize([text]).ids[0]) for text in (short, long)] == [
        len(AutoTokenizer.from_pretrained(folder / "tokenizer")(short).input_ids), 8,
    ]  # fmt: skip
    assert encoder.cut([short, long]) == [False, True]
    said = told_cut(encoder, [("jp", short), ("jp", long), ("jp", long), ("nl", short)])
    assert said.startswith("prompts that are longer than the encoder reads, and are cut: jp 1 of 2;")
    assert told_cut(encoder, [("nl", short)]) == ""
