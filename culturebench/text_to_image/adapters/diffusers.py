"""Any pipeline of diffusers in the hub's layout whose text encoders are CLIP, T5, XLM-R, BERT, Qwen or Gemma.

The pipeline's own `encode_prompt` makes the conditioning, so prompt templates and padding are as it wants them; the
names of what it returns are read from its source, because pipelines agree on the names and not on the order.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import diffusers
import torch
from diffusers import DiffusionPipeline
from torch import Tensor

from culturebench.text_to_image.adapters.batches import Batches
from culturebench.text_to_image.adapters.parts import BackboneError, load_scheduler, placed, read_index
from culturebench.text_to_image.adapters.pipeline import PipelineSystem, edited_index, guides, settings_of
from culturebench.text_to_image.adapters.reading import PROBE, check_reading, prompts_own
from culturebench.text_to_image.base import TextEncoder
from culturebench.text_to_image.runtime import dtype_of

if TYPE_CHECKING:
    from culturebench.params.models import Model

_NONE: Mapping[str, Any] = {}  # another thread may meet a hook before it is told to give it the keywords
SLOTS = ("text_encoder", "text_encoder_2", "text_encoder_3", "text_encoder_4")


class AnyPipeline(PipelineSystem):
    """A pipeline with the pinned towers in its own slots.

    Some pipelines take a list of embeddings, one a prompt: `listed` are the names of those.
    """

    listed: frozenset[str] = frozenset()

    def states(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        """What the pipeline's own `encode_prompt` makes of the prompts; the unconditional half is made elsewhere."""
        with self._towers_told(prompts):
            return _stacked(_encode(self.pipe, list(prompts)))

    def arguments(self, conditioning: Mapping[str, Tensor], *, guided: bool = False) -> dict[str, Any]:
        """As of any pipeline, with lists where the call takes them."""
        found = super().arguments(conditioning, guided=guided)
        return {
            name: list(tensor) if name.removeprefix("negative_") in self.listed else tensor
            for name, tensor in found.items()
        }

    @contextmanager
    def _towers_told(self, prompts: Sequence[str]) -> Generator[None]:
        """Within the block each tower knows which tokens of what the pipeline gives it are the prompts' own."""
        with ExitStack() as stack:
            for tower in self.towers:
                told = _teller(tower, prompts)
                stack.callback(tower.model.register_forward_pre_hook(told, with_kwargs=True).remove)
                stack.callback(setattr, tower, "_real", None)
            yield


def load(model: Model, towers: Sequence[TextEncoder], backbone: Path, steps: int) -> AnyPipeline:
    """The pipeline that `model_index.json` names, its text encoders replaced by the pinned towers in their order.

    `BackboneError` for one whose pictures no edit could reach, or that reads prompts otherwise than its towers.
    """
    index = read_index(backbone)
    slots = [slot for slot in SLOTS if index.get(slot, [None, None])[0] is not None]
    if len(slots) != len(towers):
        raise BackboneError(
            f"{backbone} has the text encoders {', '.join(slots) or 'none'}; models.*.towers must name one for each, "
            f"not {len(towers)}"
        )
    if reason := refused(getattr(diffusers, str(index.get("_class_name")), None)):
        raise BackboneError(f"{backbone} cannot be used: {reason}")
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
    pipe.register_modules(**given)  # of a slot that the class may leave empty, the library loads its own
    if model.scheduler:
        pipe.scheduler = load_scheduler(backbone / "scheduler", model.scheduler)
    settings, negative = _guidance(pipe, model, settings_of(model, steps))
    if model.size and "use_resolution_binning" in inspect.signature(type(pipe).__call__).parameters:
        settings["use_resolution_binning"] = False  # which would make another size, and shrink it
    system = AnyPipeline(
        placed(pipe, model.runtime), list(towers), edited_index(model), lambda _states: {}, settings,
        Batches(model.runtime.batch),
    )  # fmt: skip
    with torch.no_grad():
        system.listed = frozenset(name for name, value in _encode(pipe, [PROBE]).items() if isinstance(value, list))
        check_reading(system)
        if negative:
            system.negative = _stacked(_negative(pipe, model.negative_prompt, ""))
            _need_one_shape(pipe, system.negative, _stacked(_negative(pipe, model.negative_prompt, PROBE * 9)))
            if "negative_prompt" in inspect.signature(type(pipe).__call__).parameters:
                system.settings["negative_prompt"] = None  # some have an empty one of their own, and take one of both
    return system


