"""Splits keep their ratio, groups stay together, and what a release froze never moves."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np
import pytest

from culturebench.splitting.assign import assign
from culturebench.splitting.frozen import FrozenError, read_frozen

PARTS = {"train": 7, "test": 2, "detect": 1}


def name(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def place(keys_of, frozen=None, bound=()):
    return assign(keys_of, frozen or {}, PARTS, "salt", bound)


def alone(numbers) -> dict[str, list[str]]:
    return {name(n): [f"group:{name(n)}"] for n in numbers}


def grouped(count: int, seed: int) -> dict[str, list[str]]:
    """Pictures with a group of their own, and now and then a page or a caption that others share."""
    dice = np.random.default_rng(seed)
    keys_of = alone(range(count))
    for picture in keys_of:
        if dice.uniform() < 0.3:
            keys_of[picture].append(f"page:{dice.integers(count // 3)}")
        if dice.uniform() < 0.3:
            keys_of[picture].append(f"noun:{dice.integers(count // 3)}")
    return keys_of


def test_ratios_are_those_of_a_fair_lottery():
    count, salts = 3000, [str(number) for number in range(20)]
    for side, part in PARTS.items():
        share = part / 10
        deviation = math.sqrt(count * share * (1 - share))
        drawn = [[placed.side for placed in assign(alone(range(count)), {}, PARTS, salt).values()] for salt in salts]
        scores = np.array([(sides.count(side) - share * count) / deviation for sides in drawn])
        assert np.abs(scores).max() < 4 and abs(scores.mean()) < 4 / math.sqrt(len(salts)) and 0.5 < scores.std() < 1.5


def test_at_300_pictures_a_side_is_off_by_8_points_in_one_of_a_hundred_draws_at_most():
    count, draws = 300, 100
    for side, part in PARTS.items():
        sides = [[p.side for p in assign(alone(range(count)), {}, PARTS, str(n)).values()] for n in range(draws)]
        off = [abs(drawn.count(side) / count - part / 10) for drawn in sides]
        assert sum(share > 0.08 for share in off) <= 1


def test_a_new_region_moves_no_frozen_picture_and_no_tie_across_regions_leaks():
    """The newcomers share pages and near-duplicates with the regions that were there, and nouns among themselves."""
    old = grouped(600, 4)
    frozen = {picture: placed.side for picture, placed in place(old).items()}
    dice = np.random.default_rng(5)
    olds = sorted(old)
    keys_of = dict(old)
    for number in range(20_000, 20_400):
        shared = [f"noun:vn:{dice.integers(150)}"]
        shared += [f"page:{dice.integers(200)}"] if dice.uniform() < 0.2 else []
        near = olds[dice.integers(len(olds))] if dice.uniform() < 0.1 else name(number)
        keys_of[name(number)] = [f"group:{near}", *shared]
    placed = place(keys_of, frozen)
    assert {picture: placed[picture].side for picture in old} == frozen
    sides: dict[str, set[str]] = {}
    for picture, shared in keys_of.items():
        for key in shared:
            sides.setdefault(key, set()).add(placed[picture].side)
    assert all(len(found - {""}) <= 1 for found in sides.values())
    new = [placed[picture].side for picture in keys_of.keys() - old.keys()]
    assert new.count("") < len(new) / 4 and set(new) >= set(PARTS)


def test_no_tie_ever_has_two_sides():
    keys_of = grouped(900, 0)
    placed = place(keys_of)
    sides: dict[str, set[str]] = {}
    for picture, shared in keys_of.items():
        for key in shared:
            sides.setdefault(key, set()).add(placed[picture].side)
    assert all(len(found) == 1 for found in sides.values())
    assert {picture.side for picture in placed.values()} == set(PARTS)


def test_a_thousand_new_pictures_move_no_frozen_one_and_leak_nothing():
    old = grouped(600, 1)
    frozen = {picture: placed.side for picture, placed in place(old).items()}
    dice = np.random.default_rng(2)
    keys_of = dict(old)
    for number in range(10_000, 11_000):
        shared = [f"page:{dice.integers(200)}"] if dice.uniform() < 0.3 else []
        shared += [f"noun:{dice.integers(200)}"] if dice.uniform() < 0.3 else []
        keys_of[name(number)] = [f"group:{name(number)}", *shared]
    placed = place(keys_of, frozen)
    assert all(placed[picture].side == side for picture, side in frozen.items())
    sides: dict[str, set[str]] = {}
    for picture, shared in keys_of.items():
        for key in shared:
            sides.setdefault(key, set()).add(placed[picture].side)
    assert all(len(found - {""}) <= 1 for found in sides.values())
    left_out = [picture for picture in keys_of if not placed[picture].side]
    assert left_out and not set(left_out) & frozen.keys()


def test_a_near_duplicate_takes_the_side_of_the_frozen_picture():
    for side in PARTS:
        keys_of = {name(1): ["group:g"], name(2): ["group:g"]}
        assert place(keys_of, {name(1): side})[name(2)].side == side


def test_it_does_so_even_when_the_frozen_picture_is_gone():
    for side in PARTS:
        assert place({name(2): ["group:g"]}, {}, [("group:g", side)])[name(2)].side == side


def test_a_picture_that_bridges_two_sides_is_dropped_and_the_others_stay():
    keys_of = {name(1): ["a"], name(2): ["b"], name(3): ["a", "b"], name(4): ["a", "c"], name(5): ["b", "d"]}
    placed = place(keys_of, {name(1): "train", name(2): "test"})
    assert [placed[name(n)].side for n in range(1, 6)] == ["train", "test", "", "train", "test"]


def test_two_frozen_pictures_with_a_tie_stay_and_newcomers_to_that_tie_are_dropped():
    placed = place({name(n): ["a"] for n in (1, 2, 3)}, {name(1): "train", name(2): "test"})
    assert [placed[name(n)].side for n in (1, 2, 3)] == ["train", "test", ""]


def test_the_order_of_the_pictures_does_not_matter():
    keys_of = grouped(300, 3)
    assert place(dict(reversed(keys_of.items()))) == place(keys_of)


def test_another_salt_divides_anew():
    keys_of = alone(range(200))
    assert assign(keys_of, {}, PARTS, "one") != assign(keys_of, {}, PARTS, "two")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("id,split\n", 1),
        (f"picture_id,split\n{'a' * 64},validation\n", 2),
        (f"picture_id,split\n{'a' * 64},train\n\nshort,train\n", 4),
        (f"picture_id,split\n{'a' * 64},train\n{'a' * 64},test\n", 3),
        (f"picture_id,split\n{'a' * 64}\n", 2),
    ],
)
def test_a_wrong_frozen_line_is_named(tmp_path: Path, text: str, line: int):
    (tmp_path / "jp.csv").write_text(text)
    with pytest.raises(FrozenError, match=rf"jp\.csv:{line}"):
        read_frozen(tmp_path, ["jp", "nl"], PARTS)


def test_a_region_without_a_file_has_nothing_frozen(tmp_path: Path):
    assert read_frozen(tmp_path, ["jp"], PARTS) == {}
