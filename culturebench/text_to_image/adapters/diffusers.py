"""Any pipeline of diffusers in the hub's layout whose text encoders are CLIP, T5, XLM-R, BERT, Qwen or Gemma.

The pipeline's own `encode_prompt` makes the conditioning, so prompt templates and padding are as it wants them; the
names of what it returns are read from its source, because pipelines agree on the names and not on the order.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffusers import DiffusionPipeline
from torch import Tensor

from culturebench.text_to_image.adapters.batches import Batches
from culturebench.text_to_image.adapters.parts import BackboneError, load_scheduler, placed, read_index
from culturebench.text_to_image.adapters.pipeline import PipelineSystem, edited_index, settings_of
from culturebench.text_to_image.base import TextEncoder
from culturebench.text_to_image.runtime import dtype_of

if TYPE_CHECKING:
    from culturebench.params.models import Model

_NONE: Mapping[str, Any] = {}  # another thread may meet a hook before it is told to give it the keywords
SLOTS = ("text_encoder", "text_encoder_2", "text_encoder_3", "text_encoder_4")


class AnyPipeline(PipelineSystem):
    """A pipeline with the pinned towers in its own slots."""

    def states(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        """What the pipeline's own `encode_prompt` makes of the prompts; the unconditional half is made elsewhere."""
        with self._towers_told():
            return _encode(self.pipe, list(prompts), as_called=True)

    @contextmanager
    def _towers_told(self) -> Generator[None]:
        """Within the block each tower knows the real tokens of what the pipeline gives it."""
        with ExitStack() as stack:
            for tower in self.towers:
                stack.callback(tower.model.register_forward_pre_hook(_teller(tower), with_kwargs=True).remove)
                stack.callback(setattr, tower, "_real", None)
            yield


def load(model: Model, towers: Sequence[TextEncoder], backbone: Path, steps: int) -> AnyPipeline:
    """The pipeline that `model_index.json` names, its text encoders replaced by the pinned towers in their order."""
    index = read_index(backbone)
    slots = [slot for slot in SLOTS if index.get(slot, [None, None])[0] is not None]
    if len(slots) != len(towers):
        raise BackboneError(
            f"{backbone} has the text encoders {', '.join(slots) or 'none'}; models.*.towers must name one for each, "
            f"not {len(towers)}"
        )
    given: dict[str, Any] = {slot: tower.model for slot, tower in zip(slots, towers, strict=True)}  # type: ignore[attr-defined]
    extras = {name: None for name in ("safety_checker", "feature_extractor") if name in index}
    try:
        pipe = DiffusionPipeline.from_pretrained(
            backbone, **given, **extras, torch_dtype=dtype_of(model.runtime), use_safetensors=True,
            local_files_only=True, low_cpu_mem_usage=False,
        )  # fmt: skip
    except (OSError, ValueError, AttributeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BackboneError(f"{backbone} cannot be loaded as {index.get('_class_name')}: {reason}") from None
    if model.scheduler:
        pipe.scheduler = load_scheduler(backbone / "scheduler", model.scheduler)
    settings, negative = _guidance(pipe, model, settings_of(model, steps))
    system = AnyPipeline(
        placed(pipe, model.runtime), list(towers), edited_index(model), lambda _states: {}, settings,
        Batches(model.runtime.batch),
    )  # fmt: skip
    if negative:
        system.negative = _negative(pipe, model.negative_prompt)
    return system


def _guidance(pipe: Any, model: Model, settings: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The call's settings, and whether it has an unconditional half."""
    accepted = inspect.signature(type(pipe).__call__).parameters
    scale = "true_cfg_scale" if "true_cfg_scale" in accepted else "guidance_scale"
    if scale == "true_cfg_scale" and accepted[scale].default <= 1:  # distilled guidance: one half
        return settings, False
    if scale != "guidance_scale" and "guidance_scale" in settings:
        settings = {**settings, scale: settings["guidance_scale"]}
        del settings["guidance_scale"]
    chosen = accepted[scale].default if model.guidance is None else model.guidance
    return settings, "negative_prompt_embeds" in accepted and chosen > 1


def _negative(pipe: Any, text: str) -> dict[str, Tensor]:
    """The unconditional half, as the pipeline itself makes it where it makes both halves at once."""
    if "do_classifier_free_guidance" not in inspect.signature(pipe.encode_prompt).parameters:
        return _encode(pipe, [text], as_called=False)
    both = _call(pipe, [""], {"do_classifier_free_guidance": True, "negative_prompt": text or None})
    return {name.removeprefix("negative_"): tensor for name, tensor in both.items() if name.startswith("negative_")}


def _encode(pipe: Any, prompts: list[str], *, as_called: bool) -> dict[str, Tensor]:
    """The conditional half as the call's own arguments; `as_called` takes over the call's defaults."""
    defaults = {name: slot.default for name, slot in inspect.signature(type(pipe).__call__).parameters.items()}
    both = _call(pipe, prompts, defaults if as_called else {})
    return {name: tensor for name, tensor in both.items() if not name.startswith("negative_")}


def _call(pipe: Any, prompts: list[str], given: dict[str, Any]) -> dict[str, Tensor]:
    """What `encode_prompt` returns and the call accepts, by name; one half unless `given` says otherwise."""
    wanted = inspect.signature(pipe.encode_prompt).parameters
    fixed = {"prompt": prompts, "device": pipe._execution_device, "num_images_per_prompt": 1}
    values = {
        **{name: slot.default for name, slot in wanted.items()},
        "do_classifier_free_guidance": False,
        **{name: value for name, value in given.items() if value is not inspect.Parameter.empty},
        **fixed,
    }
    empty = inspect.Parameter.empty
    arguments = {name: None if value is empty else value for name, value in values.items() if name in wanted}
    returned = pipe.encode_prompt(**arguments)
    named = dict(zip(_returned_names(type(pipe).encode_prompt), _as_tuple(returned), strict=True))
    accepted = inspect.signature(type(pipe).__call__).parameters
    return {name: value for name, value in named.items() if isinstance(value, Tensor) and name in accepted}


def _returned_names(function: Callable[..., Any]) -> list[str]:
    """The names that a function's last `return` lists."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    last = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)][-1]
    values = last.elts if isinstance(last, ast.Tuple) else [last]
    return [ast.unparse(value) for value in values if value is not None]


def _as_tuple(returned: Any) -> tuple[Any, ...]:
    return returned if isinstance(returned, tuple) else (returned,)


def _teller(tower: Any) -> Callable[..., None]:
    reader = threading.get_ident()

    def tell(_module: Any, positional: tuple[Any, ...], named: Mapping[str, Any] = _NONE) -> None:
        if threading.get_ident() != reader:
            return
        ids = named.get("input_ids", positional[0] if positional else None)
        mask = named.get("attention_mask", positional[1] if len(positional) > 1 else None)
        tower._real = tower.real_tokens(ids, mask)

    return tell