def refused(kind: Any) -> str:
    """Why no edit could reach the pictures of a pipeline's class, in a sentence; empty where one can."""
    if kind is None:
        return f"its pipeline is not in diffusers {diffusers.__version__}"
    if not hasattr(kind, "encode_prompt"):
        return f"{kind.__name__} has no encode_prompt, so nobody knows what it reads of a prompt"
    accepted = inspect.signature(kind.__call__).parameters
    parts = inspect.signature(kind.__init__).parameters
    if "vision_language_encoder" in parts:
        return f"{kind.__name__} reads a prompt also through its vision_language_encoder, which no edit could reach"
    returned = [name for name in _returned_names(kind.encode_prompt) if name in accepted and "embeds" in name]
    if not returned:
        return f"the call of {kind.__name__} takes no embeddings of prompts, so no edit could reach its pictures"
    if "negative_prompt_embeds" not in accepted and "negative_prompt" in accepted:
        return f"the call of {kind.__name__} takes no embeddings of a negative prompt, so guidance would be edited too"
    return ""


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
    return settings, "negative_prompt_embeds" in accepted and guides(pipe, chosen)


def _need_one_shape(pipe: Any, negative: dict[str, Tensor], beside: dict[str, Tensor]) -> None:
    if any(beside[name].shape != tensor.shape for name, tensor in negative.items()):
        raise BackboneError(
            f"{type(pipe).__name__} makes its unconditional half as long as each prompt, and here it is made once; set "
            "models.*.guidance: 1, or use another pipeline"
        )


def _negative(pipe: Any, text: str, prompt: str) -> dict[str, Any]:
    """The unconditional half, as the pipeline itself makes it where it makes both halves at once."""
    wanted = inspect.signature(pipe.encode_prompt).parameters
    if "do_classifier_free_guidance" not in wanted or "negative_prompt" not in wanted:
        return _encode(pipe, [text])
    usual = wanted["negative_prompt"].default  # None, or "" where the tokenizer takes nothing else
    both = _call(pipe, [prompt], {"do_classifier_free_guidance": True, "negative_prompt": text or usual})
    return {name.replace("negative_", "", 1): value for name, value in both.items() if "negative_" in name}


def _encode(pipe: Any, prompts: list[str]) -> dict[str, Any]:
    """The conditional half as the call's own arguments."""
    return {name: value for name, value in _call(pipe, prompts, {}).items() if "negative_" not in name}


def _call(pipe: Any, prompts: list[str], given: dict[str, Any]) -> dict[str, Any]:
    """What `encode_prompt` returns and the call accepts, by name; one half unless `given` says otherwise.

    HunyuanDiT's reads one text encoder a call, and the second one's names end in _2.
    """
    several = "text_encoder_index" in inspect.signature(pipe.encode_prompt).parameters
    found = _call_once(pipe, prompts, {**given, **({"text_encoder_index": 0} if several else {})})
    if several:
        second = _call_once(pipe, prompts, {**given, "text_encoder_index": 1})
        found |= {f"{name}_2": value for name, value in second.items()}
    return found


def _call_once(pipe: Any, prompts: list[str], given: dict[str, Any]) -> dict[str, Any]:
    wanted = inspect.signature(pipe.encode_prompt).parameters
    accepted = inspect.signature(type(pipe).__call__).parameters
    empty = inspect.Parameter.empty
    values = {
        **{name: slot.default for name, slot in wanted.items()},
        "do_classifier_free_guidance": False,
        **{name: slot.default for name, slot in accepted.items() if slot.default is not empty},
        **given,
        **{"prompt": prompts, "device": pipe._execution_device, "num_images_per_prompt": 1},
    }
    arguments = {name: None if value is empty else value for name, value in values.items() if name in wanted}
    returned = pipe.encode_prompt(**arguments)
    named = dict(zip(_returned_names(type(pipe).encode_prompt), _as_tuple(returned), strict=True))
    kept = {name: value for name, value in named.items() if name in accepted}
    return {name: value for name, value in kept.items() if isinstance(value, Tensor) or _of_tensors(value)}


def _of_tensors(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Tensor) for one in value)


def _stacked(found: dict[str, Any]) -> dict[str, Tensor]:
    """Tensors whose first axis is the prompt, also of lists with one a prompt; `BackboneError` for unequal lengths."""
    try:
        return {name: value if isinstance(value, Tensor) else torch.stack(value) for name, value in found.items()}
    except RuntimeError:
        raise BackboneError("the pipeline gives prompts of unequal length; encode them one at a time") from None


def _returned_names(function: Callable[..., Any]) -> list[str]:
    """The names that a function's last `return` lists, or is made of, as in `prompt_embeds.to(device)`."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    last = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)][-1]
    values = last.elts if isinstance(last, ast.Tuple) else [last]
    return [re.split(r"\W", ast.unparse(value), maxsplit=1)[0] for value in values if value is not None]


def _as_tuple(returned: Any) -> tuple[Any, ...]:
    return returned if isinstance(returned, tuple) else (returned,)


def _teller(tower: Any, prompts: Sequence[str]) -> Callable[..., None]:
    reader, own = threading.get_ident(), tower.tokenize(prompts)

    def tell(_module: Any, positional: tuple[Any, ...], named: Mapping[str, Any] = _NONE) -> None:
        if threading.get_ident() != reader:
            return
        ids = named.get("input_ids", positional[0] if positional else None)
        mask = named.get("attention_mask", positional[1] if len(positional) > 1 else None)
        tower._real = prompts_own(tower, own, ids, mask)

    return tell
