"""The flow that looks for newer revisions of the text encoders and says what each would change; a person decides."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.events import emit_event

from culturebench import hub
from culturebench.artifacts import evaluation, layer_probe, neurons, pins, sae
from culturebench.params import choose, load_document, load_section
from culturebench.params.encoders import Encoders
from culturebench.params.pins import Pins, PinSource
from culturebench.pins import PinError
from culturebench.probing import drift
from culturebench.revisions import PATH, REPORT, Revision, newer, waiting
from flows import dvc, experiment, shown
from flows.drift_report import Compared, report
from flows.processes import ending_all
from flows.redact import redactor
from flows.workspace import only_writer

#: The event for automations; its payload says which encoders, and what moved.
DRIFT = "culturebench.drift"


@dataclass(frozen=True)
class Found:
    """What one revision gives: each encoder's probing, and the rows of the evaluation when one was asked for."""

    probed: Mapping[str, drift.Probed]
    rows: Sequence[evaluation.EvaluationRow]


@flow(name="reprobe", persist_result=False)
def reprobe(encoders: list[str] | None = None, evaluate: bool = False, root: Path = Path()) -> dict[str, str]:
    """Probe what the encoders' pins `follow` where it differs from what they hold; returns what became of each pin.

    The accepted and the other revision are probed in a checkout beside the workspace, which takes from DVC's cache
    what was computed. The report and the proposed pin lie in `reports/drift/`; `culturebench pins accept` takes it.

    Args:
        encoders: Keys of `encoders` in params.yaml; by default all that are probed.
        evaluate: Evaluate the models under both revisions as well.
        root: The workspace.
    """
    document = load_document(root / "params.yaml")
    known, sources = load_section(Encoders, document), load_section(Pins, document)
    by_pin: dict[str, list[str]] = {}
    for encoder in encoders or [name for name, entry in known.root.items() if not entry.closed]:
        by_pin.setdefault(choose(known, encoder).pin, []).append(encoder)
    found: dict[str, str] = {}
    with ending_all():
        for pin, names in by_pin.items():
            found[pin] = _look_at(root, pin, choose(sources, pin), names, evaluate)
            get_run_logger().info("%s: %s", pin, found[pin])
    return found


def _look_at(root: Path, pin: str, source: PinSource, encoders: Sequence[str], evaluate: bool) -> str:
    if source.follow is None:
        return "follows nothing"
    try:
        revision = newer(root, pin, source, **_access())
    except PinError as error:
        return f"skipped, {redactor()(str(error))}"
    if revision is None:
        return "nothing new"
    if waiting(root, revision):
        return f"waits for a person: culturebench pins accept {pin}"
    compared, proposed = _compare(root, revision, encoders, evaluate)
    _publish(root, revision, compared)
    pins.save(root / PATH.format(pin=pin), proposed)
    return "another revision was probed"


def _access() -> dict[str, str | None]:
    return {"token": os.environ.get(hub.TOKEN_VARIABLE), "endpoint": os.environ.get("HF_ENDPOINT")}


def _compare(root: Path, revision: Revision, encoders: Sequence[str], evaluate: bool) -> tuple[Compared, pins.Pin]:
    """Probe both revisions; also returns the pin of the proposed one."""
    logger = get_run_logger()
    sources = load_section(Pins, load_document(root / "params.yaml")).root
    with ExitStack() as stack:
        with only_writer(root, logger.info):
            copy = stack.enter_context(experiment.checkout(root, {}))
        before = probe.with_options(name="accepted")(copy, encoders, evaluate)
        experiment.override(copy, {f"pins.{revision.pin}.{revision.key}": revision.proposed})
        if revision.key == "commit":
            _fetch(copy, revision, sources[revision.pin])
        else:
            experiment.bring(root, copy, revision.proposed)
        after = probe.with_options(name="proposed")(copy, encoders, evaluate)
        proposed = pins.load(copy / pins.PATH.format(pin=revision.pin))
    layers = {name: (before.probed[name].layer, after.probed[name].layer) for name in encoders}
    regions = {name: drift.compare(before.probed[name], after.probed[name]) for name in encoders}
    return Compared(layers, regions, drift.changes(before.rows, after.rows)), proposed


def _fetch(copy: Path, revision: Revision, source: PinSource) -> None:
    """Download the proposed commit to where the accepted one was in the checkout; the workspace's own stays."""
    folder = copy / source.folder
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder)
    wanted = source.model_copy(update={"folder": str(folder), "commit": revision.proposed})
    hub.fetch(revision.pin, wanted, **_access())


@task(cache_policy=NO_CACHE, persist_result=False)
def probe(copy: Path, encoders: Sequence[str], evaluate: bool) -> Found:
    """Bring the checkout's probing up to date, and its evaluation when asked for, and read them."""
    logger, redact = get_run_logger(), redactor()
    targets = [f"select_neurons@{name}" for name in encoders] + ["evaluate"] * evaluate
    try:
        dvc.reproduce(targets, root=copy, on_line=lambda line: logger.info("%s", redact(line)))
    except dvc.DvcError as error:
        raise dvc.DvcError(redact(str(error)), error.outcomes) from None
    templates = (layer_probe.LAYER_PATH, sae.PATH, neurons.PATH)
    probed = {name: drift.read(*(copy / path.format(encoder=name) for path in templates)) for name in encoders}
    return Found(probed, evaluation.load(copy / evaluation.PATH) if evaluate else [])


def _publish(root: Path, revision: Revision, compared: Compared) -> None:
    text = report(revision, compared)
    (root / REPORT).parent.mkdir(parents=True, exist_ok=True)
    (root / REPORT.format(pin=revision.pin)).write_text(text, encoding="utf-8")
    create_markdown_artifact(text, key=shown.key("drift", revision.pin))
    payload = {
        "pin": revision.pin,
        "proposed": revision.proposed,
        "layers_moved": compared.layers_moved,
        "regions_moved": compared.regions_moved,
    }
    emit_event(DRIFT, resource={"prefect.resource.id": f"culturebench.pin.{revision.pin}"}, payload=payload)
