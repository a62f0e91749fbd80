"""`culturebench explore` as people get it: a real browser on the page of a reproduced project."""

from __future__ import annotations

import base64
import json
import runpy
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from chromium import PATIENCE, Page, browse
from culturebench.conditions import condition
from culturebench.ethics import marked
from culturebench.interventions.load_culture import load_culture
from culturebench.params import load_document, load_section
from culturebench.params.models import Models
from culturebench.text_to_image.sampling import Painter, Shot
from culturebench.text_to_image.systems import load_pinned, load_towers
from workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("explore")]

COMMAND = "culturebench explore"
PICTURES = "[...document.querySelectorAll('#pair img')].map(i => i.src)"
CODE = "(document.querySelector('#code .cm-content')?.innerText.trim() ?? '')"
CONTROLS = ["prompt", "examples", "region", "mode", "strength", "seed", "steps", "go", "strip", "stop", "pair", "row"]
WANTED = json.dumps(CONTROLS)
REASON = "document.querySelector('#message .reason')?.textContent"


@pytest.fixture(scope="module")
def address(finished: Workspace) -> Iterator[str]:
    """Where the page is; the command's process ends with an interrupt, as from a terminal."""
    env = {**finished.shell, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        shlex.split(COMMAND), cwd=finished.root, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        yield process.stdout.readline().removeprefix("The page is at ").strip()
        process.send_signal(signal.SIGINT)
        assert process.wait(120) in (0, 130, -signal.SIGINT)


@pytest.fixture(scope="module")
def visitors(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Page]]:
    """Two people with browsers of their own, each before the pictures that the page begins with."""
    with ExitStack() as open_pages:
        pages = [open_pages.enter_context(browse(tmp_path_factory.mktemp("profile"))) for _ in range(2)]
        for page in pages:
            page.resize(1280, 1000)
            page.open(address)
            page.wait_for(f"{PICTURES}.length == 2")
        yield pages


def set_number(page: Page, name: str, value: str) -> None:
    """Type a number into a control's field."""
    page.evaluate(f"document.querySelector('#{name} input[type=number]').select()")
    page.write(value)
    page.press("Enter")


def ask(page: Page, prompt: str) -> None:
    """Replace the prompt."""
    page.evaluate("document.querySelector('#prompt textarea').select()")
    page.write(prompt)


def choose(page: Page, name: str, shown: str) -> None:
    """Choose an entry of a list by what it shows; a picture that comes meanwhile may close the list."""
    control = f"document.querySelector('#{name} input')"
    option = f"[id^='${{{control}.getAttribute('aria-controls')}}-option'][aria-label='{shown}']"
    deadline = time.monotonic() + PATIENCE
    while page.evaluate(f"{control}.value") != shown:
        assert time.monotonic() < deadline, f"{shown} could not be chosen"
        if page.evaluate(f"{control}.ariaExpanded") != "true":
            page.click_on(f"#{name} input")
        elif there := page.evaluate(f"document.querySelector(`{option}`)?.id"):
            page.click_on(f"#{there}")
        time.sleep(0.1)


def edited(page: Page, *said: str) -> bytes:
    """The edited picture's bytes, once the page's code says what it should."""
    wanted = " && ".join(f"code.includes({text!r})" for text in said)
    page.wait_for(f"(code => code && {wanted} && {PICTURES}.length == 2)({CODE})")
    return base64.b64decode(page.evaluate(f"{PICTURES}[1]").partition(",")[2])


