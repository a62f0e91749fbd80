"""From an annotation as the server tells it to a decision or a caption: every field is checked here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from culturebench.annotation.choices import Choice
from culturebench.annotation.decisions import Decision
from culturebench.annotation.matches import Match
from culturebench.captions.spans import ROLES, CaptionError, CaptionRow, modifier_span, noun_span, parse_caption

#: Characters of a caption at most; more is no caption.
MAX_LENGTH = 600
Row = dict[str, Any]


class WrongAnswer(Exception):
    """An annotation that cannot be used; the message says why."""


@dataclass(frozen=True)
class Form:
    """What the answers of one region may be."""

    subdivisions: Collection[str]
    categories: Collection[str]
    language: str


#: What the form asks under the other verdict alone: a choice from before a change of mind stays in the answer, unseen.
_HIDDEN = {"reject": "subdivision", "keep": "reason"}


def picture_row(form: Form, picture_id: str, annotator: str, result: Any, data: Mapping[str, Any]) -> Row:
    """A line of `annotations/decisions/`; `WrongAnswer` for anything that the form does not offer."""
    del data
    fields = fields_of(result, {"verdict": "choices", "reason": "choices", "subdivision": "choices",
                              "category": "choices", "confidence": "rating"})  # fmt: skip
    answers = {name: _choice(name, values) for name, values in fields.items() if name != "confidence"}
    for name, allowed in (("subdivision", form.subdivisions), ("category", form.categories)):
        if answers.get(name, "") not in {"", *allowed}:
            raise WrongAnswer(f"{name} {answers[name]!r} is not one of {', '.join(allowed)}")
    answers.pop(_HIDDEN.get(answers.get("verdict", ""), ""), None)
    row: Row = {
        "picture_id": picture_id,
        "annotator": annotator,
        "verdict": answers.get("verdict", ""),
        "reason": answers.get("reason", ""),
        "subdivision": answers.get("subdivision", ""),
        "category": answers.get("category", ""),
        "confidence": _rating(fields.get("confidence", [])),
    }
    try:
        Decision.model_validate(row, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        raise WrongAnswer(f"{'.'.join(map(str, first['loc']))} {first['msg']}".strip()) from None
    return row


def question_row(picture_id: str, annotator: str, result: Any, data: Mapping[str, Any]) -> Row:
    """A line of `annotations/answers.jsonl`: which of the regions that the task showed was chosen."""
    return _chosen(Choice, {"picture_id": picture_id, "annotator": annotator}, result, data)


def match_row(question_id: str, annotator: str, result: Any, data: Mapping[str, Any]) -> Row:
    """A line of `annotations/matches.jsonl`: which of the pictures that the task showed was chosen."""
    about: Row = {"question_id": question_id, "annotator": annotator, "region": data.get("region")}
    return _chosen(Match, about, result, data)


def _chosen(model: type[BaseModel], about: Row, result: Any, data: Mapping[str, Any]) -> Row:
    """`about` with the answer and the options of a task that shows names for `codes`; `WrongAnswer` for another one."""
    chosen = _choice("answer", fields_of(result, {"answer": "choices"}).get("answer", []))
    codes, options = str(data.get("codes", "")).split(","), data.get("options")
    names = [option.get("value") for option in options if isinstance(option, dict)] if isinstance(options, list) else []
    if len(names) != len(codes) or chosen not in names:
        raise WrongAnswer(f"answer {chosen!r} is not one of what the task showed: {', '.join(map(str, names))}")
    row = about | {"answer": codes[names.index(chosen)], "options": codes}
    try:
        model.model_validate(row, strict=True)
    except ValidationError as error:
        raise WrongAnswer(error.errors()[0]["msg"]) from None
    return row


_CAPTION_FIELDS = {
    "marks": "labels",
    "audit": "choices",
    **dict.fromkeys(
        ("new_cultural", "new_cultural_en", "new_cultural_noun", "new_cultural_modifier", "noun", "noun_en",
         "noun_noun"), "textarea",
    ),
}  # fmt: skip


def caption_row(form: Form, picture_id: str, annotator: str, result: Any, data: Mapping[str, Any]) -> Row:
    """A line of `annotations/captions/`: the audit, the audited or new cultural caption, and the noun caption.

    Marks count in the text that the task showed, `data["cultural"]`; words must occur exactly once in
    the caption that they belong to.
    """
    fields = fields_of(result, _CAPTION_FIELDS)
    texts = {name: _text(name, values) for name, values in fields.items() if _CAPTION_FIELDS[name] == "textarea"}
    audit = _choice("audit", fields.get("audit", []))
    row: Row = {"picture_id": picture_id, "annotator": annotator}
    if audit == "stereotype":
        said = {"audit": audit} if data.get("cultural") else {}
        return row | {"verdict": "reject", "reason": "stereotype", **said}
    if audit not in ("correct", "edit"):
        raise WrongAnswer(f"audit {audit!r} is not one of correct, edit, stereotype")
    captions = _audited(fields.get("marks", []), data) if audit == "correct" else _written(texts)
    captions |= {"noun": _given(texts.get("noun"), noun=texts.get("noun_noun"))}
    captions |= {"noun_en": _given(texts.get("noun_en"))}
    if data.get("cultural"):  # where none was shown, the caption is the expert's own and audits nothing
        row["audit"] = audit
    for role in ROLES:
        if value := captions.get(role):
            row[role] = _checked(role, value, form.language)
    return row


def _audited(marks: list[Any], data: Mapping[str, Any]) -> Row:
    """The captions that the task showed, with the marks made in the cultural one."""
    shown = data.get("cultural")
    if not isinstance(shown, str) or not shown:
        raise WrongAnswer("the audit says correct, but the task showed no cultural caption")
    spans = {name: _span(name, marks, shown) for name in ("noun", "modifier")}
    return {"cultural": _given(shown, **spans), "cultural_en": _given(data.get("cultural_en"))}


def _written(texts: Mapping[str, str]) -> Row:
    if not texts.get("new_cultural"):
        raise WrongAnswer("the audit says edit, but no cultural caption was written")
    cultural = _given(
        texts["new_cultural"], noun=texts.get("new_cultural_noun"), modifier=texts.get("new_cultural_modifier")
    )
    return {"cultural": cultural, "cultural_en": _given(texts.get("new_cultural_en"))}


def _given(text: Any, **spans: Any) -> Row | None:
    if not text:
        if any(spans.values()):
            raise WrongAnswer(f"words of a caption that was not written: {spans}")
        return None
    return {"text": text, **{name: span for name, span in spans.items() if span}}


def _checked(role: str, value: Row, language: str) -> Row:
    """The caption in the shape of the file: a text in NFC with spans in characters."""
    try:
        parsed: CaptionRow = parse_caption(value, "en" if role.endswith("_en") else language)
    except CaptionError as error:
        raise WrongAnswer(f"{role}: {error}") from None
    checked: Row = {"text": parsed["text"]}
    for name, span in (("noun", noun_span(parsed)), ("modifier", modifier_span(parsed))):
        if span:
            checked[name] = list(span)
    return checked


def fields_of(result: Any, kinds: Mapping[str, str]) -> dict[str, list[Any]]:
    """Control -> the values of its answers; the server itself does not compare them with the form.

    A relation is a line that the page lets one draw between two marks: it answers nothing.
    """
    if not isinstance(result, list):
        raise WrongAnswer("no list of answers")
    found: dict[str, list[Any]] = {}
    for item in result:
        if isinstance(item, dict) and item.get("type") == "relation":
            continue
        name, kind, value = (item.get(k) if isinstance(item, dict) else None for k in ("from_name", "type", "value"))
        if not isinstance(name, str) or name not in kinds or kind != kinds[name] or not isinstance(value, dict):
            raise WrongAnswer(f"an answer to {name!r} of type {kind!r}, which the form does not have")
        found.setdefault(name, []).append(value)
    return found


def _choice(name: str, values: list[Any]) -> str:
    if not values:
        return ""
    chosen = chosen_of(name, values)
    if len(chosen) != 1:
        raise WrongAnswer(f"{name} must be one choice, got {values!r:.200}")
    return chosen[0]


def chosen_of(name: str, values: list[Any]) -> list[str]:
    """What was chosen in one control, at least one; `WrongAnswer` for anything else."""
    chosen: Any = values[0].get("choices") if len(values) == 1 else None
    if not isinstance(chosen, list) or not chosen or not all(isinstance(one, str) for one in chosen):
        raise WrongAnswer(f"{name} must be one choice, got {values!r:.200}")
    return chosen


def _rating(values: list[Any]) -> int:
    rating = values[0].get("rating") if len(values) == 1 else None
    if type(rating) is not int or not 1 <= rating <= 5:
        raise WrongAnswer(f"confidence must be one rating of 1 to 5, got {values!r:.200}")
    return rating


def _text(name: str, values: list[Any]) -> str:
    texts = values[0].get("text") if len(values) == 1 else None
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(texts, list) or len(texts) > 1 or not all(isinstance(text, str) for text in texts):
        raise WrongAnswer(f"{name} must be one text, got {values!r:.200}")
    text = " ".join(texts[0].split()) if texts else ""
    if len(text) > MAX_LENGTH:
        raise WrongAnswer(f"{name} has {len(text)} characters; at most {MAX_LENGTH}")
    return text


def _span(name: str, marks: list[Any], text: str) -> list[int] | None:
    """The one mark with this label, in characters of `text`; its own words say how its offsets count."""
    chosen = [mark for mark in marks if mark.get("labels") == [name]]
    if not chosen:
        return None
    if len(chosen) > 1:
        raise WrongAnswer(f"{len(chosen)} marks say {name}; one is needed")
    start, end, words = (chosen[0].get(key) for key in ("start", "end", "text"))
    if type(start) is not int or type(end) is not int or not 0 <= start < end or not isinstance(words, str):
        raise WrongAnswer(f"a mark without a place: {chosen[0]!r:.200}")
    for first, last in ((start, end), (_characters(text, start), _characters(text, end))):
        if last <= len(text) and text[first:last] == words:
            blank = len(words) - len(words.lstrip())
            return [first + blank, first + blank + len(words.strip())]
    raise WrongAnswer(f"the mark {name} says {words!r}, which is not what stands at {start} to {end}")


def _characters(text: str, units: int) -> int:
    """A browser's offset (UTF-16 units) in characters."""
    return len(text.encode("utf-16-le", "surrogatepass")[: 2 * units].decode("utf-16-le", "ignore"))
