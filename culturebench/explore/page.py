"""The page in Gradio; what its controls do is in `Handlers`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from culturebench.explore import shown
from culturebench.explore.handlers import Handlers, Told, Values
from culturebench.explore.modes import Mode
from culturebench.explore.project import Project
from culturebench.explore.settings import MAX_LETTERS, MAX_STEPS, PLAIN
from culturebench.explore.studio import Studio
from culturebench.extras import needed

with needed("explore"):
    import gradio
    from gradio import Progress, Request

gr: Any = gradio  # its own stubs know neither what events take nor what they give

TITLE = "CultureBench: explore"
ATLAS = (
    "Atlas: a small world drawn by this project, and a small model trained on it. What it shows says nothing about "
    "any published model."
)
#: One pipeline is not for two threads: pictures and strips of all visitors wait in one line.
ALONE: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "pictures", "api_visibility": "private"}
AT_ONCE: dict[str, Any] = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
WAITING = 64  # visitors in that line


def build(studio: Studio) -> Any:
    """The page; on the atlas a control that moves makes a picture, on other models the button does."""
    handlers, project = Handlers(studio), studio.project
    live = project.atlas
    with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
        gr.HTML(_heading(studio))
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                controls = _controls(studio)
                with gr.Row():
                    go = gr.Button("Draw", variant="primary", min_width=90, elem_id="go")
                    strip = gr.Button("Strip", min_width=90, elem_id="strip")
                    stop = gr.Button("Stop", min_width=90, elem_id="stop")
            with gr.Column(scale=3, min_width=320):
                message = gr.HTML(elem_id="message")
                pair = gr.HTML(elem_id="pair", min_height=80)
                row = gr.HTML(elem_id="row")
                code = gr.Code(
                    language="python", label="These three lines, in the project's root, make the edited picture",
                    interactive=False, wrap_lines=True, lines=3, elem_id="code",
                )  # fmt: skip
        if project.cards:
            _cards(project)
        inputs = [controls[name] for name in ("prompt", "region", "tower", "mode", "strength", "seed", "steps")]
        prompt, mode, strength = controls["prompt"], controls["mode"], controls["strength"]
        language = {"inputs": prompt, "outputs": controls["language"], **AT_ONCE}
        gr.on([page.load, prompt.change], lambda text: shown.language_of(studio, str(text)), **language)
        controls["examples"].input(str, controls["examples"], prompt, **AT_ONCE)
        moved = mode.input(lambda name: gr.Slider(**slider_of(studio, name)), mode, strength, **AT_ONCE)

        pair_of, strip_of = _drawing(handlers)
        pictures = {"fn": pair_of, "inputs": inputs, "outputs": [pair, code, message], **ALONE}
        moving = [strength.input, controls["region"].input, controls["tower"].input, controls["seed"].input]
        moving += [controls["steps"].input, prompt.change, page.load]
        begun = [gr.on([go.click, prompt.submit], **pictures)]
        begun += [gr.on(moving, trigger_mode="always_last", **pictures), moved.then(**pictures)] if live else []
        begun.append(strip.click(strip_of, inputs, [row, message], **ALONE))
        stop.click(_stopper(handlers), None, message, cancels=begun, **AT_ONCE)
        page.unload(_leaver(handlers))
    return page.queue(max_size=WAITING, api_open=False)


def _cards(project: Project) -> None:
    """The neurons' cards, one region at a time."""
    with gr.Accordion("Neuron cards", open=False, elem_id="cards"):
        first = next(iter(project.regions))
        codes = [(f"{one.country} ({code})", code) for code, one in project.regions.items()]
        region = gr.Dropdown(codes, value=first, label="Region")
        held = gr.HTML(shown.cards_of(project, first), elem_classes="cards")
        region.input(lambda code: shown.cards_of(project, str(code)), region, held, **AT_ONCE)


