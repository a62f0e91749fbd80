"""What is recorded of a denoiser's attention is what the denoiser computes, and recording changes no bit."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from diffusers.models.embeddings import apply_rotary_emb
from torch import Tensor, nn

import tiny_diffusers
import tiny_pipelines
from culturebench.png import to_png
from culturebench.probing.attention import Prompt
from culturebench.probing.backbone import attention_of
from culturebench.text_to_image.backbone_attention import BackboneAttentionError, check_readable, looking, places_of

TEXT = "a red bowl"
PROMPT = Prompt(TEXT, (6, 10), (2, 5), modifier_follows=False)
#: System -> the block that is computed by hand.
BLOCKS = {
    "sd15": "down_blocks.0.attentions.0.transformer_blocks.0.attn2",
    "sdxl": "mid_block.attentions.0.transformer_blocks.0.attn2",
    "sd35_medium": "transformer_blocks.0.attn",
    "flux": "transformer_blocks.0.attn",
}


@pytest.fixture(scope="module")
def system_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    root = tmp_path_factory.mktemp("systems")

    @cache
    def made(name: str) -> Any:
        return tiny_pipelines.system_of(name, root, guidance=5.0)

    return made


def captured(attention: nn.Module, names: list[str]) -> dict[str, list[Any]]:
    """The outputs of an attention's parts by pass, and what it is called with."""
    found: dict[str, list[Any]] = {}
    for name in names:
        if (part := getattr(attention, name, None)) is not None:
            part.register_forward_hook(lambda _m, _i, output, name=name: found.setdefault(name, []).append(output))
    attention.register_forward_pre_hook(
        lambda _m, _i, given: found.setdefault("rotary", []).append(given.get("image_rotary_emb")), with_kwargs=True
    )
    return found


def split(states: Tensor, heads: int) -> Tensor:
    """(b, s, heads d) -> (b, heads, s, d)."""
    return states.unflatten(-1, (heads, -1)).transpose(1, 2)


def by_hand(name: str, attention: Any, found: dict[str, list[Any]], step: int, text: int) -> Tensor:
    """softmax(QK / sqrt d) of picture places and text tokens, its mean over heads and places: (rows, text)."""

    def of(projection: str, norm: str) -> Tensor:
        """After its norm, (b, heads, s, d), where there is one."""
        if norm not in found:
            return split(found[projection][step], attention.heads)
        normed = found[norm][step]
        return normed.transpose(1, 2) if name == "flux" else normed

    query, key = of("to_q", "norm_q"), of("to_k", "norm_k")
    places = columns = slice(None)
    if name in ("sd35_medium", "flux"):
        beside = of("add_q_proj", "norm_added_q"), of("add_k_proj", "norm_added_k")
        first = name == "flux"
        pairs = [(other, own) if first else (own, other) for own, other in zip((query, key), beside, strict=True)]
        query, key = (torch.cat(pair, dim=2) for pair in pairs)
        places, columns = (slice(text, None), slice(text)) if first else (slice(-text), slice(-text, None))
        if first:
            rotary: Any = apply_rotary_emb
            query, key = (rotary(one, found["rotary"][step]) for one in (query, key))
    scores: Tensor = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    return scores.softmax(dim=-1)[:, :, places, columns].mean(dim=(1, 2))


@pytest.mark.parametrize("name", BLOCKS)
def test_recorded_attention_is_that_of_queries_and_keys_by_hand_and_pictures_are_the_same_bytes(
    name: str, system_of: Callable[[str], Any]
) -> None:
    system = system_of(name)
    conditioning = system.encode([TEXT, "a bowl"])
    plain = [to_png(image) for image in system.generate(conditioning, [3, 4])]
    attention: Any = system.denoiser.get_submodule(BLOCKS[name])
    parts = ["to_q", "to_k", "norm_q", "norm_k", "add_q_proj", "add_k_proj", "norm_added_q", "norm_added_k"]
    before = hooks(system.denoiser)
    with looking(system.denoiser) as looked:
        found = captured(attention, parts)
        pictures = [to_png(image) for image in system.generate(conditioning, [3, 4])]
    for module in attention.modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
    assert pictures == plain
    assert hooks(system.denoiser) == before
    recorded = looked.of(2, guided=bool(system.negative))
    assert recorded.shape[:3] == (2, len(looked.blocks), tiny_pipelines.STEPS)
    number = list(looked.blocks).index(BLOCKS[name])
    for step in range(tiny_pipelines.STEPS):
        wanted = by_hand(name, attention, found, step, recorded.shape[-1])[-2:]
        torch.testing.assert_close(recorded[:, number, step], wanted, rtol=1e-4, atol=1e-6)
    if name in ("sd15", "sdxl"):
        torch.testing.assert_close(recorded.sum(dim=-1), torch.ones(recorded.shape[:3]))
    else:
        assert (recorded.sum(dim=-1) < 1).all(), "the picture looks at itself as well"


