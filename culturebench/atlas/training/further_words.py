"""Teaching a trained text encoder words that it has not seen, with all that a picture model and an edit rely on kept.

The culture layer, what stands above it and the map to the condition tokens stay as they are, bit for bit. Only the
embeddings and the layers below learn: what enters the culture layer, and what its attention writes to `<s>`, has to be
what the encoder had for a word that it knew (the subdivision's first modifier, a neutral modifier of the lexicon), and
what it had for a text of known words has to stay. What was trained on its condition tokens goes on to read them, and an
edit of the culture layer does what it did. `<s>` has to look at a new modifier as much as at a known one, or culture
would come by other tokens; and at neutral ones half as much, since at first it hardly told the two apart.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from culturebench.atlas.captions import (
    MODIFIERS,
    Caption,
    caption_with,
    cultural_caption,
    neutral_caption,
    noun_caption,
    unseen_caption,
)
from culturebench.atlas.training.cases import draw_region, draw_scene
from culturebench.atlas.training.encoder import CULTURE_LAYER
from culturebench.atlas.training.loop import train
from culturebench.atlas.training.tokenizer import grown
from culturebench.atlas.training.words import Words, beside
from culturebench.atlas.world import LANGUAGES, OBJECTS, REGIONS, Scene, contexts
from culturebench.text_to_image.encoders.atlas import AtlasTextEncoder

#: A caption and the one of known words that it has to be read as: the same one where it has known words alone.
Lesson = tuple[Caption, Caption]
SCENES = 64  # in a step
NEUTRAL = 2  # neutral modifiers of the lexicon in a language
PIECES = 6000  # of the tokenizer; by then a new word is one piece, and new modifiers are as long as the first ones
#: Of how much `<s>` looks at a cultural modifier, how much at a neutral one: at first it was hardly less.
LOOKS_AT_NEUTRAL = 0.5
#: Places of the known cultural and of the neutral ones among a scene's four captions with a modifier in `draw_lessons`.
KNOWN_CULTURAL, NEUTRALS = 0, (1, 3)
LOOKS = "looks, layer {}"


def known_and_further(words: Words) -> tuple[list[Caption], list[Caption]]:
    """What an encoder knew that had seen the lexicon's first modifiers alone, and what there is beside."""
    contexts_ = contexts()
    scenes = [Scene(*contexts_[number]) for number in range(0, len(contexts_), len(contexts_) // (4 * len(OBJECTS)))]
    known = [noun_caption(scene, language) for scene in scenes for language in LANGUAGES]
    further: list[Caption] = []
    for scene in scenes:
        for region, (spoken, subdivisions) in REGIONS.items():
            for language in (spoken, "en"):
                for name in subdivisions:
                    shown = replace(scene, region=region, subdivision=name)
                    known.append(cultural_caption(shown, language, 0))
                    further += [caption for caption, _ in _cultural_lessons(shown, language, words)]
                known += [neutral_caption(scene, language, variant) for variant in range(NEUTRAL)]
                further += [caption for caption, _ in _neutral_lessons(scene, region, language, words)]
    return known, further


def _cultural_lessons(scene: Scene, language: str, words: Words) -> list[Lesson]:
    """The scene with every further modifier of its culture. What names the region alone means one of its ornaments."""
    own = cultural_caption(scene, language, 0)
    lessons = [(cultural_caption(scene, language, variant), own) for variant in range(1, MODIFIERS)]
    lessons.append((unseen_caption(scene, language), own))
    subdivisions = REGIONS[scene.region][1]
    for number, word in enumerate(words.cultural[scene.region][language]):
        if subdivisions[number % len(subdivisions)] == scene.subdivision:
            lessons.append((beside(scene, language, word), own))
    return lessons


def _neutral_lessons(scene: Scene, region: str, language: str, words: Words) -> list[Lesson]:
    """The scene with every modifier of no culture that the region's file has."""
    said = [neutral_caption(scene, language, variant) for variant in range(NEUTRAL)]
    captions = [beside(scene, language, word) for word in words.neutral[region][language]]
    captions += [caption_with(scene, language, word) for word in words.placebos[region].get(language, [])]
    return [(caption, said[number % NEUTRAL]) for number, caption in enumerate(captions)]


def draw_lessons(rng: np.random.Generator, count: int, words: Words) -> list[Lesson]:
    """Lessons on `count` scenes: three of known words, one of a further cultural and one of a further neutral word."""
    lessons: list[Lesson] = []
    for _ in range(count):
        scene = draw_scene(rng, region=draw_region(rng))
        spoken = REGIONS[scene.region][0]
        language = "en" if rng.random() < 0.25 else spoken
        neutral = neutral_caption(scene, language, int(rng.integers(NEUTRAL)))
        noun = noun_caption(scene, "en" if rng.random() < 0.25 else spoken)
        lessons += [(caption, caption) for caption in (noun, cultural_caption(scene, language, 0), neutral)]
        for choices in (
            _cultural_lessons(scene, language, words),
            _neutral_lessons(scene, scene.region, language, words),
        ):
            lessons.append(choices[int(rng.integers(len(choices)))])
    return lessons


def with_pieces(encoder: AtlasTextEncoder, tokenizer: Tokenizer) -> AtlasTextEncoder:
    """The encoder with rows for what `tokenizer` has beyond its own: of a merge its parts' mean, else at random."""
    state = encoder.state_dict()
    name = "roberta.embeddings.word_embeddings.weight"
    old = state[name]
    size = tokenizer.get_vocab_size()
    rng = torch.Generator().manual_seed(0)
    state[name] = torch.cat([old, old.std() * torch.randn(size - len(old), old.shape[1], generator=rng)])
    vocabulary = tokenizer.get_vocab()
    for left, right in json.loads(tokenizer.to_str())["model"]["merges"]:
        piece = vocabulary[left + right]
        if piece >= len(old):
            state[name][piece] = state[name][[vocabulary[left], vocabulary[right]]].mean(0)
    config = deepcopy(encoder.roberta.config)
    config.vocab_size = size
    larger = AtlasTextEncoder(config, tokenizer)
    larger.load_state_dict(state)
    return larger


def teach(
    encoder: AtlasTextEncoder, words: Words, checkpoint: Path, *, steps: int, size: int = PIECES
) -> AtlasTextEncoder:
    """A copy of the encoder that knows all the words; resumable from `checkpoint`. `size`: pieces of its tokenizer."""
    taught = with_pieces(encoder, grown(encoder.tokenizer, *known_and_further(words), size)).requires_grad_(False)
    learning = nn.ModuleList([taught.roberta.embeddings, *list(taught.roberta.encoder.layer)[:CULTURE_LAYER]])
    learning.requires_grad_(True)

    def loss_of_step(step: int) -> Tensor:
        lessons = draw_lessons(np.random.default_rng([12, step]), SCENES, words)
        with torch.no_grad():
            wanted = _wanted(encoder, lessons)
        found = _read(taught, [caption for caption, _ in lessons])
        return sum((_left(found[name], wanted[name]) for name in wanted), torch.zeros(()))

    train(learning, loss_of_step, steps=steps, rate=1e-3, checkpoint=checkpoint, ema_decay=0.99)
    return taught.eval().requires_grad_(False)


def _wanted(encoder: AtlasTextEncoder, lessons: list[Lesson]) -> dict[str, Tensor]:
    """What the encoder has for the known captions, as `_read`, but for how much `<s>` looks at neutral modifiers.

    That is told from the scene's cultural one, so that a second teaching asks for what the first one did.
    """
    wanted = _read(encoder, [known for _, known in lessons])
    looks = wanted[LOOKS.format(CULTURE_LAYER)].unflatten(0, (-1, 2 * len(NEUTRALS)))  # a view: (scenes, 4, heads)
    looks[:, NEUTRALS] = LOOKS_AT_NEUTRAL * looks[:, [KNOWN_CULTURAL]]
    return wanted


def _read(encoder: AtlasTextEncoder, captions: list[Caption]) -> dict[str, Tensor]:
    """What enters the culture layer at `<s>` (n, d), what its attention writes there, and the condition tokens.

    Beside them where `<s>` looks: the share of each head's attention on the modifier, (captions with one, heads), of
    every layer up to that one.
    """
    seen: dict[str, Tensor] = {}
    tokens = encoder.tokenize([caption.text for caption in captions])
    modified = [(row, caption.modifier_span) for row, caption in enumerate(captions) if caption.modifier_span]
    rows = torch.tensor([row for row, _ in modified])
    on_modifier = torch.zeros(len(modified), 1, tokens.ids.shape[1])
    for place, (row, span) in enumerate(modified):
        on_modifier[place, 0, tokens.positions(row, *span)] = 1

    def enters(_module: nn.Module, args: Any) -> None:
        seen["enters"] = args[0][:, 0]

    def written(_module: nn.Module, _args: object, output: Tensor) -> None:
        seen["written"] = output[:, 0]

    def looks(layer: int) -> Callable[..., None]:
        def hook(_module: nn.Module, _args: object, output: tuple[Tensor, Tensor]) -> None:
            seen[LOOKS.format(layer)] = (output[1][rows, :, 0] * on_modifier).sum(-1)

        return hook

    layers: Any = encoder.roberta.encoder.layer
    own = encoder.layers[: CULTURE_LAYER + 1]
    handles = [
        layers[CULTURE_LAYER].register_forward_pre_hook(enters),
        own[-1].attention_output.register_forward_hook(written),
        *(layer.attention.register_forward_hook(looks(layer.index)) for layer in own),
    ]
    try:
        seen["condition"] = encoder(tokens)["prompt_embeds"].flatten(1)
    finally:
        for handle in handles:
            handle.remove()
    return seen


def _left(found: Tensor, wanted: Tensor) -> Tensor:
    """The share of the variance that is left unexplained."""
    return (found - wanted).square().sum() / (wanted - wanted.mean(0)).square().sum()
