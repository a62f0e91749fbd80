"""No form of a secret that a server echoes is left in a text, and ordinary words stay."""

from __future__ import annotations

import base64
from collections.abc import Callable
from urllib.parse import quote

import pytest

from culturebench.masking import masker

KEY = "sk-proj-4fQ/9zT+Lw2bX7nV0aRkE6yH"
FORMS: dict[str, Callable[[str], str]] = {
    "whole": lambda key: key,
    "capitals": str.upper,
    "first half": lambda key: key[:16],
    "middle": lambda key: key[9:21],
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 for URLs": lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
    "within base64": lambda key: base64.b64encode(f"user:{key}!".encode()).decode(),
    "hexadecimal": lambda key: key.encode().hex(),
    "percent signs": lambda key: quote(key, safe=""),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_masked_in_every_form(form: str) -> None:
    echoed = FORMS[form](KEY)
    said = masker([KEY])(f"401: no account for {echoed}, ask your administrator")
    assert said.startswith("401: no account for ") and said.endswith(", ask your administrator")
    assert "***" in said
    left = said.lower()
    assert not any(echoed[start : start + 10].lower() in left for start in range(len(echoed) - 10))


def test_what_is_no_secret_stays() -> None:
    text = "Running stage 'judge@atlas_vit-cultural': sk-proj- keys are refused; İstanbul"
    assert masker([KEY, "hunter22"])(text) == text
    assert masker([])(text) == text
    assert masker([KEY, "hunter22"])("it was HUNTER22.") == "it was ***."
