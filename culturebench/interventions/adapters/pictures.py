"""An adapter's pictures of every set of prompts, beside those without it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from culturebench.conditions.adapted import SETS, PromptSet, prompt_set
from culturebench.interventions.adapters.load import adapted
from culturebench.interventions.adapters.lora import Watch
from culturebench.text_to_image.base import Intervention, Together
from culturebench.text_to_image.pictures import make_pictures
from culturebench.text_to_image.prompts import select_prompts
from culturebench.text_to_image.sampling import CachedSampler, Painter, Shot

if TYPE_CHECKING:
    from culturebench.artifacts._adapter_size import Size
    from culturebench.artifacts.pictures import PictureRow
    from culturebench.artifacts.prompts import PromptRow
    from culturebench.artifacts.splits import SplitRow
    from culturebench.params.generate_adapted import GenerateAdapted

#: A condition's name, a prompt and a draw -> what the condition does to the encoder for them.
EncoderEdits = Callable[[str, "PromptRow", int], Intervention | None]
COLUMNS = ("picture_id", "region", "subdivision", "scene", "noun", "noun_en", "cultural", "cultural_en")


@dataclass(frozen=True)
class Sets:
    """The prompts of each set; a prompt's caption of the set stands where its noun is."""

    own: Sequence[PromptRow]
    others: Sequence[PromptRow]
    rows: dict[str, SplitRow]  # by picture id

    def of(self, chosen: PromptSet) -> list[PromptRow]:
        """The prompts of a set, without those that lack its caption."""
        some = self.own if chosen.own else self.others
        captions = [(row, self.rows[row["prompt_id"]][chosen.caption]) for row in some]
        return [cast("PromptRow", {**row, "noun": caption}) for row, caption in captions if caption]


def sets_of(rows: Sequence[SplitRow], region: str, regions: Sequence[str], numbers: GenerateAdapted) -> Sets:
    """The test prompts of an adapter of `region`; one of all regions, which has no others, gives "" for it."""
    few = numbers.others_per_region
    if not region:
        own, others = select_prompts(rows, regions, few), []
    else:
        own = select_prompts(rows, [region], numbers.prompts)
        others = select_prompts(rows, [code for code in regions if code != region], few)
    return Sets(own, others, {row["picture_id"]: row for row in rows})


def adapted_pictures(
    sampler: CachedSampler,
    folder: Path,
    prompts: Sets,
    numbers: GenerateAdapted,
    batch_size: int,
    encoder_edit: EncoderEdits,
) -> list[PictureRow]:
    """Rows of the artifact `adapted`: every set without the adapter and as trained, swept ones at every strength."""
    swept = [prompt_set(name).name for name in numbers.swept]
    done = {strength: adapted(folder, strength) for strength in numbers.strengths}
    made: list[PictureRow] = []
    for chosen in SETS:
        some = prompts.of(chosen)
        for strength in [0.0, *numbers.strengths] if some else []:
            if strength not in (0.0, 1.0) and chosen.name not in swept:
                continue
            adapter = done.get(strength)

            def both(
                row: PromptRow, draw: int, adapter: Intervention | None = adapter, name: str = chosen.edited
            ) -> Intervention | None:
                edit = encoder_edit(name, row, draw) if name else None
                return Together((edit, adapter)) if edit and adapter else edit or adapter

            made += make_pictures(
                sampler, some, "noun", numbers.seeds, batch_size, condition=chosen.name, strength=strength,
                intervene=both,
            )  # fmt: skip
    return [cast("PictureRow", {**row, "draw": 0}) for row in made]


def sizes_of(system: Any, folder: Path, prompts: Sets, numbers: GenerateAdapted) -> list[Size]:
    """How large the change is at every strength, while the first prompts' pictures are made."""
    texts = [told["text"] for row in prompts.of(SETS[0])[: numbers.measured] if (told := row["noun"])]
    found: list[Size] = []
    for strength in sorted(numbers.strengths):
        watch = Watch()
        done = adapted(folder, strength, watch)
        Painter(system)([Shot(text, numbers.seeds[0], done) for text in texts])
        found.append({"strength": strength, "size": watch.size})
    return found
