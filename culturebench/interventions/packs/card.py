"""A pack's model card: all of it is read off `config.json`."""

from __future__ import annotations

from collections.abc import Iterator

from culturebench.ethics import SENTENCES
from culturebench.evaluation.names import ALL
from culturebench.interventions.packs.config import Effect, Interval, PackConfig
from culturebench.interventions.packs.effects import EDITED

ATLAS = (
    "**These neurons are of the atlas**, a small world that CultureBench draws and trains its own model on. They say "
    "nothing about any published model."
)


def card(config: PackConfig) -> str:
    """The card as Markdown, with the front matter that hubs read."""
    return "\n".join([*_front_matter(config), *_body(config)]) + "\n"


def _front_matter(config: PackConfig) -> Iterator[str]:
    yield "---"
    yield f"license: {config.licence.lower()}"
    yield "library_name: culturebench"
    if config.made_for.pin.repo:
        yield f"base_model: {config.made_for.pin.repo}"
    yield "tags: [text-to-image, culture, sparse-autoencoder, interpretability]"
    yield "---"


def _body(config: PackConfig) -> Iterator[str]:
    made_for, pin = config.made_for, config.made_for.pin
    yield f"# Culture neurons of {made_for.name}\n"
    if config.atlas:
        yield ATLAS + "\n"
    yield (
        "Latents of a sparse autoencoder over one layer's attention output that fire on prompts which name a culture, "
        "and not on the bare noun. Scaled up, they bring a region's culture into the picture of a plain prompt; set to "
        "0, they take it away.\n"
    )
    weights = f"`{pin.repo}` at commit `{pin.commit}`" if pin.repo else f"files of sha256 `{pin.sha256}`"
    yield f"- Text encoder: {made_for.name}, {made_for.layers} layers, {made_for.width} wide; {weights}."
    yield "  Another encoder is refused, also another checkpoint of this one."
    yield f"- Layer: index {config.layer} (from 0)."
    yield (
        f"- Neurons: picked by the selector `{config.selector}` among {config.latents} latents (autoencoder of seed "
        f"{config.sae_seed}); {config.rows} rows in {config.precision}, each stored once."
    )
    yield f"- Strengths, tuned with the model {config.model}: {_strengths(config)}."
    yield f"- Licence: {config.licence}.\n"
    yield from _usage(config)
    yield from _regions(config)
    yield from _effects(config)
    yield "\n## Use and misuse\n"
    yield from (f"- {sentence}" for sentence in SENTENCES)


def _strengths(config: PackConfig) -> str:
    known = (f"{edit} {'none' if value is None else f'{value:g}'}" for edit, value in sorted(config.strengths.items()))
    return ", ".join(known) or "not tuned"


def _usage(config: PackConfig) -> Iterator[str]:
    strength = config.strengths.get("amplify") or 1.0
    region = next(iter(sorted(config.regions)))
    yield "```python"
    yield "from culturebench import amplify, load_neurons  # pip install culturebench\n"
    yield 'neurons = load_neurons("owner/name", commit="<40 hex digits>")  # or a folder with these files'
    yield f'with amplify(pipe, neurons, region="{region}", strength={strength:g}):  # a pipeline of diffusers'
    yield '    picture = pipe("...").images[0]'
    yield "```\n"
    yield "Without `region` the language of each prompt tells it.\n"


def _regions(config: PackConfig) -> Iterator[str]:
    yield "## Regions\n"
    yield "| region | country | language | neurons | fire on, mean share of cultural prompts |"
    yield "|---|---|---|---|---|"
    for code, region in sorted(config.regions.items()):
        firing = sum(region.frequencies) / len(region.frequencies)
        yield f"| {code} | {region.country} | {region.language} | {len(region.rows)} | {firing:.0%} |"
    yield ""


def _effects(config: PackConfig) -> Iterator[str]:
    yield "## Measured effect\n"
    overall = {effect.condition: effect for effect in config.effects if effect.region == ALL}
    yield (
        "Change of CultureVQA, the share of pictures in which judges see the region, on test prompts of "
        f"{config.model}, against the same prompts and noise without the edit ({config.level:.0%} intervals); beside "
        "it what its controls change, which do as much at random.\n"
    )
    yield "| edit | strength | change | controls | prompts | pictures |"
    yield "|---|---|---|---|---|---|"
    for one in EDITED:
        yield _row(f"{one.label}: {one.explained}", overall.get(one.name))
    order = [one.name for one in EDITED]
    by_region = [effect for effect in config.effects if effect.region != ALL]
    if by_region:
        yield "\n| region | edit | change | controls |"
        yield "|---|---|---|---|"
        for effect in sorted(by_region, key=lambda one: (one.region, order.index(one.condition))):
            yield f"| {effect.region} | {effect.condition} | {_interval(effect.change)} | {_controls(effect)} |"


def _row(words: str, effect: Effect | None) -> str:
    if effect is None:
        return f"| {words} | | not measured | | | |"
    strength = "" if effect.strength is None else f"{effect.strength:g}"
    change, controls = _interval(effect.change), _controls(effect)
    return f"| {words} | {strength} | {change} | {controls} | {effect.prompts} | {effect.pictures} |"


def _controls(effect: Effect) -> str:
    return "; ".join(f"{name} {_interval(found)}" for name, found in effect.controls.items()) or "not measured"


def _interval(found: Interval) -> str:
    between = "" if found.low is None or found.high is None else f" ({found.low:+.2f} to {found.high:+.2f})"
    return f"{found.value:+.2f}{between}"
