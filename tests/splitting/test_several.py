"""Whose a picture is when several regions keep it or copies of it."""

from __future__ import annotations

from culturebench.splitting.several import Claim, several_regions


def claim(region: str, picture: str, group: str = "g", *, provisional: bool = False) -> Claim:
    return Claim(region, picture, group, provisional)


def test_a_picture_that_one_region_keeps_is_that_one_s() -> None:
    assert several_regions([claim("jp", "a"), claim("nl", "b", "another"), claim("jp", "c")]) == set()


def test_copies_that_two_regions_keep_fail_in_both() -> None:
    assert several_regions([claim("jp", "a"), claim("nl", "b"), claim("nl", "c", "another")]) == {
        ("jp", "a"),
        ("nl", "b"),
    }


def test_what_nobody_decided_yields_to_a_decision_and_not_to_its_like() -> None:
    waiting = claim("jp", "a", provisional=True)
    assert several_regions([waiting, claim("nl", "a")]) == {("jp", "a")}
    assert several_regions([waiting, claim("nl", "a", provisional=True)]) == {("jp", "a"), ("nl", "a")}