def by_the_library(root: Path, prompt: str, strength: float, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What stages make of a prompt amplified for Japan, from noise 0."""
    monkeypatch.chdir(root)
    model = load_section(Models, load_document()).root["atlas"]
    system = load_pinned(model, load_towers(Path("models/towers/atlas.json")), Path("models/systems/atlas"), 2)
    culture = load_culture(Path("models/bound/atlas"), "atlas")
    done = culture.intervention(condition("amplified"), strength, "jp", 0)
    return marked(Painter(system)([Shot(prompt, 0, done)])[0])


def test_a_moved_slider_makes_another_picture_and_it_is_the_librarys_own_bit_for_bit(
    finished: Workspace, visitors: list[Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = visitors[0]
    before = edited(page, "strength=")
    page.evaluate("document.querySelector('#strength input[type=range]').focus()")
    page.press("Home", *["ArrowLeft"] * 2)
    assert edited(page, "mode='amplify'") and page.wait_for(f"{CODE} && !{CODE}.includes('strength=')")
    set_number(page, "strength", "1.5")
    picture = edited(page, "strength=1.5")
    prompt = page.evaluate("document.querySelector('#prompt textarea').value")
    assert picture != before
    assert picture == by_the_library(finished.root, prompt, 1.5, monkeypatch)


def test_the_three_lines_on_the_page_write_the_same_file(
    finished: Workspace, visitors: list[Page], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_number(visitors[0], "strength", "2.5")
    picture = edited(visitors[0], "strength=2.5")
    for path in finished.root.iterdir():  # the project, but for what the lines write
        (tmp_path / path.name).symlink_to(path)
    lines = visitors[0].evaluate(CODE)
    assert lines.count("\n") == 2
    (tmp_path / "lines.py").write_text(lines, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    runpy.run_path("lines.py")
    assert (tmp_path / "picture.png").read_bytes() == picture


def test_two_visitors_at_once_get_their_own_pictures(
    finished: Workspace, visitors: list[Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    for page, strength in zip(visitors, ("0.7", "3.1"), strict=True):
        set_number(page, "strength", strength)
    one, other = (edited(page, f"strength={s}") for page, s in zip(visitors, ("0.7", "3.1"), strict=True))
    prompt = visitors[0].evaluate("document.querySelector('#prompt textarea').value")
    for picture, strength in ((one, 0.7), (other, 3.1)):
        assert picture == by_the_library(finished.root, prompt, strength, monkeypatch)


def test_the_strip_shows_every_strength_with_what_judges_say(visitors: list[Page]) -> None:
    page = visitors[1]
    page.evaluate("document.querySelector('#strip').click()")
    page.wait_for("document.querySelectorAll('#row img').length == 3")
    said = page.evaluate("[...document.querySelectorAll('#row figcaption')].map(c => c.innerText)")
    assert [text.splitlines()[0] for text in said] == ["λ 0", "λ 2", "λ 4"]
    assert all("atlas_cnn: " in text and "atlas_vit: " in text for text in said)
    assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth == 64 && i.alt.length > 3)")


def test_everything_is_reached_by_the_keyboard(visitors: list[Page]) -> None:
    page = visitors[1]
    edited(page, "strength=")
    page.evaluate("window.scrollTo(0, 0)")
    page.click(5, 5)  # the focus begins where somebody has clicked
    reached: list[str] = []
    for _ in range(30):
        page.press("Tab")
        reached.append(page.evaluate(f"{WANTED}.find(id => document.activeElement.closest('#' + id)) ?? ''"))
    assert list(filter(None, dict.fromkeys(reached))) == CONTROLS


def test_what_a_visitor_writes_stays_text_and_an_ambiguous_prompt_is_refused_with_the_reason(
    visitors: list[Page],
) -> None:
    page = visitors[0]
    hostile = "<img src=x onerror=window.owned=1>${window.owned=2}{{window.owned=3}} 椀"
    ask(page, hostile)
    page.wait_for(f"{CODE}.includes('onerror')")
    assert page.evaluate("document.querySelectorAll('#pair img')[1].alt").endswith(hostile)
    choose(page, "region", "By language")
    ask(page, "<b>kom</b>")
    page.wait_for(f"{REASON}?.includes(\"the language of the prompt '<b>kom</b>' could be any of\")")
    assert page.evaluate(f"{PICTURES}.length") == 0
    assert page.evaluate("[window.owned, document.querySelectorAll('#message b, #language b').length]") == [None, 0]


def test_nobody_outside_was_asked_for_anything_and_the_browser_has_no_complaint(
    address: str, visitors: list[Page]
) -> None:
    for page in visitors:
        page.evaluate("1")
        assert [url for url in page.requests if not url.startswith((address, "data:", "blob:"))] == []
        assert page.complaints == []