def _heading(studio: Studio) -> str:
    said = ATLAS if studio.project.atlas else "Pictures here are made by a model; none is a photograph."
    return f"<h1>Model {shown.text(studio.project.name)}</h1>{shown.note(said)}"


def _controls(studio: Studio) -> dict[str, Any]:
    """The controls by name, in the order of the page."""
    project, modes = studio.project, studio.modes
    examples = project.examples()
    regions = [(f"{one.country} ({code})", code) for code, one in project.regions.items()]
    labels = [(mode.label, name) for name, mode in modes.items()]
    first = next(iter(modes), PLAIN)
    towers = project.probed
    here = next(iter(project.regions))
    return {
        "prompt": gr.Textbox(examples.get(here, ""), label="Prompt", lines=2, max_length=MAX_LETTERS, elem_id="prompt"),
        "language": gr.HTML(elem_id="language"),
        "examples": gr.Dropdown(
            [(f"{code}: {text}", text) for code, text in examples.items()],
            value=None,
            label="Test prompts",
            elem_id="examples",
        ),
        "region": gr.Dropdown([("By language", ""), *regions], value=here, label="Region", elem_id="region"),
        "tower": gr.Dropdown(towers, value=project.tower, label="Tower", visible=len(towers) > 1, elem_id="tower"),
        "mode": gr.Dropdown([("Nothing", PLAIN), *labels], value=first, label="What is done", elem_id="mode"),
        "strength": gr.Slider(**slider_of(studio, first), elem_id="strength"),
        "seed": gr.Number(0, label="Seed of the noise", precision=0, minimum=0, elem_id="seed"),
        "steps": gr.Slider(1, min(MAX_STEPS, 100), project.steps, step=1, label="Steps", elem_id="steps"),
    }


def slider_of(studio: Studio, name: str) -> dict[str, Any]:
    """The slider of a mode: up to the largest strength that was tried, at the chosen one; at rest without strengths."""
    mode: Mode | None = studio.modes.get(name)
    if mode is None or not mode.strengths:
        return {"minimum": 0, "maximum": 1, "value": 0, "step": 0.1, "label": "Strength λ", "interactive": False}
    span = {"minimum": 0, "maximum": mode.strengths[-1], "value": mode.chosen, "step": 0.1}
    return {**span, "label": f"Strength λ (chosen: {mode.chosen:g})", "interactive": True}


def _drawing(handlers: Handlers) -> tuple[Any, Any]:
    """The two functions that make pictures, with the signatures by which Gradio gives request and progress."""

    def pair_of(
        prompt: Any, region: Any, tower: Any, mode: Any, strength: Any, seed: Any, steps: Any,
        request: Request, progress: Progress = Progress(),  # noqa: B008
    ) -> Iterator[tuple[str, str, str]]:  # fmt: skip
        values = Values(prompt, region, tower, mode, strength, seed, steps)
        for now in handlers.pair(values, str(request.session_hash), _bar(progress)):
            yield now.pictures, now.code, now.message

    def strip_of(
        prompt: Any, region: Any, tower: Any, mode: Any, strength: Any, seed: Any, steps: Any,
        request: Request, progress: Progress = Progress(),  # noqa: B008
    ) -> Iterator[tuple[str, str]]:  # fmt: skip
        values = Values(prompt, region, tower, mode, strength, seed, steps)
        for now in handlers.strip(values, str(request.session_hash), _bar(progress)):
            yield now.pictures, now.message

    return pair_of, strip_of


def _bar(progress: Progress) -> Told:
    def tell(passes: int, steps: int) -> None:
        progress((min(passes, steps), steps), desc="Making the picture", unit="steps")

    return tell


def _stopper(handlers: Handlers) -> Any:
    def stop(request: Request) -> str:
        handlers.stop(str(request.session_hash))
        return shown.note("Stopped.")

    return stop


def _leaver(handlers: Handlers) -> Any:
    def leave(request: Request) -> None:
        handlers.leave(str(request.session_hash))

    return leave
