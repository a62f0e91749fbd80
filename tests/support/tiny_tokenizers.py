"""Small tokenizers in the files that the hub's repositories hold: SentencePiece models, vocab.json with merges.txt."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sentencepiece
import tokenizers

TEXTS = [
    "a bowl with seigaiha waves", "a plain bowl", "a house door with girih", "お椀 青海波", "青海波の椀", "赤い傘",
    "миска з розписом", "чаша с хохломой", "ชามลายคราม", "وعاء مزخرف", "사발 무늬", "碗 青花", "vaso azul",
]  # fmt: skip
CLIP_CONFIG = {
    "add_prefix_space": False, "bos_token": "<|startoftext|>", "clean_up_tokenization_spaces": True,
    "do_lower_case": True, "eos_token": "<|endoftext|>", "errors": "replace", "model_max_length": 77,
    "tokenizer_class": "CLIPTokenizer", "unk_token": "<|endoftext|>",
}  # fmt: skip


def clip(folder: Path, pad: str = "<|endoftext|>") -> int:
    """`vocab.json`, `merges.txt`, `special_tokens_map.json`, `tokenizer_config.json`; gives the vocabulary's size."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = list(_byte_letters().values())
    merges = ["b o", "w l</w>", "bo wl</w>", "w i", "t h</w>"]
    words = [*letters, *(f"{letter}</w>" for letter in letters), *(merge.replace(" ", "") for merge in merges)]
    vocabulary = {word: index for index, word in enumerate([*words, "<|startoftext|>", "<|endoftext|>"])}
    _write_json(folder / "vocab.json", vocabulary)
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    _write_json(folder / "tokenizer_config.json", {**CLIP_CONFIG, "pad_token": pad})
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    _write_json(folder / "special_tokens_map.json", {**special, "pad_token": pad})
    return len(vocabulary)


def t5(folder: Path) -> int:
    """`spiece.model`, `special_tokens_map.json`, `tokenizer_config.json`; gives the vocabulary's size."""
    folder.mkdir(parents=True, exist_ok=True)
    size = _train(folder / "spiece.model", pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    special = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    extra = {"extra_ids": 0, "additional_special_tokens": [], "model_max_length": 512}
    _write_json(folder / "tokenizer_config.json", {"tokenizer_class": "T5Tokenizer", **special, **extra})
    _write_json(folder / "special_tokens_map.json", special)
    return size


def xlm_r(folder: Path, limit: int = 77) -> int:
    """`sentencepiece.bpe.model`, `special_tokens_map.json`, `tokenizer_config.json`; gives the vocabulary's size."""
    folder.mkdir(parents=True, exist_ok=True)
    size = _train(folder / "sentencepiece.bpe.model", unk_id=0, bos_id=1, eos_id=2)
    special = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "mask_token": "<mask>",
               "pad_token": "<pad>", "sep_token": "</s>", "unk_token": "<unk>"}  # fmt: skip
    config = {"tokenizer_class": "XLMRobertaTokenizer", "model_max_length": limit, **special}
    _write_json(folder / "tokenizer_config.json", config)
    _write_json(folder / "special_tokens_map.json", special)
    return size + 2  # <pad>, <mask>


