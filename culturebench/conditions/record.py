"""What is known of a condition, of what it does to a system, and of the controls that it stands beside.

No module here imports another one of ours but the errors: params are checked, pictures made, compared and shown by
these records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, Literal

from culturebench.errors import CultureBenchError

Caption = Literal["noun", "noun_en", "cultural", "prompted", "prompted_en"]
Part = Literal["neurons", "enhancer", "direction"]
Direction = Literal["raises", "lowers"]

#: The captions that a prompt can be, as the headings of the report's first chart speak of them.
CAPTIONS: Final[Mapping[str, str]] = {
    "noun": "the noun",
    "noun_en": "English",
    "cultural": "the cultural caption",
    "prompted": "the noun with the region's modifier",
    "prompted_en": "the English noun with the region's modifier",
}
_HEADINGS: Final = {"raises": "Bringing it back", "lowers": "Taking it away"}
_STAGES: Final[Mapping[str, str]] = {
    "neurons": "generate_edited",
    "enhancer": "generate_enhanced",
    "direction": "generate_edited",
}


class ConditionError(CultureBenchError):
    """A condition that does not exist, or a record that is not whole."""


@dataclass(frozen=True)
class Edit:
    """Something that can be done to a system, whatever the prompt."""

    name: str
    label: str
    done: str  # what is done to neurons, to end a sentence: "scaled up"
    part: Part  # the culture neurons are edited, a trained enhancer is attached, or a mean difference is added
    direction: Direction  # what it is meant to do to the culture in a picture
    home: str  # the condition on whose prompts its strength is tuned and its controls are compared with it
    tuned: bool = False  # whether it has a strength, chosen by tune_strength on a grid of params of the edit's name
    site: str = ""  # where its enhancer is trained


@dataclass(frozen=True)
class Control:
    """Something else in the place of what a condition does: it answers one question about the condition's effect."""

    name: str
    label: str  # before the label of the condition
    explained: str  # `{done}` becomes what the edit does
    parts: tuple[Part, ...]  # of edits that it can stand beside
    question: str  # that it answers
    site: str = ""  # where its enhancer is trained, if it is one
    null: bool = True  # whether it could explain the effect; the strongest of these stands in the report's first lines


@dataclass(frozen=True)
class Condition:
    """One condition: what its pictures are made from, what is done, and what they are compared with.

    A control is a condition too: `control` is its kind, and `control_names` of the condition that it controls name it.
    """

    name: str
    label: str
    explained: str
    caption: Caption  # the caption that is its prompt
    reference: str  # the condition that lacks only what this one adds; "" for the first of all
    edit: Edit | None = None
    controls: tuple[Control, ...] = ()
    baselines: tuple[str, ...] = ()  # conditions that a user could take instead, and that it should beat
    control: Control | None = None
    subject: str = ""  # of the report's sentence about its effect
    confusion: bool = False  # whether the report shows which region was taken for which
    few_layers: bool = False  # a few layers are edited, in all as strongly as the marked one alone would be

    @property
    def stage(self) -> str:
        """The stage that makes its pictures."""
        return _STAGES[self.edit.part] if self.edit else "generate"

    @property
    def site(self) -> str:
        """Where the enhancer that it needs is trained; "" without one."""
        return (self.control.site if self.control else "") or (self.edit.site if self.edit else "")

    @property
    def heading(self) -> str:
        """Under which the report's first chart has it."""
        if self.edit is None:
            return "From the prompt alone"
        return f"{_HEADINGS[self.edit.direction]}, from {CAPTIONS[self.caption]}"

    @property
    def lowers(self) -> bool:
        """Whether it is meant to take culture away."""
        return self.edit is not None and self.edit.direction == "lowers"

    @property
    def control_names(self) -> tuple[str, ...]:
        """The conditions that control this one."""
        return tuple(name_of(control, self.name) for control in self.controls)


def name_of(control: Control, base: str) -> str:
    """How the control of a condition is called. Names are made so, and never taken apart again."""
    return f"{control.name}_{base}"


def with_controls(written: Sequence[Condition]) -> tuple[Condition, ...]:
    """The records with those of their controls, each behind the condition that it controls."""
    found: list[Condition] = []
    for one in written:
        found += [one, *(_controlling(one, control) for control in one.controls)]
    return tuple(found)


def _controlling(base: Condition, control: Control) -> Condition:
    edit = base.edit
    if edit is None or edit.part not in control.parts:
        parts = " or ".join(control.parts)
        raise ConditionError(f"condition {base.name!r}: {control.name!r} controls what is done to {parts}")
    return Condition(
        name=name_of(control, base.name),
        label=f"{control.label} {base.label[:1].lower()}{base.label[1:]}",
        explained=control.explained.format(done=edit.done),
        caption=base.caption,
        reference=base.reference,
        edit=edit,
        control=control,
        few_layers=base.few_layers,
    )


def check(conditions: Sequence[Condition], edits: Sequence[Edit]) -> None:
    """`ConditionError` naming the first record that is not whole, or that does not fit the others."""
    names = [one.name for one in conditions]
    for name in names:
        if names.count(name) > 1:
            raise ConditionError(f"two records are called {name!r}; every condition has a name of its own")
    for edit in edits:
        _check_filled(edit, f"edit {edit.name!r}", optional={"site"})
        if edit.home not in names:
            raise ConditionError(f"edit {edit.name!r}: its home {edit.home!r} is no condition")
        if (edit.part == "enhancer") != bool(edit.site):
            raise ConditionError(f"edit {edit.name!r}: an enhancer, and nothing else, is trained at a `site`")
    for one in conditions:
        _check_one(one, names, edits)


def _check_one(one: Condition, names: Sequence[str], edits: Sequence[Edit]) -> None:
    about = f"condition {one.name!r}"
    _check_filled(one, about, optional={"reference", "subject"})
    if one.caption not in CAPTIONS:
        raise ConditionError(f"{about}: its caption is {one.caption!r}; there are: {', '.join(CAPTIONS)}")
    if one.reference and one.reference not in names:
        raise ConditionError(f"{about}: it is compared with {one.reference!r}, which is no condition")
    for name in one.baselines:
        if name not in names:
            raise ConditionError(f"{about}: its baseline {name!r} is no condition")
    if one.edit is None:
        return
    if one.edit not in edits:
        raise ConditionError(f"{about}: its edit {one.edit.name!r} is not among EDITS")
    if not one.reference:
        raise ConditionError(f"{about}: an edited condition needs a `reference`, its prompt without the edit")
    if one.few_layers and one.edit.part != "direction":
        raise ConditionError(f"{about}: a mean difference alone is measured at a few layers; neurons need autoencoders")
    if one.control is None and not one.subject:
        raise ConditionError(f"{about}: `subject` is missing, of the report's sentence about its effect")
    if one.control is None and not one.controls:
        raise ConditionError(f"{about}: `controls` is empty; an effect stands beside the null that could explain it")


def _check_filled(record: Condition | Edit, about: str, optional: set[str]) -> None:
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, str) and not value.strip() and field.name not in optional:
            raise ConditionError(f"{about}: `{field.name}` is empty; fill it in")
