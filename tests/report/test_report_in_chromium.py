"""The page as a person gets it: opened from disk in a real browser."""

import io
from collections.abc import Iterator

import pytest
from PIL import Image

from chromium import Page, browse

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(small_run, tmp_path_factory) -> Iterator[Page]:
    path = small_run.report()
    with browse(tmp_path_factory.mktemp("profile")) as opened:
        opened.resize(1280, 900)
        opened.open(path.resolve().as_uri())
        yield opened


def test_the_page_loads_without_a_complaint_and_asks_nobody_for_anything(page):
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.complaints == []
    outside = [url for url in page.requests if not url.startswith(("data:", "file:"))]
    assert outside == []
    assert len([url for url in page.requests if url.startswith("file:")]) == 1


def test_every_picture_is_drawn(page):
    sizes = page.evaluate("[...document.images].map(i => i.complete ? i.naturalWidth : 0)")
    assert len(sizes) > 4 * 7
    assert min(sizes) >= 32


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (420, False), (1280, True)])
def test_the_page_is_not_blank_and_fits_the_window(page, width, dark):
    page.resize(width, 900, dark=dark)
    page.evaluate("window.scrollTo(0, 0)")
    with Image.open(io.BytesIO(page.screenshot())) as shot:
        colours = shot.convert("RGB").getcolors(maxcolors=1 << 24)
    assert colours is not None and len(colours) > 500
    assert max(count for count, _ in colours) < 0.9 * width * 900
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(int(v) for v in ground[4:-1].split(",")) < 200) == dark


def test_arabic_runs_from_right_to_left_and_every_prompt_names_its_language(page):
    arabic = page.evaluate(
        "[...document.querySelectorAll('[lang=ar]')].map(e => [e.dir, getComputedStyle(e).direction])"
    )
    assert arabic and all(pair == ["rtl", "rtl"] for pair in arabic)
    japanese = page.evaluate("[...document.querySelectorAll('[lang=ja]')].map(e => e.dir)")
    assert japanese and set(japanese) == {"ltr"}


def test_every_picture_has_a_text_and_every_link_a_goal(page):
    assert page.evaluate("[...document.images].every(i => i.alt.length > 3)")
    assert page.evaluate(
        "[...document.querySelectorAll('nav a')].every(a => document.querySelector(a.getAttribute('href')))"
    )
    assert page.evaluate("[...document.querySelectorAll('svg.plot')].every(s => s.getAttribute('aria-label'))")
