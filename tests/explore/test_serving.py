"""Who may ask the page for what, without a browser."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from culturebench.explore import page
from culturebench.explore.serving import app_of, is_loopback
from culturebench.explore.studio import Studio


def client(studio: Studio, host: str = "127.0.0.1") -> tuple[TestClient, str]:
    app, path = app_of(studio, host)
    return TestClient(app, base_url="http://127.0.0.1:80"), path


def test_on_loopback_the_page_is_at_the_root_and_a_browser_may_load_nothing_from_elsewhere(studio: Studio) -> None:
    asked, path = client(studio)
    answer = asked.get(path)
    assert (path, answer.status_code) == ("/", 200)
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert not re.findall(
        r'(?:src|href)="(?!data:)(?:https?:)?//(?!127\.0\.0\.1)[^"]*"', answer.text.split("</head>")[0]
    )
    assert not page.build(studio).analytics_enabled


def test_elsewhere_the_link_has_a_random_token_and_nothing_is_answered_without_it(studio: Studio) -> None:
    (asked, first), (_, second) = client(studio, "0.0.0.0"), client(studio, "0.0.0.0")
    assert first != second and len(first) >= 22
    assert asked.get(first).status_code == 200
    for path in ("/", "/config", second, f"{first[:-2]}/", "/gradio_api/queue/data", f"{first[:-1]}x/"):
        assert asked.get(path).status_code == 404, path


def test_nothing_is_uploaded_fetched_or_read_by_the_paths_that_gradio_has_for_that(studio: Studio) -> None:
    asked, _ = client(studio)
    for path in ("/gradio_api/file=params.yaml", "/gradio_api/proxy=http://127.0.0.1:1/", "/llms.txt", "/monitoring",
                 "/gradio_api/info", "/gradio_api/vibe-code", "/login", "/docs"):  # fmt: skip
        assert asked.get(path).status_code == 404, path
    assert asked.post("/gradio_api/upload", files={"files": ("x", b"x")}).status_code == 404


def test_pages_of_other_sites_and_names_cannot_ask(studio: Studio) -> None:
    asked, _ = client(studio)
    other = {"sec-fetch-site": "cross-site"}
    assert asked.post("/gradio_api/queue/join", json={}, headers=other).status_code == 404
    assert asked.get("/", headers={"host": "rebound.example"}).status_code == 404
    for host in ("localhost:7860", "[::1]:7860", "127.0.0.1"):
        assert asked.get("/", headers={"host": host}).status_code == 200, host


@pytest.mark.parametrize(
    ("host", "only_here"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("::", False), ("a.example", False)],
)
def test_loopback_is_what_only_this_machine_reaches(host: str, only_here: bool) -> None:
    assert is_loopback(host) == only_here
