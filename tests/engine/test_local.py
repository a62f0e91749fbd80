"""`map_batches` on this machine."""

from __future__ import annotations

import io
import json
import os
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from culturebench.engine.batches import map_batches
from culturebench.engine.worker import Cached, EngineError, Failure, Worker, each, in_batches
from culturebench.params.engine import Engine
from culturebench.store import Store, key_of
from small_work import end, last_first, load_counted, plus_one, square, who

PLACES = ("here", "threads", "processes")
LOCAL = Engine(kind="local", workers=2, address=None, cpus_per_worker=1, gpus_per_worker=0)


def dump(results: list[int]) -> bytes:
    return json.dumps(results).encode()


def key(batch: Any) -> str:
    return key_of({"batch": list(batch)})


def cached(folder: Path) -> Cached[int, int]:
    return Cached(Store(str(folder)), key, dump, json.loads)


def run(worker: Worker[int, Any], items: Any, size: int = 2, **how: Any) -> list[Any]:
    done = map_batches(worker, in_batches(items, size), engine=LOCAL, label="test", **how)
    return [result for batch in done for result in batch]


@pytest.mark.parametrize("place", PLACES)
def test_results_come_in_the_order_of_the_items(place: Any) -> None:
    assert run(each(last_first), range(9), place=place) == list(range(9))


@pytest.mark.parametrize("place", PLACES)
def test_an_item_that_fails_in_an_expected_way_is_a_row_and_the_others_are_done(place: Any) -> None:
    failure = Failure("ValueError", "-2 is negative")
    assert run(each(square, ValueError), [1, -2, 3], place=place) == [1, failure, 9]


def unreadable(item: int) -> int:
    raise ValueError(f"cannot read\n{io.BytesIO()} of {item}")


def test_a_failure_says_the_same_in_every_run_wherever_its_objects_lie_in_memory() -> None:
    assert run(each(unreadable, ValueError), [1]) == [Failure("ValueError", "cannot read of 1")]


@pytest.mark.parametrize("place", PLACES)
def test_what_nobody_expected_ends_the_work(place: Any) -> None:
    with pytest.raises(ZeroDivisionError, match="nobody expected this"):
        run(each(square, ValueError), [1, 2, 666, 4], place=place)


def test_work_is_done_where_it_was_asked_for() -> None:
    here, threads, processes = ({*run(each(who), range(40), place=place)} for place in PLACES)
    own = os.getpid()
    assert len(here) == 1 and next(iter(here))[0] == own
    assert {process for process, _ in threads} == {own} and not threads & here
    assert own not in {process for process, _ in processes}


@pytest.mark.parametrize("place", PLACES)
def test_a_batch_that_was_done_is_not_done_again(tmp_path: Path, place: Any) -> None:
    work = tmp_path / "work"
    work.mkdir()
    worker = Worker(partial(load_counted, work))
    assert run(worker, range(4), cached=cached(tmp_path / "store"), place=place) == [0, 1, 4, 9]
    assert run(worker, range(6), cached=cached(tmp_path / "store"), place=place) == [0, 1, 4, 9, 16, 25]
    assert sorted(path.name.split("-")[1] for path in work.glob("done-*")) == ["0", "2", "4"]


def test_nothing_is_loaded_when_everything_is_kept(tmp_path: Path) -> None:
    assert run(each(square), [1, 2], cached=cached(tmp_path)) == [1, 4]
    nobody: Worker[int, int] = Worker(partial(load_counted, tmp_path / "none"))
    assert run(nobody, [1, 2], cached=cached(tmp_path)) == [1, 4]


def test_a_batch_with_a_failure_is_tried_again(tmp_path: Path) -> None:
    work = each(square, ValueError)
    run(work, [1, 2, -3, 4], cached=cached(tmp_path))
    assert cached(tmp_path).get([1, 2]) == [1, 4]
    assert cached(tmp_path).get([-3, 4]) is None


@pytest.mark.parametrize("place", PLACES)
def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path: Path, place: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        run(each(square), [1, 2, 666], size=1, cached=cached(tmp_path), place=place)
    assert [cached(tmp_path).get([number]) for number in (1, 2)] == [[1], [4]]


@pytest.mark.parametrize("place", ["threads", "processes"])
def test_batches_are_taken_a_few_at_a_time(place: Any) -> None:
    taken: list[int] = []

    def items() -> Any:
        for number in range(1000):
            taken.append(number)
            yield number

    results = map_batches(each(square), in_batches(items(), 1), engine=LOCAL, label="test", place=place)
    assert next(results) == [0]
    results.close()
    assert len(taken) < 10


def test_a_process_that_is_ended_from_outside_is_one_clear_error() -> None:
    with pytest.raises(EngineError, match=r"lower engine\.workers"):
        run(each(end), range(4), place="processes")


def test_a_worker_returns_as_many_results_as_it_was_given_items() -> None:
    forgetful: Worker[int, int] = Worker(lambda: lambda batch: list(batch)[1:])
    with pytest.raises(EngineError, match="1 results for 2 items"):
        run(forgetful, [1, 2])


def load_itself() -> Any:
    return list[int]


@pytest.mark.parametrize("place", PLACES)
def test_a_worker_with_a_finish_gives_what_it_makes_of_each_batch_wherever_it_works(tmp_path: Path, place: Any) -> None:
    worker: Worker[int, int] = Worker(load_itself, plus_one)
    assert run(worker, range(3), cached=cached(tmp_path), place=place) == [1, 2, 3]  # the second batch has one item
    assert run(worker, range(9), cached=cached(tmp_path), place=place) == list(range(1, 10))
    assert cached(tmp_path).get([0, 1]) == [1, 2]


def test_the_next_batch_is_computed_while_another_thread_finishes_the_one_before() -> None:
    begun, threads = threading.Event(), set[int]()

    def compute(batch: Any) -> list[int]:
        if batch == [1]:
            begun.set()
        return list(batch)

    def finish(computed: Any) -> list[int]:
        assert begun.wait(20), "the second batch waits for the first one to be finished"
        threads.add(threading.get_ident())
        return list(computed)

    assert run(Worker(lambda: compute, finish), range(4), size=1) == [0, 1, 2, 3]
    assert threads.isdisjoint({threading.get_ident()}) and len(threads) == 1


def test_few_batches_are_computed_before_the_first_one_is_finished() -> None:
    computed: list[int] = []
    worker: Worker[int, int] = Worker(lambda: lambda batch: computed.extend(batch) or batch, plus_one)
    results = map_batches(worker, in_batches(range(100), 1), engine=LOCAL)
    assert next(results) == [1]
    assert len(computed) <= 3


def test_what_cannot_be_finished_ends_the_work_and_what_was_before_it_is_kept(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError, match="finishes 13"):
        run(Worker(load_itself, plus_one), [1, 13, *range(20, 40)], size=1, cached=cached(tmp_path))
    assert cached(tmp_path).get([1]) == [2]
    assert cached(tmp_path).get([39]) is None


def test_progress_is_shown_under_the_label(capsys: pytest.CaptureFixture[str]) -> None:
    run(each(square), range(4), total=2)
    assert "test: 100%" in capsys.readouterr().err
