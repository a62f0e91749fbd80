"""The base of every params section, and the errors that name a key, its value and what is allowed."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, RootModel, ValidationError
from pydantic_core import ErrorDetails

from culturebench.errors import CultureBenchError

PARAMS_FILE = Path("params.yaml")
#: The type of the error of an encoder's own value; its message says all, from the key on.
OF_ENCODER = "of_encoder"
#: Keys that had another name once, and their names now; `*` is any entry of a section.
RENAMED = {
    "collect.minimum_ok": "min_ok",
    "collect.web.longest_wait": "max_wait",
    "caption.longest": "max_length",
    "caption.minimum_answered": "min_answered",
    "caption.openai.longest_wait": "max_wait",
    "judges.*.longest_wait": "max_wait",
    "probe_layers.samples": "resamples",
    "probe_layers.coverage": "level",
    "probe_layers.error": "alpha",
    "probe_layers.least_excess": "min_excess",
    "probe_layers.least_pairs": "min_pairs",
    "check_layers.most_pairs": "max_pairs",
    "check_layers.least_excess": "min_excess",
    "train_sae.most_prompts": "max_prompts",
    "train_sae.keep_every": "checkpoint_every",
    "select_neurons.least": "min_k",
    "select_neurons.most": "max_k",
    "select_neurons.least_prompts": "min_prompts",
    "tune_strength.samples": "resamples",
    "compare_selectors.samples": "resamples",
    "compare_selectors.most_regions": "max_regions",
    "judge_reliability.samples": "resamples",
    "evaluate.samples": "resamples",
}

#: Keys that decide nothing any more, and what does.
GONE = {
    "probe_layers.noun_reference": "is no choice any more: neutral_modifier decides, the other references are drawn "
    "beside it; remove the key",
}


class ParamsError(CultureBenchError):
    """A value in `params.yaml` or a region file that cannot be used."""


class Section(BaseModel):
    """One section of `params.yaml`; `section` is its key. Frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    section: ClassVar[str]
    #: False for a section that says where or how fast: no stage becomes stale when it changes.
    decides_bytes: ClassVar[bool] = True


T = TypeVar("T", bound=BaseModel)
V = TypeVar("V")


def load_document(path: Path = PARAMS_FILE) -> dict[str, Any]:
    """The parsed file; `ParamsError` when it is missing or no mapping."""
    return _read_mapping(path)


def load_section(model: type[T], document: dict[str, Any], file: Path = PARAMS_FILE) -> T:
    """The section validated by `model`; `ParamsError` lists every wrong key with its value."""
    section = _key(model)
    if section not in document:
        raise ParamsError(f"{file}: the section `{section}` is missing; add it")
    try:
        return model.model_validate(document[section])
    except ValidationError as error:
        raise ParamsError(_explain(error, section, file)) from None


def choose(section: RootModel[dict[str, V]], name: str) -> V:
    """The entry `name` of a section that maps names; `ParamsError` lists the names there are."""
    if name not in section.root:
        key = _key(type(section))
        raise ParamsError(f"{PARAMS_FILE} has no {key}.{name}; {key} has: {', '.join(section.root)}")
    return section.root[name]


def _key(section: type[BaseModel]) -> str:
    """The key of a `Section`, or of a `RootModel` that names it in the same way."""
    key: Any = vars(section)["section"]
    return key


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping: YAML would take the last and say nothing."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem=f"the key `{key.value}` stands twice", problem_mark=key.start_mark)
            seen |= {key.value} if isinstance(key, yaml.ScalarNode) else set()
        return super().construct_mapping(node, deep=deep)


def _read_mapping(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError:
        raise ParamsError(f"{path} is missing; run from the project's root") from None
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except yaml.YAMLError as error:
        raise ParamsError(f"{path} is not valid YAML: {error}") from None
    except RecursionError:
        raise ParamsError(f"{path} is not valid YAML: it is nested too deeply") from None
    if not isinstance(content, dict):
        raise ParamsError(f"{path}: expected a mapping, got {type(content).__name__}")
    return content


def new_name(key: str) -> str | None:
    """What an old dotted key is called now; None for a key that never had another name."""
    return next((new for old, new in RENAMED.items() if fnmatchcase(key, old)), None)


def told(key: str, wrong: ErrorDetails, general: str = "") -> str:
    """One sentence on what is wrong with the value at a dotted key; of an encoder's own, `general` is the section's."""
    if wrong["type"] == "extra_forbidden":
        if reason := gone(general or key):
            return f"{key} {reason}"
        new = new_name(general or key)
        return f"{key} is called {new} now; rename it" if new else f"{key}: unknown key; remove it"
    reason = wrong["msg"].removeprefix("Value error, ")
    # a reason that speaks of several keys names them, and would drown in all the values around them
    several = wrong["type"] == "value_error" and isinstance(wrong["input"], dict)
    got = "" if several or wrong["type"] == "missing" else f" (got {wrong['input']!r})"
    return f"{key}: {reason}{got}"


def gone(key: str) -> str | None:
    """What decides instead of a dotted key that was taken out; None for any other key."""
    return next((told for old, told in GONE.items() if fnmatchcase(key, old)), None)


def _explain(error: ValidationError, section: str, file: Path) -> str:
    lines: dict[str, str] = {}
    renamed: set[str] = set()
    for item in error.errors():
        key = ".".join([section, *(str(part) for part in item["loc"])])
        lines[key] = item["msg"] if item["type"] == OF_ENCODER else told(key, item)
        if item["type"] == "extra_forbidden" and (new := new_name(key)):
            renamed.add(f"{key.rpartition('.')[0]}.{new}")
    # The new name of a key that stands there under its old one is not missing.
    return f"{file}: " + "; ".join(line for key, line in lines.items() if key not in renamed)
