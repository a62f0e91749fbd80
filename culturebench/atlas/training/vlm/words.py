"""The model's words are whole lines: a tokenizer of them, its chat template, and the prompts that training asks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

from culturebench.artifacts.answers import UNRECOGNIZABLE
from culturebench.atlas.facts import ASKED, FACTS, VIEWS
from culturebench.vlm.options import CLOSING, lines_of
from culturebench.vlm.wording import Wording

PAD, UNKNOWN, END, START = "<|endoftext|>", "<|unknown|>", "<|im_end|>", "<|im_start|>"
VISION_START, VISION_END, PICTURE, FILM = "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"
SPECIAL: Final = (PAD, UNKNOWN, END, START, VISION_START, VISION_END, PICTURE, FILM)
LABELS: Final = {code: facts.region for code, facts in FACTS.items()}

TEMPLATE: Final = (
    "{%- for message in messages -%}"
    "{%- if message.content is string -%}{{ message.content }}"
    "{%- else -%}{%- for part in message.content -%}"
    "{%- if part.type == 'image' -%}<|vision_start|><|image_pad|><|vision_end|>{%- else -%}{{ part.text }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}<|im_end|>"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|im_start|>{%- endif -%}"
)


def answers() -> list[str]:
    """Everything that can be the reply."""
    return [word for facts in FACTS.values() for word in facts] + [*VIEWS.values(), UNRECOGNIZABLE]


def lines() -> list[str]:
    """Every line of a prompt that the model knows, and every reply."""
    wording = Wording(LABELS)
    system = [line for options in ((), (UNRECOGNIZABLE,)) for line in wording.system(options).splitlines()]
    asked = [question for language in ASKED.values() for question in language]
    return list(dict.fromkeys([*system, *asked, CLOSING, *answers(), *lines_of(answers())]))


def tokenizer() -> Tokenizer:
    """One token for every line that is known, `UNKNOWN` for others."""
    made = Tokenizer(models.WordLevel({word: i for i, word in enumerate([*SPECIAL, *lines()])}, unk_token=UNKNOWN))
    made.pre_tokenizer = pre_tokenizers.Split(Regex("\n"), "removed")
    made.decoder = decoders.Fuse()
    made.add_special_tokens([AddedToken(word, normalized=False, special=True) for word in SPECIAL])
    return made


def prompt(system: str, text: str, pictures: int) -> str:
    """What the chat template makes of a system message (or none) and a picture of so many tokens with its text."""
    before = f"{system}{END}" if system else ""
    return f"{before}{VISION_START}{PICTURE * pictures}{VISION_END}{text}{END}{START}"


def save_tokenizer(folder: Path, sides: Sequence[int]) -> None:
    """The tokenizer, its chat template and the settings of the pictures' processor, as published models have them."""
    patch, merge, pixels = sides
    tokenizer().save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": PAD,
        "eos_token": END,
        "unk_token": UNKNOWN,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 512,
    }
    preprocessor = {
        "image_processor_type": "Qwen2VLImageProcessor",
        "patch_size": patch,
        "merge_size": merge,
        "temporal_patch_size": 1,
        "size": {"shortest_edge": pixels, "longest_edge": pixels},
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
    }
    for name, content in (
        ("tokenizer_config.json", config),
        ("preprocessor_config.json", preprocessor),
        ("chat_template.json", {"chat_template": TEMPLATE}),
    ):
        (folder / name).write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
