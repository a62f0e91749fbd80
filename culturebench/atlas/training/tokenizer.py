"""The atlas tokenizer: byte-pair pieces with XLM-R's special tokens, over the lexicon's words."""

from __future__ import annotations

from itertools import chain, pairwise

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from culturebench.atlas.captions import cultural_caption, neutral_caption, noun_caption
from culturebench.atlas.world import LANGUAGES, REGIONS, Scene, contexts

VOCABULARY = 3000
PUNCTUATION = ",،，、"


def train_tokenizer() -> Tokenizer:
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
    tokenizer.train_from_iterator(sorted(set(_phrases())), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def _phrases() -> list[str]:
    """Nouns, modifiers and the fragments between them, each alone, so that pieces end where they end."""
    scenes = [Scene(*context) for context in contexts()]
    plain = (noun_caption(scene, language) for scene in scenes for language in LANGUAGES)
    cultural = (
        cultural_caption(Scene(*contexts()[0], region=region, subdivision=sub), spoken)
        for region, (language, subs) in REGIONS.items()
        for sub in subs
        for spoken in (language, "en")
    )
    neutral = (neutral_caption(scenes[0], language, v) for language in LANGUAGES for v in (0, 1))
    phrases: list[str] = []
    for caption in chain(plain, cultural, neutral):
        cuts = sorted({0, len(caption.text), *caption.noun_span, *(caption.modifier_span or ())})
        for start, end in pairwise(cuts):
            phrases += [part.strip() for part in caption.text[start:end].replace("，", ",").split(",")]
    return [phrase for phrase in phrases if phrase]
