"""A dry plan of a model's run on a GPU: what there is to do, how long, and what it takes. All of it estimates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from culturebench.chat.request import ChatImage, ChatRequest
from culturebench.planning.amounts import READINGS, Amount, Numbers
from culturebench.planning.prices import Cost, Prices, training_cost

if TYPE_CHECKING:
    from culturebench.params.judges import Judge
    from culturebench.params.train_enhancer import TrainEnhancer

#: Bytes per pixel of a PNG, and that each picture lies in the store of cached results and in the stage's output.
PNG_BYTES, COPIES = 1.6, 2
#: Bytes a second that weights are read at.
READ = 2e9
#: Bytes of the question to a judge beside the picture and the options.
QUESTION = "x" * 600


@dataclass(frozen=True)
class Planned:
    """One stage's amount and cost; `cost` is None where it is not estimated, `dollars` where nothing is paid."""

    amount: Amount
    cost: Cost | None = None
    disk: float = 0.0
    dollars: float | None = None


def loading(entry: Planned, prices: Prices | None) -> float | None:
    """Seconds in which a stage's processes read the model's weights from disk; None where these are not known."""
    return None if prices is None else entry.amount.loads * prices.weights / READ


def planned(
    amounts: list[Amount], prices: Prices | None, numbers: Numbers, training: TrainEnhancer,
    judges: Mapping[str, Judge],
) -> list[Planned]:  # fmt: skip
    """Every stage with its cost; without `prices` amounts and money alone."""
    return [_stage(amount, prices, numbers, training, judges) for amount in amounts]


def _stage(
    amount: Amount, prices: Prices | None, numbers: Numbers, training: TrainEnhancer, judges: Mapping[str, Judge]
) -> Planned:
    stage = amount.stage.partition("@")[0]
    asked = {
        "compare_adapters": list(judges),
        "judge": list(judges),
        "judge_reliability": list(judges),
        "tune_strength": [numbers.tune.judge],
        "compare_selectors": [numbers.selectors.judge],
        "describe_neurons": [numbers.cards.judge],
    }.get(stage, [])
    shown = amount.pictures / amount.calls if stage == "judge_reliability" else 1
    paid = [amount.calls * _dollars(judges[name], len(numbers.regions), shown) for name in asked if _paid(judges[name])]
    cost = None if prices is None else _cost(amount, prices, numbers, training)
    disk = 0.0 if prices is None else amount.images * prices.size**2 * PNG_BYTES * COPIES
    return Planned(amount, cost, disk, sum(paid) if paid else None)


def _cost(amount: Amount, prices: Prices, numbers: Numbers, training: TrainEnhancer) -> Cost | None:
    if amount.images:
        return prices.picture * amount.images
    if amount.stage.startswith("train_enhancer"):
        return training_cost(prices.step, prices.watch, training)
    if amount.stage.startswith("train_adapter"):
        # As a step of the enhancer: the denoiser there and back. The LoRA itself is little beside it.
        return prices.step * amount.prompts
    if amount.stage == "measure" or amount.stage.startswith("compare_adapters"):
        return prices.measuring * amount.pictures if prices.measuring else None
    if not amount.tower:
        return None
    read = prices.prompt[amount.tower] * amount.prompts
    if amount.stage.startswith("check_layers"):
        # Of a pair's three prompts each is read once, and the noun again with a push to either goal at every layer.
        return read * ((READINGS + 2 * prices.layers[amount.tower]) / READINGS)
    return read + _sae(amount.tower, prices, numbers) if amount.stage.startswith("train_sae") else read


def _sae(tower: str, prices: Prices, numbers: Numbers) -> Cost:
    """Its products there and back: a token through the encoder, and k latents through the decoder."""
    sae, d = numbers.sae.of(tower), prices.width[tower]
    token = 3 * 2 * d * (d * sae.expansion + sae.k)
    return Cost(token * sae.batch_size * sae.steps * len(sae.seeds))


def _paid(judge: Judge) -> bool:
    return judge.kind == "openai"


def _dollars(judge: Judge, regions: int, pictures: float) -> float:
    """One question that shows so many pictures, at most."""
    assert judge.kind == "openai"
    request = ChatRequest(QUESTION, "- Some region\n" * regions, (ChatImage(b""),))
    sent = (request.max_tokens(judge) + (pictures - 1) * judge.image_tokens) * judge.input_price
    return (sent + judge.max_completion_tokens * judge.output_price) / 1e6


def fitting(gigabytes: float, weights: float, each: float) -> int:
    """Pictures that fit at once beside the weights, a tenth of the memory left free."""
    return max(0, int((gigabytes * 0.9e9 - weights) // max(each, 1)))
