"""What each block is asked: blind, balanced, and the same for the same salt."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from typing import Any

import pytest
from PIL import Image

from culturebench.artifacts.study_tasks import GOLD, ITEM, KINDS, REPEAT
from culturebench.study.draws import StudyError
from culturebench.study.plan import Planned, plan_tasks
from small_study import CONDITIONS, REGIONS, material_of, plan_of


def planned(**changed: Any) -> Planned:
    plan = plan_of(**changed)
    return plan_tasks(plan, material_of(plan))


def rows(found: Planned, block: str, kind: str, role: str = ITEM) -> list[Any]:
    return [row for row in found.tasks if (row["block"], row["kind"], row["role"]) == (block, kind, role)]


def test_a_person_sees_a_prompt_of_scc_or_csr_once_and_a_prompt_of_mcc_in_no_other_kind() -> None:
    found = planned()
    for block in {row["block"] for row in found.tasks}:
        shown = [row for row in found.tasks if row["block"] == block and row["role"] == ITEM]
        assert max(Counter(row["prompt_id"] for row in shown).values()) == 1
    kinds: dict[str, set[str]] = defaultdict(set)
    for row in found.tasks:
        if row["role"] == ITEM:
            kinds[row["prompt_id"]].add(row["kind"])
    assert set(map(len, kinds.values())) == {1}


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("kind", ["scc", "csr"])
def test_each_block_shows_every_condition_equally_often_and_all_blocks_each_pair_once(kind: str, groups: int) -> None:
    found = planned(groups=groups)
    blocks = sorted({row["block"] for row in found.tasks})
    assert len(blocks) == 3 * groups
    pairs: Counter[tuple[str, str]] = Counter()
    for block in blocks:
        seen = rows(found, block, kind)
        counts = Counter(row["conditions"][0] for row in seen)
        assert set(counts) == set(CONDITIONS) and len(set(counts.values())) == 1
        pairs.update((row["prompt_id"], row["conditions"][0]) for row in seen)
    assert set(pairs.values()) == {1} and len(pairs) == 3 * len({prompt for prompt, _ in pairs})


def test_a_grid_shows_every_condition_of_one_prompt_and_its_order_is_the_blocks_own() -> None:
    found = planned()
    grids = [row for row in found.tasks if row["kind"] == "mcc" and row["role"] == ITEM]
    assert all(sorted(row["conditions"]) == sorted(CONDITIONS) for row in grids)
    assert len({tuple(row["conditions"]) for row in grids}) > 1
    assert {tuple(row["options"]) for row in grids} == {("A", "B", "C", "none")}


def test_which_culture_comes_before_the_kinds_that_tell_it() -> None:
    found = planned()
    for block in {row["block"] for row in found.tasks}:
        order = [KINDS.index(row["kind"]) for row in found.tasks if row["block"] == block]
        assert order == sorted(order)


def test_a_repeat_is_the_same_picture_later_under_an_id_of_its_own() -> None:
    found = planned()
    again = [row for row in found.tasks if row["role"] == REPEAT]
    assert Counter(row["kind"] for row in again) == dict.fromkeys(KINDS, 3 * 2)
    for row in again:
        (first,) = [one for one in rows(found, row["block"], row["kind"]) if one["prompt_id"] == row["prompt_id"]]
        assert first["picture"] == row["picture"] and first["order"] < row["order"]
        assert first["task_id"] != row["task_id"]


def test_gold_has_one_right_answer_in_each_kind() -> None:
    found = planned()
    for row in (row for row in found.tasks if row["role"] == GOLD):
        own = [code == row["region"] for code in row["shown"]]
        assert {"scc": all(own), "csr": not any(own), "mcc": any(own) and not all(own)}[row["kind"]]
    assert Counter(row["kind"] for row in found.tasks if row["role"] == GOLD) == dict.fromkeys(KINDS, 3 * 2)


def test_ids_are_hashes_of_their_own_and_another_salt_gives_others() -> None:
    ids = [row["task_id"] for row in planned().tasks]
    assert len(set(ids)) == len(ids) and all(len(name) == 64 and int(name, 16) >= 0 for name in ids)
    assert not set(ids) & {row["task_id"] for row in planned(salt="b").tasks}
    assert ids == [row["task_id"] for row in planned().tasks]


def test_all_pictures_are_of_one_size_without_metadata() -> None:
    found = planned()
    kinds = {row["picture"]: row["kind"] for row in found.tasks}
    sizes: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for name, data in found.pictures.items():
        with Image.open(io.BytesIO(data)) as image:
            assert not image.info and image.mode == "RGB"
            sizes["grid" if kinds[name] == "mcc" else "one"].add(image.size)
    assert sizes["one"] == {(24, 16)} and len(sizes["grid"]) == 1


def test_options_of_which_culture_are_all_regions_in_many_orders_with_uncertain_last() -> None:
    options = [tuple(row["options"]) for row in planned().tasks if row["kind"] == "scc"]
    assert all(sorted(one[:-1]) == sorted(REGIONS) and one[-1] == "uncertain" for one in options)
    assert len(set(options)) > 3


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"groups": 9}, r"study\.prompts_per_region\.scc: there are 12 prompts; 9 groups need at least 3 each"),
        ({"prompts_per_region": {"scc": 1, "mcc": 1, "csr": 1}, "groups": 4}, r"scc: there are 3 prompts"),
    ],
)
def test_too_few_prompts_are_refused_with_what_to_change(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        planned(**changed)


def test_gold_without_real_pictures_is_refused_and_none_is_asked_for() -> None:
    plan = plan_of()
    with pytest.raises(StudyError, match=r"set study\.gold to 0"):
        plan_tasks(plan, material_of(plan, real=0))
    without = plan_of(gold=0)
    assert not [row for row in plan_tasks(without, material_of(without, real=0)).tasks if row["role"] == GOLD]


def test_prompts_that_fit_into_no_group_are_counted() -> None:
    plan = plan_of(prompts_per_region={"scc": 4, "mcc": 1, "csr": 2}, conditions=(*CONDITIONS, "amplified", "enhanced"))
    assert plan_tasks(plan, material_of(plan)).left_out == 2 + 1  # of 12 and of 6
