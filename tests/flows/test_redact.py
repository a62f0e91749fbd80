"""No secret of the environment is left in a line."""

from __future__ import annotations

import pytest

from flows.redact import redactor


def test_values_of_secret_variables_and_passwords_in_urls_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sk-very-secret/and+longer")
    monkeypatch.setenv("LABEL_STUDIO_TOKEN", "0123456789abcdef")
    monkeypatch.setenv("MONKEY", "banana-banana")
    redact = redactor()
    assert redact("401 for sk-very-secret/and+longer and sk-very-secret") == "401 for *** and ***"
    assert redact("Token 0123456789abcdef refused") == "Token *** refused"
    assert redact("s3://user:pa55word@host/bucket") == "s3://***@host/bucket"
    assert redact("http://127.0.0.1:4200/api banana-banana") == "http://127.0.0.1:4200/api banana-banana"


def test_short_values_do_not_blot_out_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "jp")
    assert redactor()("collect@jp") == "collect@jp"
