"""What a person sees of a run in Prefect: tables, pictures and plots as artifacts."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from culturebench.artifacts import evaluation, layer_probe, pictures, strength
from culturebench.ethics import XMP
from culturebench.evaluation.names import MINUS
from culturebench.params import load_document
from culturebench.release.markdown import code
from culturebench.report import charts, gallery
from flows import shown
from flows.outcomes import StageOutcome
from flows.pipeline import Stage

REPORT = Path("reports/index.html")
#: Where the metrics of the last finished run are kept, to tell what has changed since.
LAST = Path(".dvc/tmp/culturebench/metrics.json")
MAIN = "culture_vqa"  # the first column
PIXELS = 96  # of each picture in the grid
HEADING = 14  # pixels, height of a line of text in the grid

Metrics = dict[str, dict[str, dict[str, float]]]  # by model, condition and measure


def publish_stages(selected: Mapping[str, Stage], found: Mapping[str, StageOutcome], seconds: float) -> None:
    """The table of all stages: what became of each, and how long it took."""
    rows = stages_table(selected, found)
    counts = {kind: sum(row["outcome"] == kind for row in rows) for kind in ("ran", "restored", "cached", "failed")}
    counted = ", ".join(f"{number} {kind}" for kind, number in counts.items() if number)
    description = f"{counted or 'no stage'}; {seconds:.0f} s in all"
    create_table_artifact(shown.cells(rows), key="stages", description=description)


def stages_table(selected: Iterable[str], found: Mapping[str, StageOutcome]) -> list[dict[str, Any]]:
    """One row per stage, in their order; those that were cached come last, since hundreds of them hide the others."""
    rows = [
        {
            "stage": name,
            "outcome": found[name].outcome.value if name in found else "cached",
            "seconds": round(found[name].seconds, 1) if name in found else 0.0,
        }
        for name in selected
    ]
    return sorted(rows, key=lambda row: row["outcome"] == "cached")


def metrics(root: Path) -> Metrics:
    """Those of the last finished run here, else what lies in reports/; empty when there are none yet."""
    return _read(root / LAST) or _read(root / evaluation.SUMMARY_PATH)


def publish_results(root: Path, before: Metrics) -> None:
    """Metrics with their change, pictures, plots and a link to the report, as far as they are there."""
    now = _read(root / evaluation.SUMMARY_PATH)
    if now:
        description = "All regions, judges pooled; in brackets the change since the last run."
        create_table_artifact(shown.cells(metrics_table(now, before)), key="metrics", description=description)
        (root / LAST).parent.mkdir(parents=True, exist_ok=True)
        (root / LAST).write_text(json.dumps(now), encoding="utf-8")
    for model in load_document(root / "params.yaml")["models"]:
        _publish_model(root, model)
    report = (root / REPORT).resolve()
    if report.is_file():
        create_link_artifact(report.as_uri(), "The report", key="report", description=code(str(report)))


def metrics_table(now: Metrics, before: Metrics) -> list[dict[str, str]]:
    """One row per model and condition, one column per measure; paired differences are left to the report."""
    return [
        {"model": model, "condition": condition}
        | {
            name: _cell(value, before.get(model, {}).get(condition, {}).get(name))
            for name, value in sorted(measures.items(), key=lambda item: item[0] != MAIN)
            if name != MINUS
        }
        for model, conditions in now.items()
        for condition, measures in conditions.items()
    ]


def _cell(value: float, before: float | None) -> str:
    if before is None:
        return f"{value:.3f} (new)"
    return f"{value:.3f} ({value - before:+.3f})" if value != before else f"{value:.3f}"


def _read(path: Path) -> Metrics:
    """Empty as well for a file that a kill cut off: whoever wrote it writes it anew."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def _publish_model(root: Path, model: str) -> None:
    # Prefect's image artifacts print the picture's whole address below it, and here that is the picture.
    if (grid := picture_grid(root, model)) is not None:
        create_markdown_artifact(f"![pictures]({grid})", key=shown.key("pictures", model), description=_FIRST_PROMPTS)
    plots = "\n\n".join(f"{_CAPTIONS[name]}\n\n![{name}]({_standalone(svg)})" for name, svg in _plots(root, model))
    if plots:
        create_markdown_artifact(plots, key=shown.key("plots", model), description=_PLOTS)


_FIRST_PROMPTS = "The first test prompt of each region, with the same noise under every condition."
_PLOTS = "Where culture fades, and how strong an edit may be."
_CAPTIONS = {
    "layers": "How cultural attention changes from layer to layer (ΔCA), with its interval and the marked layer:",
    "amplify": "CultureVQA by the strength λ of amplification; the other line is the share of right objects:",
    "activate": "CultureVQA by the strength λ of activation; the other line is the share of right objects:",
}


def picture_grid(root: Path, model: str) -> str | None:
    """A row per region, a column per condition, as the `data:` URI of a JPEG; None without pictures."""
    paths = {name: root / pictures.TEST_PATH.format(model=model, condition=name) for name in gallery.COLUMNS}
    rows = {name: pictures.TABLE.load(path) for name, path in paths.items() if path.exists()}
    if not rows:
        return None
    made = {name: {(row["prompt_id"], row["seed"]): row for row in found} for name, found in rows.items()}
    first = gallery.first_prompts(next(iter(rows.values())), list(load_document(root / "params.yaml")["regions"]))
    sheet = Image.new("RGB", ((len(made) + 1) * PIXELS, HEADING + len(first) * PIXELS), "white")
    draw = ImageDraw.Draw(sheet)
    for column, (name, by_key) in enumerate(made.items(), start=1):
        draw.text((column * PIXELS + 2, 1), name, fill="black")
        for row, (region, key) in enumerate(first.items()):
            top = HEADING + row * PIXELS
            draw.text((4, top + PIXELS // 2), region, fill="black")
            if key in by_key:
                with Image.open(io.BytesIO(by_key[key]["image"])) as picture:
                    small = picture.convert("RGB").resize((PIXELS, PIXELS), Image.Resampling.LANCZOS)
                    sheet.paste(small, (column * PIXELS, top))
    buffer = io.BytesIO()
    sheet.save(buffer, format="JPEG", quality=85, xmp=XMP)
    return _data_uri("image/jpeg", buffer.getvalue())


def _plots(root: Path, model: str) -> Iterator[tuple[str, str]]:
    document = load_document(root / "params.yaml")
    for encoder in document["models"][model]["towers"]:
        path = root / layer_probe.LAYER_PATH.format(encoder=encoder)
        if path.exists() and not layer_probe.closed(path):
            (chosen, *_) = charts.layer_charts(layer_probe.load_layer(path))
            yield "layers", next(panel["svg"] for panel in chosen["panels"] if panel["chosen"])
    path = root / strength.PATH.format(model=model)
    if path.exists():
        found = strength.load(path)
        yield from ((edit, charts.strength_chart(edit, found[edit])) for edit in _CAPTIONS if edit in found)


def _standalone(svg: str) -> str:
    """A chart of the report as a picture of its own, with the page's style inside."""
    style = files("culturebench.report").joinpath("templates/style.css").read_text(encoding="utf-8")
    tag, rest = svg.split(">", 1)
    tag = tag.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg" width="520" style="background: var(--card)"', 1)
    return _data_uri("image/svg+xml", f"{tag}><style>{style}</style>{rest}".encode())


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
