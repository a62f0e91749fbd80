"""Label Studio's pages as a person uses them: log in, wait until something is there, click it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from chromium import Page
from studio import Expert, Studio

SUBMIT = "document.querySelector('button[aria-label=\"Submit current annotation\"]')"


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def wait_for(page: Page, expression: str) -> None:
    wait_until(lambda: page.evaluate(expression))


def click(page: Page, selector: str) -> None:
    """Click as soon as it is there; found and clicked at once, for the page draws itself anew while it loads."""
    find = f"document.querySelector({json.dumps(selector)})"
    wait_for(page, f"(() => {{ const found = {find}; found?.click(); return !!found }})()")


def enter(page: Page, studio: Studio, expert: Expert) -> None:
    """Log in as a person does."""
    page.resize(1500, 1000)
    page.open(f"{studio.entry.url}/user/login/")
    who = f"f.email.value = {json.dumps(expert.email)}; f.password.value = {json.dumps(expert.password)}"
    page.evaluate(f"(() => {{ const f = document.querySelector('form'); {who}; f.submit() }})()")
    wait_for(page, "location.pathname !== '/user/login/'")