@pytest.mark.parametrize("name", ["pixart", "sana"])
def test_cross_attention_of_a_transformer_is_recorded_as_by_hand(name: str) -> None:
    denoiser: Any = getattr(tiny_diffusers, name)().eval()
    random = torch.Generator().manual_seed(0)
    latents, text = (torch.randn(size, generator=random) for size in ((2, 4, 8, 8), (2, 5, tiny_diffusers.WIDTH)))
    extra = {"added_cond_kwargs": {"resolution": None, "aspect_ratio": None}} if name == "pixart" else {}
    attention = denoiser.get_submodule("transformer_blocks.0.attn2")
    found = captured(attention, ["to_q", "to_k", "norm_q", "norm_k"])
    with torch.no_grad(), looking(denoiser) as looked:
        denoiser(latents, encoder_hidden_states=text, timestep=torch.tensor([500, 500]), **extra)
    recorded = looked.of(2, guided=False)[:, list(looked.blocks).index("transformer_blocks.0.attn2"), 0]
    assert not any(block.endswith("attn1") for block in looked.blocks)
    torch.testing.assert_close(recorded, by_hand(name, attention, found, 0, 5), rtol=1e-4, atol=1e-6)


def hooks(denoiser: nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in denoiser.modules())


@pytest.mark.parametrize(("name", "offset"), [("sd15", 0), ("sdxl", 0), ("flux", 0), ("sd35_medium", 77)])
def test_noun_and_modifier_lie_where_an_edit_of_their_tokens_changes_what_is_read(
    name: str, offset: int, system_of: Callable[[str], Any]
) -> None:
    system = system_of(name)
    plain = system.encode([TEXT]).tensors
    states = next(tensor for key, tensor in plain.items() if key == "prompt_embeds")
    tokens, found = places_of(system, [TEXT], states.shape[1])
    assert found == offset
    last = system.encoder.last_upstream_layer - (name == "sdxl")  # behind it only the pooled state sees
    place = tokens.positions(0, *PROMPT.noun)[-1]

    def edit(features: Tensor, _real: Tensor) -> Tensor:
        moved = features.clone()
        moved[:, place] += 10 * torch.randn(features.shape[-1], generator=torch.Generator().manual_seed(0))
        return moved

    with system.encoder.edited(last, edit):
        changed = (system.encode([TEXT]).tensors["prompt_embeds"] - states).abs().sum(dim=-1)[0]
    assert int(changed.argmax()) == place + offset


@pytest.mark.parametrize("name", ["sd15", "sd35_medium", "flux"])
def test_attention_to_modifier_and_noun_has_a_number_for_every_block_and_step(
    name: str, system_of: Callable[[str], Any]
) -> None:
    names, values = attention_of(system_of(name), [PROMPT], seed=0)
    assert values.shape == (1, 2, len(names), tiny_pipelines.STEPS)
    assert (values > 0).all()


def test_what_cannot_be_read_says_why_in_one_sentence(system_of: Callable[[str], Any]) -> None:
    class OneState:
        class encoder:
            reads_tokens = False

    with pytest.raises(BackboneAttentionError, match="one state of the whole prompt"):
        check_readable(OneState())
    system = system_of("sd15")
    with pytest.raises(BackboneAttentionError, match="reads 50 text tokens and the encoder gives 77"):
        places_of(system, [TEXT], 50)
    with looking(nn.Linear(2, 2)) as looked:
        pass
    with pytest.raises(BackboneAttentionError, match="no block of the denoiser"):
        looked.of(1, guided=False)
