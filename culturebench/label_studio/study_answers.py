"""From a participant's annotation, as the server tells it, to a line of `annotations/study/`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from culturebench.artifacts.study_tasks import KINDS, NO, NONE, STEREOTYPE, UNKNOWN, YES
from culturebench.label_studio.answers import Row, WrongAnswer, chosen_of, fields_of


def task_row(
    min_seconds: float, task_id: str, annotator: str, annotation: Mapping[str, Any], data: Mapping[str, Any]
) -> Row:
    """What was chosen of what the task showed; of the time only whether it was less than `min_seconds`."""
    fields = fields_of(annotation.get("result"), dict.fromkeys((*KINDS, STEREOTYPE), "choices"))
    kind = next((kind for kind in KINDS if data.get(kind)), "")
    stereotype = chosen_of(STEREOTYPE, fields.pop(STEREOTYPE)) if STEREOTYPE in fields else []
    if set(fields) != {kind}:
        raise WrongAnswer(f"the task asks for {kind}; the answer is to {', '.join(fields) or 'nothing'}")
    names = [option.get("value") for option in data[kind]]
    codes = str(data.get("codes", "")).split(",")
    chosen = chosen_of(kind, fields[kind])
    if len(names) != len(codes) or not set(chosen) <= set(names) or len(set(chosen)) < len(chosen):
        raise WrongAnswer(f"{kind} {chosen!r:.200} is not of what the task showed: {', '.join(map(str, names))}")
    answer = [code for name, code in zip(names, codes, strict=True) if name in chosen]
    if len(answer) > 1 and (kind != "mcc" or NONE in answer):
        raise WrongAnswer(f"{kind} has {len(answer)} answers that exclude each other: {', '.join(answer)}")
    if stereotype and (kind != "csr" or len(stereotype) > 1 or not set(stereotype) <= {YES, NO, UNKNOWN}):
        raise WrongAnswer(f"{STEREOTYPE} {stereotype!r:.200} is no answer to a task of {kind}; csr alone asks, for one")
    seconds = annotation.get("lead_time")
    fast = isinstance(seconds, int | float) and seconds < min_seconds
    return {"task_id": task_id, "annotator": annotator, "answer": answer, "too_fast": fast,
            STEREOTYPE: "".join(stereotype)}  # fmt: skip


def consent_row(
    regions: Collection[str], task_id: str, annotator: str, annotation: Mapping[str, Any], data: Mapping[str, Any]
) -> Row:
    """Whether somebody takes part, and the codes of the regions in which they have lived."""
    del data
    fields = fields_of(annotation.get("result"), {"consents": "choices", "lived": "choices"})
    said = chosen_of("consents", fields.get("consents", []))
    lived = chosen_of("lived", fields["lived"]) if "lived" in fields else []
    if said not in (["yes"], ["no"]) or not set(lived) <= set(regions):
        raise WrongAnswer(f"consent {said!r}, lived in {lived!r:.200}: the form offers yes or no, and its regions")
    return {"task_id": task_id, "annotator": annotator, "consents": said == ["yes"], "lived": sorted(set(lived))}
