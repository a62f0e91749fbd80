"""Every block's tasks, from the pictures that were made and real ones with a known answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from culturebench.artifacts.study_tasks import GOLD, ITEM, NONE, REPEAT, UNCERTAIN, UNKNOWN
from culturebench.images.decode import decode
from culturebench.study import show
from culturebench.study.blocks import pools, square
from culturebench.study.draws import StudyError, digest, shuffled

if TYPE_CHECKING:
    from culturebench.artifacts.study_tasks import TaskRow
    from culturebench.params.study import StudyPlan

RATINGS = ("1", "2", "3", "4", "5")
#: Pictures of the target in a grid with a known answer.
_OF_TARGET = 2


@dataclass(frozen=True)
class Material:
    """What can be shown: generated pictures by (condition, prompt id, seed) and real ones of each region by their id.

    `prompts` are the ids of each region; a prompt without a picture under every condition is none. Pictures are bytes.
    """

    regions: Sequence[str]
    prompts: Mapping[str, Sequence[str]]
    generated: Mapping[tuple[str, str, int], bytes]
    real: Mapping[str, Mapping[str, bytes]]
    size: tuple[int, int]  # pixels of a generated picture


@dataclass(frozen=True)
class _Task:
    """A task before it has its place."""

    kind: str
    role: str
    prompt_id: str
    region: str
    seed: int
    conditions: tuple[str, ...]
    shown: tuple[str, ...]
    real: tuple[str, ...]
    images: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True)
class Planned:
    """The rows of `study_tasks`, the pictures by their sha256, and how many drawn prompts fit into no group."""

    tasks: Sequence[TaskRow]
    pictures: Mapping[str, bytes]
    left_out: int


def plan_tasks(plan: StudyPlan, material: Material) -> Planned:
    """Plan every block. Raises `StudyError` where there are too few prompts or real pictures."""
    drawn = square(
        pools(material.prompts, plan.prompts_per_region.model_dump(), plan.salt),
        len(plan.conditions),
        plan.groups,
        plan.salt,
    )
    seeds = {name: plan.seeds[i % len(plan.seeds)] for i, name in enumerate(sorted(_all(drawn.groups)))}
    region = {name: code for code, names in material.prompts.items() for name in names}
    tasks: list[TaskRow] = []
    pictures: dict[str, bytes] = {}
    for number in range(plan.blocks):
        group, shift = divmod(number, len(plan.conditions))
        block, order = f"{number + 1:02d}", 0
        real = _Real(material, plan, block)
        for kind, names in drawn.groups[group].items():
            items = [
                _item(plan, material, kind, block, name, region[name], seeds[name], place)
                for place, name in enumerate(names, start=shift)
            ]
            gold = [real.task(kind) for _ in range(plan.gold)]
            for task in _ordered([*items, *gold], plan.repeats, (plan.salt, block, kind)):
                tasks.append(_row(plan, material, task, block, order, pictures))
                order += 1
    return Planned(tasks, pictures, drawn.left_out)


def _all(groups: Sequence[Mapping[str, Sequence[str]]]) -> Iterator[str]:
    return (name for group in groups for names in group.values() for name in names)


def _item(
    plan: StudyPlan, material: Material, kind: str, block: str, prompt: str, region: str, seed: int, place: int
) -> _Task:
    """A prompt's task: the picture of the condition whose turn it is, or with mcc all in the block's own order."""
    names = (plan.conditions[place % len(plan.conditions)],)
    if kind == "mcc":
        names = tuple(shuffled(plan.conditions, plan.salt, block, prompt))
    images = tuple(material.generated[name, prompt, seed] for name in names)
    none = ("",) * len(names)
    return _Task(kind, ITEM, prompt, region, seed, names, none, none, images)


class _Real:
    """Tasks with a known answer for one block; no real picture comes twice as long as there are others."""

    def __init__(self, material: Material, plan: StudyPlan, block: str) -> None:
        self._material, self._plan, self._block = material, plan, block
        self._count = 0
        self._used: dict[str, int] = {}

    def task(self, kind: str) -> _Task:
        """A picture of the region with scc, of another one with csr, some of both with mcc."""
        self._count += 1
        codes = shuffled((code for code in self._material.regions if self._material.real.get(code)), *self._key())
        if len(codes) < 2:
            raise StudyError(
                "params.yaml: study.gold: tasks with a known answer need real test pictures of two regions or more, "
                "each kept by two experts or more; there are none; set study.gold to 0"
            )
        target, *others = codes
        if kind == "scc":
            shown = [target]
        elif kind == "csr":
            shown = others[:1]
        else:
            places = len(self._plan.conditions)
            own = min(_OF_TARGET, places - 1, len(self._material.real[target]))
            wrong = [others[i % len(others)] for i in range(places - own)]
            shown = shuffled((f"{i}/{code}" for i, code in enumerate([target] * own + wrong)), *self._key(), "grid")
            shown = [name.partition("/")[2] for name in shown]
        names = [self._next(code) for code in shown]
        images = tuple(self._material.real[code][name] for code, name in zip(shown, names, strict=True))
        return _Task(kind, GOLD, names[0], target, 0, ("",) * len(shown), tuple(shown), tuple(names), images)

    def _key(self) -> tuple[object, ...]:
        return self._plan.salt, self._block, "gold", self._count

    def _next(self, code: str) -> str:
        """The region's picture that this block has shown least."""
        names = shuffled(self._material.real[code], self._plan.salt, self._block, "real")
        name = min(names, key=lambda one: self._used.get(one, 0))
        self._used[name] = self._used.get(name, 0) + 1
        return name


def _ordered(tasks: Sequence[_Task], repeats: int, key: tuple[object, ...]) -> list[_Task]:
    """The tasks in the order of the block, its first items once more in the later part."""
    by_name = {f"{task.role}/{task.prompt_id}/{i}": task for i, task in enumerate(tasks)}
    order = [by_name[name] for name in shuffled(by_name, *key, "order")]
    chosen = [place for place, task in enumerate(order) if task.role == ITEM][:repeats]
    cut = max([(len(order) + 1) // 2, *(place + 1 for place in chosen)])
    again = [replace(order[place], role=REPEAT) for place in chosen]
    late = sorted([*order[cut:], *again], key=lambda task: digest(*key, "late", task.role, task.prompt_id, task.region))
    return [*order[:cut], *late]


def _row(
    plan: StudyPlan, material: Material, task: _Task, block: str, order: int, pictures: dict[str, bytes]
) -> TaskRow:
    """The task at its place; its picture goes to `pictures`."""
    mcc = task.kind == "mcc"
    images = [decode(image) for image in task.images]
    image = show.grid(images, material.size) if mcc else show.single(images[0], material.size)
    picture = show.name_of(image)
    pictures[picture] = image
    number = digest(plan.salt, block, order, task.kind, task.role, task.prompt_id, task.region, picture)
    if task.kind == "scc":
        options = [*shuffled(material.regions, plan.salt, number), UNCERTAIN]
    else:
        options = [*show.LETTERS[: len(task.images)], NONE] if mcc else [*RATINGS, UNKNOWN]
    return {
        "block": block, "order": order, "task_id": number, "kind": task.kind, "role": task.role,
        "prompt_id": task.prompt_id, "region": task.region, "seed": task.seed, "conditions": list(task.conditions),
        "shown": list(task.shown), "real": list(task.real), "options": options, "picture": picture,
    }  # fmt: skip