def bert(folder: Path) -> int:
    """`vocab.txt`, `tokenizer_config.json`; gives the vocabulary's size."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = sorted({letter for text in TEXTS for letter in text if not letter.isspace()})
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]",
               "mask_token": "[MASK]"}  # fmt: skip
    words = [*special.values(), *letters, *(f"##{letter}" for letter in letters), "bowl", "with"]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    config = {"tokenizer_class": "BertTokenizer", "model_max_length": 64, "do_lower_case": False, **special}
    _write_json(folder / "tokenizer_config.json", config)
    return len(words)


QWEN_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
#: What stands for pictures and films in a prompt of Qwen3-VL, and the shape of a conversation.
QWEN_VISION = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
QWEN_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{% if message.content is string %}"
    "{{ message.content }}{% else %}{% for part in message.content %}{% if part.type == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part.text }}{% endif %}{% endfor %}{% endif %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def qwen_vl(folder: Path) -> int:
    """As `qwen`, with the tokens of pictures and the template of a conversation."""
    return qwen(folder, QWEN_VISION, chat_template=QWEN_TEMPLATE)


def qwen(folder: Path, vision: Sequence[str] = (), **settings: str) -> int:
    """`vocab.json`, `merges.txt`, `tokenizer_config.json`; gives the vocabulary's size."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = list(_byte_letters().values())
    merges = ["b o", "w l", "bo wl", "Ġ bowl"]
    special = (*QWEN_SPECIAL, *vision)
    words = [*letters, *(merge.replace(" ", "") for merge in merges), *special]
    vocabulary = {word: index for index, word in enumerate(words)}
    _write_json(folder / "vocab.json", {word: index for word, index in vocabulary.items() if word not in special})
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    added = {
        str(vocabulary[word]): {"content": word, "lstrip": False, "normalized": False, "rstrip": False,
                                "single_word": False, "special": True}
        for word in special
    }  # fmt: skip
    config = {"tokenizer_class": "Qwen2Tokenizer", "model_max_length": 1024, "pad_token": "<|endoftext|>",
              "eos_token": "<|im_end|>", "added_tokens_decoder": added, **settings}  # fmt: skip
    _write_json(folder / "tokenizer_config.json", config)
    return len(vocabulary)


def llama_vl(folder: Path, template: str) -> int:
    """`tokenizer.json` and `tokenizer_config.json` of a Llama tokenizer with <image>; gives the vocabulary's size."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = sorted({letter for text in TEXTS for letter in text if letter != " "} | set("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    merged = [f"▁{letter}" for letter in letters]
    words = ["<unk>", "<s>", "</s>", *bytes_, "▁", *letters, *merged]
    made = tokenizers.Tokenizer(
        tokenizers.models.BPE(
            {word: i for i, word in enumerate(words)}, [("▁", letter) for letter in letters],
            unk_token="<unk>", byte_fallback=True, fuse_unk=True,
        )
    )  # fmt: skip
    made.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    made.decoder = tokenizers.decoders.Sequence(
        [tokenizers.decoders.Replace("▁", " "), tokenizers.decoders.ByteFallback(), tokenizers.decoders.Fuse()]
    )
    made.add_special_tokens([tokenizers.AddedToken(word, special=True) for word in ("<unk>", "<s>", "</s>", "<image>")])
    made.post_processor = tokenizers.processors.TemplateProcessing("<s> $A", None, [("<s>", 1)])
    made.save(str(folder / "tokenizer.json"))
    special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<unk>"}
    config = {"tokenizer_class": "LlamaTokenizer", "model_max_length": 1024, "chat_template": template, **special}
    _write_json(folder / "tokenizer_config.json", config)
    return made.get_vocab_size()


def gemma(folder: Path) -> int:
    """`tokenizer.model`, `tokenizer_config.json`; gives the vocabulary's size."""
    folder.mkdir(parents=True, exist_ok=True)
    size = _train(
        folder / "tokenizer.model", kind="bpe", pad_id=0, eos_id=1, bos_id=2, unk_id=3, byte_fallback=True, extra=260
    )
    special = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}
    config = {"tokenizer_class": "GemmaTokenizer", "model_max_length": 256, "add_bos_token": True, **special}
    _write_json(folder / "tokenizer_config.json", config)
    _write_json(folder / "special_tokens_map.json", special)
    return size


def _train(path: Path, kind: str = "unigram", extra: int = 0, **ids: int | bool) -> int:
    trained = io.BytesIO()
    letters = {letter for text in TEXTS for letter in text}
    pieces: dict[str, Any] = {"pad_piece": "<pad>", "bos_piece": "<bos>", "eos_piece": "<eos>"} if kind == "bpe" else {}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 4), model_writer=trained, model_type=kind, character_coverage=1.0,
        vocab_size=len(letters) + extra + 20, hard_vocab_limit=False, minloglevel=2, num_threads=1, **ids, **pieces,
    )  # fmt: skip
    path.write_bytes(trained.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=trained.getvalue()).get_piece_size()


def _byte_letters() -> dict[int, str]:
    """The visible letter that stands for each byte in GPT-2's and CLIP's vocabularies."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {byte: chr(byte) for byte in shown} | {byte: chr(256 + i) for i, byte in enumerate(hidden)}


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2), encoding="utf-8")
