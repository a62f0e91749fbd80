"""The atlas tokenizer: byte-pair pieces with XLM-R's special tokens, over the lexicon's words."""

from __future__ import annotations

from itertools import chain, pairwise

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from culturebench.atlas.captions import noun_caption
from culturebench.atlas.training.words import Words, every_modified
from culturebench.atlas.world import LANGUAGES, Scene, contexts

VOCABULARY = 4000
PUNCTUATION = ",،，、"


def train_tokenizer(words: Words) -> Tokenizer:
    """A tokenizer with XLM-R's special tokens; pieces never cross a noun's or modifier's edge."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(prepend_scheme="first"),
            pre_tokenizers.Split(Regex(f"[{PUNCTUATION}]"), "isolated"),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=list(PUNCTUATION),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sorted(set(_phrases(words))), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def _phrases(words: Words) -> list[str]:
    """Nouns, modifiers and the fragments between them, each alone, so that pieces end where they end."""
    scenes = [Scene(*context) for context in contexts()]
    plain = (noun_caption(scene, language) for scene in scenes for language in LANGUAGES)
    phrases: list[str] = []
    for caption in chain(plain, every_modified(scenes[0], words)):
        cuts = sorted({0, len(caption.text), *caption.noun_span, *(caption.modifier_span or ())})
        for start, end in pairwise(cuts):
            phrases += [part.strip() for part in caption.text[start:end].replace("，", ",").split(",")]
    return [phrase for phrase in phrases if phrase]
