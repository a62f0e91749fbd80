"""Train one adapter of a model's denoiser on a region's train pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from safetensors.torch import save
from torch import Tensor

from culturebench.artifacts import adapter as adapters, labels, pins, splits, towers
from culturebench.artifacts.splits import SplitRow
from culturebench.errors import CultureBenchError
from culturebench.interventions.adapters import concepts, files
from culturebench.interventions.adapters.cultural_loss import Projection, bound
from culturebench.interventions.adapters.distil import Distilled, distil
from culturebench.interventions.adapters.gating import Gate, GateShape
from culturebench.interventions.adapters.lora import Lora
from culturebench.interventions.adapters.sites import find_sites
from culturebench.interventions.adapters.space import Space, open_space
from culturebench.interventions.adapters.training import AdapterTraining, Cultural, Lessons
from culturebench.interventions.checkpoints import Checkpoints
from culturebench.interventions.training import Pair
from culturebench.numerics import kind
from culturebench.params import choose
from culturebench.params.adapters import ALL_REGIONS, Adapter, Adapters
from culturebench.params.models import Models
from culturebench.params.regions import Regions
from culturebench.params.sampler import Sampler
from culturebench.params.train_adapter import TrainAdapter
from culturebench.pins import pin_path, verified_folder
from culturebench.png import from_png
from culturebench.stage import Paths, Stage, store_url
from culturebench.store import Store
from culturebench.text_to_image.denoising import Denoising, denoising_of
from culturebench.text_to_image.runtime import kind_of
from culturebench.text_to_image.systems import identity_of, load_pinned, load_towers

#: Code of ours that decides what a training gives, beside the system's.
CODE = (
    *(f"interventions/adapters/{name}.py" for name in (
        "concepts", "cultural_loss", "distil", "gating", "lora", "sites", "space", "training",
    )),
    *("interventions/checkpoints.py", "interventions/references.py", "interventions/training.py"),
    *("measures/clip.py", "atlas/alignment.py"),
    *("text_to_image/denoising.py", "text_to_image/noise.py", "text_to_image/pipeline_denoising.py"),
)  # fmt: skip
COLUMNS = ("picture_id", "region", "subdivision", "noun", "noun_en", "cultural", "cultural_en", "image")
#: Of other regions' pictures, what an adapter that preserves is held to.
KEPT = ("noun", "cultural")


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    adapters: Adapters
    models: Models
    regions: Regions
    sampler: Sampler
    train_adapter: TrainAdapter


@dataclass(frozen=True)
class Given:
    """What loss and gates are given: nothing for a standard LoRA."""

    texts: Sequence[str] = ()
    vectors: Tensor | None = None
    cultural: Cultural | None = None
    bound: float | None = None
    distilled: Distilled | None = None


def run(params: Params, inputs: Paths, outputs: Paths, *, model: str, adapter: str) -> None:
    """Train, and write the weights with the history of the training."""
    numbers, one, chosen = params.train_adapter, choose(params.adapters, adapter), choose(params.models, model)
    if one.region not in (ALL_REGIONS, *params.regions):
        raise CultureBenchError(
            f"adapters.{adapter}.region is {one.region!r}; there are: {', '.join([*params.regions, ALL_REGIONS])}"
        )
    rows = splits.TABLE.load_all(inputs["train"], params.regions, COLUMNS)
    lessons = lessons_of(one, adapter, rows, numbers.log_pairs)
    encoders = load_towers(inputs["towers"])
    system: Any = load_pinned(chosen, encoders, inputs["system"], params.sampler.steps)
    task = denoising_of(system)
    given = _given(params, inputs, one, rows, task)
    sites = find_sites(task.denoiser, numbers.targets)
    gate = None
    if one.gated:
        assert given.vectors is not None
        gate = Gate(sites, given.vectors, numbers.rank, GateShape(**numbers.gate.model_dump()), numbers.seed)
    lora = Lora(sites, numbers.rank, numbers.alpha, gate, numbers.seed)
    identity: dict[str, Any] = {
        "system": identity_of(chosen, encoders, inputs["system"], params.sampler.steps, CODE),
        "adapter": one.model_dump(mode="json"),
        "pairs": _digest([*lessons.own, *lessons.kept]),
        "concepts": _vectors_digest(given.vectors),
        "processor": kind(),
        "numbers": numbers.model_dump(mode="json", exclude={"checkpoint_every"}),
    }
    store = Store(store_url())
    checkpoints = Checkpoints(store, identity, numbers.checkpoint_every, numbers.steps, "adapter_training")
    training = AdapterTraining(task, lora, lessons, numbers, given.cultural, checkpoints)
    parameters = sum(weight.numel() for weight in lora.parameters())
    entries = training.train()
    name = "unet" if hasattr(task.denoiser, "down_blocks") else "transformer"
    files.save(lora, outputs["adapter"], denoiser=name)
    adapters.save_history(
        outputs["adapter"],
        {
            "made_on": kind_of(lora.up[0].device),
            "kind": one.kind,
            "region": one.region,
            "caption": one.caption,
            "pairs": len(lessons.own),
            "kept": len(lessons.kept),
            "parameters": parameters,
            "concepts": list(given.texts),
            "bound": given.bound,
            "distilled": given.distilled.cosine if given.distilled else None,
            "entries": entries,
        },
    )


def lessons_of(one: Adapter, name: str, rows: Sequence[SplitRow], least: int) -> Lessons:
    """The region's pictures under the adapter's caption; where it preserves, others' under theirs.

    `CultureBenchError` where there are fewer than `least` of the region's.
    """
    own = [
        Pair(told["text"], row["image"])
        for row in rows
        if one.region in (ALL_REGIONS, row["region"]) and (told := row[one.caption])
    ]
    if len(own) < least:
        raise CultureBenchError(
            f"adapters.{name}: the train split of {one.region} holds {len(own)} pictures with the caption "
            f"{one.caption}, train_adapter.log_pairs asks for {least}; collect more, or take another caption"
        )
    kept = [
        Pair(told["text"], row["image"])
        for row in (rows if one.preserve else ())
        for caption in KEPT
        if row["region"] != one.region and (told := row[caption])
    ]
    return Lessons(own, kept, one.preserve)


def _given(params: Params, inputs: Paths, one: Adapter, rows: Sequence[SplitRow], task: Denoising) -> Given:
    if not (one.gated or one.cultural):
        return Given()
    numbers, seed = params.train_adapter, params.train_adapter.seed
    watched = task.pixels([from_png(rows[0]["image"])])
    space = open_space(verified_folder(pin_path(inputs["pins"], numbers.space)), watched.device)
    codes = list(params.regions) if one.region == ALL_REGIONS else [one.region]
    if one.concepts == "other_region":
        codes = [concepts.other_than(one.region, list(params.regions), seed)]
    named = {code: labels.load(inputs["labels"] / f"{code}.json")[code] for code in codes}
    texts = [text for code in codes for text in concepts.texts_of(code, numbers.concepts, named, rows)]
    vectors = concepts.vectors_of(space, texts, meaningless=one.concepts == "random", seed=seed)
    if not one.cultural:
        return Given(texts, vectors)
    lowest = bound(vectors, numbers.csl.temperature)
    cultural, distilled = _cultural(one, numbers, space, vectors, task, rows, watched)
    return Given(texts, vectors, cultural, lowest, distilled)


def _cultural(
    one: Adapter,
    numbers: TrainAdapter,
    space: Space,
    vectors: Tensor,
    task: Denoising,
    rows: Sequence[SplitRow],
    watched: Tensor,
) -> tuple[Cultural, Distilled | None]:
    """How the loss sees estimated latents."""
    if one.projection == "decoded":
        return Cultural(vectors, lambda latents: space.embed_pixels(task.decode(latents))), None
    if one.projection == "distilled":
        found = distil(task, space, [row["image"] for row in rows], numbers.csl.pool, numbers.seed)
        return Cultural(vectors, found.projection), found
    shape = task.latents(watched).shape[1:]
    learned = Projection(shape, numbers.csl.pool, vectors.shape[1], numbers.seed)
    return Cultural(vectors, learned, learned), None


def _vectors_digest(vectors: Tensor | None) -> str:
    return "" if vectors is None else hashlib.sha256(save({"vectors": vectors.contiguous()})).hexdigest()


def _digest(pairs: Sequence[Pair]) -> str:
    whole = hashlib.sha256()
    for pair in pairs:
        whole.update(hashlib.sha256(pair.prompt.encode()).digest() + hashlib.sha256(pair.image).digest())
    return whole.hexdigest()


def aside(params: Params, inputs: Paths, outputs: Paths, *, model: str, adapter: str) -> None:
    """No adapter."""
    outputs["adapter"].mkdir(exist_ok=True)


STAGE = Stage(
    name="train_adapter",
    run=run,
    aside=aside,
    identities=("model", "adapter"),
    params=Params,
    inputs={
        "system": pins.SYSTEM,
        "towers": towers.PATH,
        "pins": pins.DIRECTORY,
        "labels": labels.DIRECTORY,
        "train": splits.TRAIN,
    },
    outputs={"adapter": adapters.PATH},
)

if __name__ == "__main__":
    STAGE.main()
