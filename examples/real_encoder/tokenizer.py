"""The fast tokenizer of a SentencePiece unigram model that is known by its pieces and scores alone."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sentencepiece import SentencePieceTrainer, sentencepiece_model_pb2

MAX_TOKENS = 512
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
#: What XLM-R's tokenizer calls them.
NAMES = {
    "bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "pad_token": "<pad>",
    "unk_token": "<unk>", "mask_token": "<mask>",
}  # fmt: skip


def save(folder: Path, pieces: Sequence[tuple[str, float]]) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json`: XLM-R's tokenizer with these pieces (text, score)."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = {text: index for index, (text, _) in enumerate(pieces)}
    added: list[dict[str, Any]] = [
        {"id": ids[text], "content": text, "single_word": False, "lstrip": text == "<mask>", "rstrip": False,
         "normalized": False, "special": True}
        for text in sorted(SPECIAL, key=ids.__getitem__)
    ]  # fmt: skip
    space = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    content: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Precompiled", "precompiled_charsmap": _character_map()},
                {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
            ],
        },
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, space]},
        "post_processor": _frame(ids),
        "decoder": space,
        "model": {"type": "Unigram", "unk_id": ids["<unk>"], "vocab": list(map(list, pieces)), "byte_fallback": False},
    }
    (folder / "tokenizer.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    named = {"tokenizer_class": "XLMRobertaTokenizer", "model_max_length": MAX_TOKENS, **NAMES}
    (folder / "tokenizer_config.json").write_text(json.dumps(named, indent=2) + "\n", encoding="utf-8")


def _frame(ids: dict[str, int]) -> dict[str, Any]:
    """`<s> text </s>`, and for two texts `<s> one </s></s> other </s>`."""

    def token(text: str) -> dict[str, Any]:
        return {"SpecialToken": {"id": text, "type_id": 0}}

    one, other = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
    return {
        "type": "TemplateProcessing",
        "single": [token("<s>"), one, token("</s>")],
        "pair": [token("<s>"), one, token("</s>"), token("</s>"), other, token("</s>")],
        "special_tokens": {name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in ("<s>", "</s>")},
    }


def _character_map() -> str:
    """SentencePiece's own rule `nmt_nfkc`, by which XLM-R's model was trained: every model trained so carries it."""
    trained = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(["a few words, so that there is a model"] * 50), model_writer=trained, vocab_size=25,
        hard_vocab_limit=False, normalization_rule_name="nmt_nfkc", minloglevel=2, num_threads=1,
    )  # fmt: skip
    protocol: Any = sentencepiece_model_pb2  # made by protobuf at import
    model = protocol.ModelProto()
    model.ParseFromString(trained.getvalue())
    return base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode("ascii")
