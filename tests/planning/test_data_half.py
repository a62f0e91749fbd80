"""What the data half pays for captions and searches, by the params."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from culturebench.artifacts import annotated
from culturebench.captions.told import Told
from culturebench.chat.ledger import Ledger
from culturebench.chat.request import ChatRequest
from culturebench.params import load_region, load_section
from culturebench.params.caption import Caption
from culturebench.params.collect import Collect, GoogleSource
from culturebench.planning.amounts import PICTURES
from culturebench.planning.data import DataHalf, caption_dollars, data_half
from culturebench.planning.plan import Planned
from culturebench.sources.queries import Asked, queries
from culturebench.store import Store
from import_graph import ROOT

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
GOOGLE = {"kind": "google_cse", "engine": "mine", "per_query": 25}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project without any data."""
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/regions").symlink_to(ROOT / "annotations/regions")
    return tmp_path


def planned(
    root: Path, sources: list[dict[str, Any]] | None = None, providers: tuple[str, ...] = ("atlas",), **endpoint: Any
) -> tuple[Planned, Planned]:
    collect: dict[str, Any] = {**DOCUMENT["collect"], **({"sources": sources} if sources else {})}
    collect["web"] = {**collect["web"], "contact": "a@example.org"}
    asked = {**DOCUMENT["caption"]["openai"], **endpoint}
    document = {"collect": collect, "caption": {**DOCUMENT["caption"], "providers": providers, "openai": asked}}
    sections: Any = [load_section(kind, document) for kind in (Collect, Caption)]
    collected, captioned = data_half(DataHalf(["jp", "nl"], *sections), root)
    return collected, captioned


def test_the_atlas_pays_nobody(root: Path) -> None:
    collected, captioned = planned(root)
    assert (collected.dollars, collected.amount.calls) == (captioned.dollars, captioned.amount.calls) == (None, 0)
    assert collected.amount.pictures == captioned.amount.pictures == 2 * PICTURES


def test_captions_by_a_model_cost_two_questions_a_picture_up_to_the_limit_of_each_region(root: Path) -> None:
    asked = ("openai",)
    _, free = planned(root, providers=asked, input_price=1.0, output_price=4.0, max_cost=None)
    assert free.amount.calls == 2 * 2 * PICTURES
    _, twice = planned(root, providers=asked, input_price=2.0, output_price=8.0, max_cost=None)
    assert free.dollars and twice.dollars == pytest.approx(2 * free.dollars)
    _, limited = planned(root, providers=asked, input_price=1.0, output_price=4.0, max_cost=3.0)
    assert limited.dollars == 6.0 < free.dollars


def test_only_kept_pictures_are_captioned(root: Path) -> None:
    row = {"region": "jp", "reason": "", "subdivision": "", "category": "", "agreement": 1.0, "decisions": 2,
           "provisional": False}  # fmt: skip
    rows = [{**row, "picture_id": str(n), "status": "kept" if n else "dropped"} for n in range(4)]
    annotated.TABLE.save(root / annotated.PATH.format(region="jp"), rows)
    assert planned(root, providers=("openai",))[1].amount.pictures == 3 + PICTURES


def test_a_picture_is_priced_no_lower_than_the_ledger_reserves_for_its_questions(tmp_path: Path) -> None:
    endpoint = load_section(Caption, DOCUMENT).openai
    region = load_region(Told, "jp", ROOT / "annotations/regions")
    asked: list[ChatRequest] = []

    class Watched(ChatRequest):
        def max_tokens(self, endpoint: Any) -> int:
            asked.append(self)
            return super().max_tokens(endpoint)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("culturebench.planning.data.ChatRequest", Watched)
        dollars = caption_dollars(endpoint, region, 200)
    (question,) = asked
    ledger = Ledger(endpoint, Store(str(tmp_path)))
    assert ledger.reserve("a", question)
    assert dollars > 2 * sum(ledger._reserved.values()) > 0


def test_searches_cost_what_google_asks_for_every_page_of_every_keyword(root: Path) -> None:
    collected, _ = planned(root, [GOOGLE, {"kind": "commons"}])
    regions = [load_region(Asked, code, root / "annotations/regions") for code in ("jp", "nl")]
    words = sum(len(queries(region)) for region in regions)
    assert collected.amount.calls == 3 * words  # pages of ten
    assert collected.dollars == pytest.approx(3 * words * GoogleSource.price)
    some, _ = planned(root, [{**GOOGLE, "regions": ["jp"]}])
    assert 0 < some.amount.calls < collected.amount.calls
