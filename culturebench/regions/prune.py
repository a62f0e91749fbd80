"""What a region leaves in the data when it is taken out of `params.yaml`."""

from __future__ import annotations

from pathlib import Path

from culturebench.artifacts import (
    agreement,
    annotated,
    candidates,
    captioned,
    labels,
    placebos,
    places,
    relevance,
    screened,
)
from culturebench.errors import CultureBenchError
from culturebench.params import load_document

#: One file per region, written region by region and read as a whole by the stages that join regions.
FOLDERS = (
    *(str(Path(out.PATH).parent) for out in (candidates, screened, relevance, annotated, agreement, captioned)),
    labels.DIRECTORY,
    places.DIRECTORY,
    placebos.DIRECTORY,
)
_SUFFIXES = (".parquet", ".json")


def prune(root: Path) -> list[str]:
    """Delete the data of regions that `params.yaml` does not list; one sentence for each region.

    The joint stages read listed regions only, but DVC looks at the whole folder: with a file too many it would never
    know an earlier state again, nor another clone's. DVC's cache keeps what is deleted here.
    """
    try:
        listed = load_document(root / "params.yaml").get("regions")
    except CultureBenchError:
        return []  # the pipeline says what is wrong with it
    if not isinstance(listed, list) or not listed:
        return []
    files = [path for folder in FOLDERS for path in sorted((root / folder).glob("*")) if path.suffix in _SUFFIXES]
    left = [path for path in files if path.stem not in listed]
    for path in left:
        path.unlink()
    return [f"The data of {code} left with it: it is not in params.yaml." for code in sorted({p.stem for p in left})]
