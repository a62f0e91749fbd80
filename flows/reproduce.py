"""The flow that brings the pipeline up to date, with a Prefect task for each group of stages that is at work."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from queue import Queue
from typing import Any, Literal, cast

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner

from flows import digests, dvc, experiment, results
from flows.dvc import DvcError
from flows.outcomes import Event, Outcome, StageOutcome
from flows.pipeline import Stage
from flows.processes import ending_all
from flows.publish import publish as publish_results
from flows.redact import redactor
from flows.workspace import only_writer

Outcomes = dict[str, StageOutcome]


@task(cache_policy=NO_CACHE, persist_result=False)  # DVC alone decides what is up to date
def show(events: Queue[Event | None]) -> None:
    """What one group of stages prints, until None comes; `DvcError` when one of its stages failed."""
    logger, redact = get_run_logger(), redactor()
    failed = ""
    while (event := events.get()) is not None:
        logger.info("%s", redact(event.named))
        if event.outcome == Outcome.FAILED:
            failed = event.text
    if failed:
        raise DvcError(redact(failed))


class Groups:
    """A task on the run's page for each group of stages, while one of them is at work; `left` are those to come."""

    def __init__(self, left: Iterable[Stage]) -> None:
        self._left = Counter(stage.group for stage in left)
        self._open: dict[str, Queue[Event | None]] = {}
        self._shown: list[PrefectFuture[None]] = []
        self._logger, self._redact = get_run_logger(), redactor()

    def take(self, event: Event) -> None:
        """Take one event of `flows.dvc.reproduce`."""
        group = event.stage.partition("@")[0]
        if group not in self._open and (event.kind == "begun" or event.outcome in (Outcome.RESTORED, Outcome.FAILED)):
            self._open[group] = Queue()
            self._shown.append(show.with_options(name=group).submit(self._open[group]))
        if event.text and group in self._open:
            self._open[group].put(event)
        elif event.text and not event.text.endswith("didn't change, skipping"):
            self._logger.info("%s", self._redact(event.named))
        if event.outcome:
            self._left[group] -= 1
            if self._left[group] == 0 and group in self._open:
                self._open.pop(group).put(None)

    def end(self) -> None:
        """Let all tasks end."""
        for events in self._open.values():
            events.put(None)
        for shown in self._shown:
            shown.wait()


@flow(name="reproduce", task_runner=cast(Any, ThreadPoolTaskRunner()), persist_result=False)
def reproduce(
    targets: list[str] | None = None,
    regions: list[str] | None = None,
    models: list[str] | None = None,
    overrides: dict[str, Any] | None = None,
    devices: list[str] | None = None,
    jobs: int | None = None,
    publish: Literal["none", "branch"] = "none",
    root: Path = Path(),
) -> dict[str, str]:
    """Bring stages up to date; returns what became of each that was stale.

    Args:
        targets: Stages (`judge`, `collect@jp`) to bring up to date with all that they need; everything by default.
        regions: Narrows the targets to stages of these regions, and of no region where targets are named.
        models: Narrows the targets in the same way to stages of these models.
        overrides: Params to change for this run, `generate.seeds: [0, 1]`; the run becomes a DVC experiment and the
            workspace stays as it is. Code, keys, servers and paths outside of the workspace cannot be named.
        devices: GPUs as `CUDA_VISIBLE_DEVICES` names them; one stage at a time runs on each. By default this machine's.
        jobs: How many stages are at work at once; by default as many as there is room for.
        publish: `branch`: after success `dvc push`, and dvc.lock with the metrics on the branch `results`.
        root: The workspace.
    """
    chosen = (targets or (), regions or (), models or (), devices, jobs)
    logger = get_run_logger()
    with ending_all(), ExitStack() as stack:
        if not overrides:
            stack.enter_context(only_writer(root, logger.info))
            return _reproduce(root, *chosen, publish)
        experiment.refuse_unsafe(root, overrides)
        with only_writer(root, logger.info):
            copy = stack.enter_context(experiment.checkout(root, overrides))
        found = _reproduce(copy, *chosen, "none")
        name = str(flow_run.name)
        experiment.keep(root, copy, name)
        logger.info("Kept as the experiment %s: `dvc exp apply %s` takes it over.", name, name)
        return found


def _reproduce(
    root: Path,
    targets: Sequence[str],
    regions: Sequence[str],
    models: Sequence[str],
    devices: list[str] | None,
    jobs: int | None,
    publish: str,
) -> dict[str, str]:
    logger = get_run_logger()
    started = time.monotonic()
    digests.note(root)  # once: each task of the run takes it as it is
    pipeline = dvc.look(root=root, noted=True)
    selected = pipeline.select(targets, regions, models)
    stale = [name for name in selected if name in pipeline.stale]
    logger.info("%d of %d stages are stale.", len(stale), len(selected))
    before = results.metrics(root)
    found: Outcomes = {}
    try:
        _run([selected[name] for name in stale], root, devices, jobs, found)
    except DvcError:
        results.publish_stages(selected, found, time.monotonic() - started)
        raise
    results.publish_stages(selected, found, time.monotonic() - started)
    results.publish_results(root, before)
    if publish == "branch":
        redact = redactor()
        commit = publish_results(root, lambda line: logger.info("%s", redact(line)))
        logger.info("Published as %s.", commit)
    return {name: outcome.outcome.value for name, outcome in found.items()}


def _run(stale: Sequence[Stage], root: Path, devices: list[str] | None, jobs: int | None, found: Outcomes) -> None:
    """Run the stale stages, and add to `found` what becomes of each, also when one fails."""
    if not stale:
        return
    groups = Groups(stale)
    names = [stage.name for stage in stale]
    outcomes: tuple[StageOutcome, ...] = ()
    try:
        outcomes = dvc.reproduce(names, root=root, on_event=groups.take, single=True, jobs=jobs, devices=devices)
    except DvcError as error:
        outcomes = error.outcomes
        raise DvcError(redactor()(str(error)), outcomes) from None
    finally:
        found.update({outcome.stage: outcome for outcome in outcomes})
        groups.end()
