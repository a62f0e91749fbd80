"""The atlas tokenizer: byte-pair pieces with XLM-R's special tokens, over the lexicon's words."""

from __future__ import annotations

import json
from collections import Counter
from itertools import chain, pairwise

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from culturebench.atlas.captions import Caption, noun_caption
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


def grown(tokenizer: Tokenizer, known: list[Caption], further: list[Caption], size: int) -> Tokenizer:
    """The byte-pair tokenizer with characters and merges that `further` captions need, up to `size` pieces.

    Byte-pair encoding goes on where it stopped; a merge that occurs in a `known` caption is left out, so that those
    keep their pieces, and none crosses a noun's or modifier's edge.
    """
    state = json.loads(tokenizer.to_str())
    vocabulary, merges = state["model"]["vocab"], state["model"]["merges"]

    def number(piece: str) -> None:
        vocabulary.setdefault(piece, len(vocabulary))

    for character in sorted({letter for caption in further for letter in caption.text if not letter.isspace()}):
        number(character)
    lettered = Tokenizer.from_str(json.dumps(state))
    kept = {pair for caption in known for word in _words(lettered, caption, cut=False) for pair in pairwise(word)}
    words = Counter(tuple(word) for caption in further for word in _words(lettered, caption, cut=True))
    while len(vocabulary) < size:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in words.items():
            pairs.update({pair: count for pair in pairwise(word) if pair not in kept})
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        number("".join(best))
        merges.append(list(best))
        words = Counter({_merged(word, best): count for word, count in words.items()})
    return Tokenizer.from_str(json.dumps(state))


def _words(tokenizer: Tokenizer, caption: Caption, *, cut: bool) -> list[list[str]]:
    """The pieces of every word, as the tokenizer cuts words; with `cut` at noun's and modifier's edges too."""
    encoding = tokenizer.encode(caption.text, add_special_tokens=False)
    edges = [*caption.noun_span, *(caption.modifier_span or ())] if cut else []
    found: dict[tuple[int | None, int], list[str]] = {}
    for piece, word, (_, end) in zip(encoding.tokens, encoding.word_ids, encoding.offsets, strict=True):
        found.setdefault((word, sum(edge < end for edge in edges)), []).append(piece)
    return list(found.values())


def _merged(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    pieces: list[str] = []
    for piece in word:
        if pieces and (pieces[-1], piece) == pair:
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return tuple(pieces)


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
