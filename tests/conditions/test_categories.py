"""Which of the data's categories K-StyleLoRA's five are."""

from __future__ import annotations

import pytest

from culturebench.conditions.categories import CATEGORIES, Category, category_of, in_order, registry
from culturebench.conditions.record import ConditionError
from culturebench.regions.model import CATEGORIES as OF_REGIONS


def test_of_what_every_region_is_searched_for_each_falls_into_one_of_the_five_or_keeps_its_name() -> None:
    assert {key: category_of(key) for key in OF_REGIONS} == {
        "architecture": "architecture", "clothing": "fashion", "crafts": "art", "landscape": "landscape",
        "food": "food", "instruments": "instruments", "festivals": "festivals",
    }  # fmt: skip
    assert category_of("portrait") == "portrait", "a region file or a manifest of one's own may name it"


def test_all_five_are_shown_in_the_papers_order_whatever_was_found_and_pictures_without_one_come_last() -> None:
    five = ["architecture", "fashion", "art", "portrait", "landscape"]
    assert [record.name for record in CATEGORIES] == five
    assert [name for name, _ in in_order(["", "food", "art"])] == [*five, "food", ""]


def test_a_key_that_falls_into_two_of_them_is_refused() -> None:
    with pytest.raises(ConditionError, match="'crafts' falls into two"):
        registry([*CATEGORIES, Category("craft", "Craft", ("crafts",))])
