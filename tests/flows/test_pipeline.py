"""The order of the stages, what a target needs, and what is stale and why, read from what DVC says."""

from __future__ import annotations

from typing import Any

import pytest

from flows.pipeline import Pipeline, UnknownName


def entry(command: str, before: tuple[str, ...] = (), outs: tuple[str, ...] = (), changes: Any = ()) -> dict[str, Any]:
    return {"command": command, "before": list(before), "outs": list(outs), "changes": list(changes), "ran": True}


def small(**changes: Any) -> Pipeline:
    """Two regions are collected and joined; two models draw, and one evaluation reads both."""
    stages = {
        "evaluate": entry("evaluate", ("draw@one", "draw@two")),
        "draw@one": entry("draw --model one", ("join",), ("data/drawn/one",)),
        "draw@two": entry("draw --model two", ("join",), ("data/drawn/two",)),
        "join": entry("join", ("collect@jp", "collect@nl"), ("data/joined",)),
        "collect@nl": entry("collect --region nl", (), ("data/collected/nl",)),
        "collect@jp": entry("collect --region jp", (), ("data/collected/jp",)),
    }
    for name, found in changes.items():
        stages[name.replace("__", "@")]["changes"] = found
    return Pipeline.read(stages)


def test_stages_come_in_an_order_in_which_they_can_run_group_by_group() -> None:
    assert list(small().stages) == ["collect@jp", "collect@nl", "join", "draw@one", "draw@two", "evaluate"]


def test_groups_that_need_each_other_still_come_in_an_order_in_which_they_can_run() -> None:
    order = list(Pipeline.read({"b@2": entry("", ("a@2",)), "a@2": entry("", ("b@1",)), "b@1": entry("", ())}).stages)
    assert order == ["b@1", "a@2", "b@2"]


def test_all_that_comes_after_a_change_may_run_and_nothing_else() -> None:
    stale = small(collect__jp=[{"changed deps": {"params.yaml": {"collect.size": "modified"}}}]).stale
    assert {name: entry.certain for name, entry in stale.items()} == {
        "collect@jp": True,
        "join": False,
        "draw@one": False,
        "draw@two": False,
        "evaluate": False,
    }
    assert stale["collect@jp"].reasons == ("params.yaml: collect.size modified",)
    assert stale["draw@one"].reasons == ("after join",)


def test_a_changed_folder_in_which_a_stale_stage_writes_is_no_certain_reason() -> None:
    gone = [{"changed outs": {"data/collected/jp": "deleted"}}]
    stale = small(collect__jp=gone, join=[{"changed deps": {"data/collected": "modified"}}]).stale
    assert stale["collect@jp"].certain
    assert not stale["join"].certain
    assert stale["join"].reasons == ("data/collected modified", "after collect@jp")


def test_a_changed_file_that_nobody_writes_anew_is_a_certain_reason() -> None:
    assert small(join=[{"changed deps": {"data/collected": "modified"}}]).stale["join"].certain
    assert small(join=["changed command"]).stale["join"].reasons == ("changed command",)


def test_a_target_brings_all_that_it_needs() -> None:
    assert list(small().select(targets=["join"])) == ["collect@jp", "collect@nl", "join"]
    assert list(small().select(targets=["collect"])) == ["collect@jp", "collect@nl"]
    assert list(small().select()) == list(small().stages)


def test_a_region_or_a_model_narrows_the_targets_and_not_what_they_need() -> None:
    assert list(small().select(regions=["jp"])) == ["collect@jp"]
    assert list(small().select(models=["two"])) == ["collect@jp", "collect@nl", "join", "draw@two"]
    assert list(small().select(targets=["evaluate"], models=["two"])) == list(small().stages)
    assert list(small().select(targets=["draw"], models=["one"])) == ["collect@jp", "collect@nl", "join", "draw@one"]


@pytest.mark.parametrize("wrong", [{"targets": ["jion"]}, {"regions": ["xx"]}, {"models": ["xx"]}])
def test_an_unknown_name_is_refused_with_those_there_are(wrong: dict[str, list[str]]) -> None:
    with pytest.raises(UnknownName, match=r"there are: .*(join|jp, nl|one, two)"):
        small().select(**wrong)
