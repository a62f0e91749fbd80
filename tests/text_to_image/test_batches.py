"""Batches that shrink when memory runs out."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from culturebench.text_to_image.adapters.batches import Batches, DeviceMemoryError


def worker(room: int, sizes: list[int]):
    def work(items: Sequence[int]) -> list[int]:
        sizes.append(len(items))
        if len(items) > room:
            raise torch.OutOfMemoryError("full")
        return [item * 10 for item in items]

    return work


def test_a_full_device_halves_the_batch_for_good_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    batches, sizes = Batches(), list[int]()
    assert batches.map(worker(3, sizes), range(10)) == [item * 10 for item in range(10)]
    assert sizes == [10, 5, 2, 2, 2, 2, 2]
    assert batches.map(worker(3, sizes), range(4)) == [0, 10, 20, 30]
    assert sizes[7:] == [2, 2], "what did not fit once is not tried again"
    said = capsys.readouterr().err.splitlines()
    steps = ((10, 5), (5, 2))
    assert said == [f"out of memory with {many} pictures at once; going on with {few}" for many, few in steps]


@pytest.mark.parametrize("words", ["CUDA error: CUBLAS_STATUS_ALLOC_FAILED", "MPS backend out of memory (18 GB)"])
def test_devices_without_an_exception_of_their_own_are_understood_too(words: str) -> None:
    def work(items: Sequence[int]) -> list[int]:
        if len(items) > 2:
            raise RuntimeError(words)
        return list(items)

    assert Batches().map(work, range(5)) == list(range(5))


def test_any_other_error_is_nobodys_batch() -> None:
    def work(_: Sequence[int]) -> list[int]:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        Batches().map(work, range(5))


def test_a_chosen_size_is_never_exceeded() -> None:
    sizes: list[int] = []
    Batches(4).map(worker(9, sizes), range(10))
    assert sizes == [4, 4, 2]


def test_a_device_without_room_for_one_is_one_error() -> None:
    with pytest.raises(DeviceMemoryError, match="no memory for a single picture; set models"):
        Batches(2).map(worker(0, []), range(2))
