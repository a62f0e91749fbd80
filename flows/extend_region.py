"""The flow that brings a region's pictures to its experts; the wait for them lies between this one and the next."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_link_artifact, create_table_artifact

from culturebench.artifacts import candidates, duplicates, screened
from culturebench.errors import CultureBenchError
from culturebench.label_studio import region as work
from culturebench.label_studio.connect import connect
from culturebench.params import load_document
from flows import shown
from flows.redact import redactor
from flows.reproduce import reproduce
from flows.workspace import only_writer


@flow(name="extend_region", persist_result=False)
def extend_region(region: str, root: Path = Path()) -> dict[str, int]:
    """Collect, screen and deduplicate, then push what was kept to Label Studio; returns what became of the pictures.

    Args:
        region: The code of a region that `regions` in params.yaml lists.
        root: The workspace.
    """
    logger = get_run_logger()
    listed = load_document(root / "params.yaml")["regions"]
    if region not in listed:
        raise CultureBenchError(
            f"the region {region!r} is not in `regions` of params.yaml ({', '.join(listed)}); "
            f"`culturebench region add {region} --country … --language …` puts it there"
        )
    server, place = connect(os.environ)
    reproduce(targets=["deduplicate"], root=root)
    with only_writer(root, logger.info):
        pushed = work.push(root, server, place, region)
    for name, reason in sorted(pushed.left_out.items()):
        logger.warning("%s is left out: %s", name, redactor()(reason))
    counts = _counts(root, region) | {"sent": pushed.created, "there before": pushed.present}
    rows = [{"pictures": name, "number": number} for name, number in counts.items()]
    said = f"From the sources of {region} to its experts."
    create_table_artifact(shown.cells(rows), key=f"{region}-pictures", description=said)
    create_link_artifact(server.url, link_text="Label Studio", key=f"{region}-experts")
    logger.info("%d pictures of %s are new for its experts.", pushed.created, region)
    return counts


def _counts(root: Path, region: str) -> dict[str, int]:
    """How many pictures each step kept, and why it dropped the others."""
    counts: dict[str, int] = {}
    steps: tuple[tuple[str, Any, str], ...] = (
        ("collected", candidates, "error"),
        ("screened", screened, "reason"),
        ("deduplicated", duplicates, "reason"),
    )
    for step, artifact, reason in steps:
        rows: list[Any] = artifact.TABLE.load(root / artifact.PATH.format(region=region), ["status", reason])
        good = [row for row in rows if row["status"] in ("ok", "kept")]
        counts[step] = len(good)
        bad = Counter(str(row[reason]) for row in rows if row["status"] not in ("ok", "kept"))
        counts |= {f"{step}, dropped: {name}": number for name, number in sorted(bad.items())}
    return counts
