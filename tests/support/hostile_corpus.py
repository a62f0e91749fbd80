"""What somebody who means harm, or a broken server, may send: seeded cases of each kind of file that is read.

`cases` draws them, `outcome` gives one to the code that reads it in the project: it is taken or refused with the error
that this code is known for. Anything else is a fault.
"""

from __future__ import annotations

import io
import json
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from PIL import Image
from pydantic import ValidationError

from culturebench.annotation.lines import AnnotationError
from culturebench.captions.human import read_human_captions
from culturebench.chat.reply import BadReply, NoCompletion, read_completion
from culturebench.images.decode import Undecodable, decode
from culturebench.label_studio.answers import Form, WrongAnswer, caption_row, picture_row, question_row
from culturebench.params import ParamsError, RegionError
from culturebench.params._region import REGIONS_FOLDER
from culturebench.regions.model import load_whole_region
from culturebench.sources.base import SourceError
from culturebench.sources.manifest import read_manifest
from culturebench.sources.openverse import _Reply
from culturebench.web.failed import Failed
from culturebench.web.robots import Robots
from import_graph import ROOT

#: Markup, formulas, paths, escapes, templates, and what breaks lines, tables and front matter.
TEXTS = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</td></tr></table><h1>owned", "<!-- ", "]]>",
    "[x](javascript:alert(1))", "![x](http://203.0.113.9/x.png)", "http://203.0.113.9/ www.example.org a@example.org",
    "=HYPERLINK(\"http://203.0.113.9\")", "+1+1", "-2+3|cmd", "@SUM(A1)", "＝1+1", "\t=1+1", " =1+1", "\n=1+1",
    "../../etc/passwd", "/etc/passwd", "~/.ssh/id_rsa", "C:\\Windows\\x", "file:///etc/passwd", "a\x00b",
    "\x1b[2J\x1b]0;owned\x07", "\x9b31m", "\u202eevil\u2066", "[bold red]all is well[/]", "[link=file:///x]y[/link]",
    "{{ 7 * 7 }}", "{% for x in y %}", "${HOME}", "%s%n", "$(id)", "`id`", "; rm -rf ~", "' OR 1=1 --",
    "---\nlicense: mit\n---\n", "| a | b |\n|---|---|", "# heading", "1. one\n2. two", "a\r\nSet-Cookie: x=y",
    "```\ncode", "<a href='data:text/html,x'>y</a>", "&lt;b&gt; &amp; &#x3c;", "~~a~~ **b** _c_", "\ufeffx", "𝕏" * 50,
    "ﷺ" * 30, "ก็็็็็" * 20, "e\u0301" * 50, "null", "NaN", "true", "1e999", "0x10", "", " ", "a" * 5000,
    "$image", "/data/local-files/?d=../../etc/passwd", "s3://bucket/x", "a\ufffeb\uffff", "`` a | b ` c",
)  # fmt: skip
_FORM = Form(("delft",), ("food",), "nl")


@dataclass(frozen=True)
class Case:
    """One file: its kind, a number that tells it from others, and its bytes."""

    kind: str
    number: int
    content: bytes


def cases(count: int, seed: int = 0) -> Iterator[Case]:
    """`count` cases, all kinds in turn; the same seed gives the same ones."""
    dice = random.Random(seed)
    kinds = list(KINDS)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        yield Case(kind, number, KINDS[kind].draw(dice))


def outcome(case: Case, folder: Path) -> str:
    """`taken`, or the name of the error that refused it; raises whatever else happens."""
    kind = KINDS[case.kind]
    try:
        kind.read(case.content, folder)
    except kind.refusals as error:
        return type(error).__name__
    return "taken"


# ── pictures ────────────────────────────────────────────────────────────────────────────────────────────────────


def _picture(dice: random.Random) -> bytes:
    shape = dice.choice(("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"))
    image = Image.effect_noise((dice.randint(1, 60), dice.randint(1, 60)), dice.uniform(1, 90)).convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, format=shape)
    return dice.choice((_whole, _cut, _flipped, _joined, _bomb, _markup))(buffer.getvalue(), dice)


def _whole(data: bytes, dice: random.Random) -> bytes:
    return data


def _cut(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data))]


def _flipped(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.randint(1, 20)):
        changed[dice.randrange(min(len(changed), dice.choice((40, 400, 10**6))))] = dice.randrange(256)
    return bytes(changed)


def _joined(data: bytes, dice: random.Random) -> bytes:
    return data[: len(data) // 2] + dice.choice(TEXTS).encode() * dice.randint(1, 50) + data[len(data) // 2 :]


def _bomb(data: bytes, dice: random.Random) -> bytes:
    """A PNG of many pixels in few bytes, some just a header."""
    side = dice.choice((20_000, 60_000, 2**31 - 1))
    header = side.to_bytes(4, "big") * 2 + bytes([8, dice.choice((0, 2, 6)), 0, 0, 0])
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(100_000), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big") for name, body in chunks
    )


def _markup(data: bytes, dice: random.Random) -> bytes:
    return dice.choice((b"", b"<svg onload=alert(1)>", b"<!doctype html>", b"%PDF-1.7", b"\x00\x00\x01\x00", b"BM"))


def _read_picture(content: bytes, folder: Path) -> None:
    picture = decode(content, max_pixels=100_000)
    assert picture.mode == "RGB" and picture.width * picture.height <= 100_000


# ── texts ───────────────────────────────────────────────────────────────────────────────────────────────────────


def text(dice: random.Random) -> str:
    return "".join(dice.choice(TEXTS) for _ in range(dice.choice((1, 1, 1, 2, 3))))


def _value(dice: random.Random, depth: int = 0) -> Any:
    """A text mostly, else anything that JSON has."""
    if depth < 3 and dice.random() < 0.15:
        return [_value(dice, depth + 1) for _ in range(dice.randint(0, 3))]
    if depth < 3 and dice.random() < 0.15:
        return {text(dice): _value(dice, depth + 1) for _ in range(dice.randint(0, 3))}
    others = (None, True, -1, 10**30, 1e300, "\ud800", [], {})
    return dice.choice(others) if dice.random() < 0.25 else text(dice)


def _object(dice: random.Random, right: dict[str, Any]) -> dict[str, Any]:
    """What is right, with some values that are not, some missing, some more."""
    wrong = {key: _value(dice) if dice.random() < 0.3 else value for key, value in right.items()}
    kept = {key: value for key, value in wrong.items() if dice.random() > 0.05}
    return kept | ({text(dice): _value(dice)} if dice.random() < 0.1 else {})


def _spoilt(data: bytes, dice: random.Random) -> bytes:
    """The bytes as they are in most cases, else cut, changed, or nested without an end."""
    chance = dice.random()
    if chance < 0.7:
        return data
    return b"[" * 100_000 if chance < 0.72 else dice.choice((_cut, _flipped))(data or b"x", dice)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()


def _manifest(dice: random.Random) -> bytes:
    row = {"file": "a.png", "region": "jp", "licence": "CC0-1.0", "author": "a", "cultural": "a bowl", "noun": "bowl"}
    rows = [_object(dice, row | {"file": text(dice)}) for _ in range(dice.randint(1, 5))]
    if dice.random() < 0.5:
        return b"j" + _spoilt(b"\n".join(map(_json, rows)), dice)
    quoted = ('"' + str(value).replace('"', dice.choice(('""', '"'))) + '"' for one in rows for value in one.values())
    return b"c" + _spoilt(("file,author\n" + ",".join(quoted)).encode("utf-8", "replace"), dice)


def _region(dice: random.Random) -> bytes:
    right = yaml.safe_load((ROOT / "annotations/regions/jp.yaml").read_text(encoding="utf-8"))
    chance, changed = dice.random(), _object(dice, right)
    if dice.random() < 0.3:  # what people write freely
        changed = {**right, **{key: text(dice) for key in ("country", "judge_label", "notes") if dice.random() < 0.5}}
    if chance < 0.2:
        return b"a: &a [x]\n" + b"".join(b"b%d: &b%d [*a, *a, *a]\n" % (n, n) for n in range(20))
    if chance < 0.3:
        return b"!!python/object/apply:os.system ['touch owned']"
    return _spoilt(json.dumps(changed, ensure_ascii=dice.random() < 0.5).encode("utf-8", "replace"), dice)


def _captions(dice: random.Random) -> bytes:
    right = {
        "picture_id": "ab" * 32,
        "annotator": "a",
        "cultural": text(dice),
        "noun": {"text": "bowl", "noun": "bowl"},
    }
    return _spoilt(b"\n".join(_json(_object(dice, right)) for _ in range(dice.randint(1, 3))), dice)


def _reply(dice: random.Random) -> bytes:
    message = _object(dice, {"content": text(dice), "refusal": None})
    right = {"choices": [{"message": message, "finish_reason": "stop"}], "model": text(dice),
             "usage": {"prompt_tokens": 1, "completion_tokens": 1}}  # fmt: skip
    result = {"id": "1", "title": text(dice), "url": text(dice), "creator": text(dice), "license": text(dice)}
    search = {"page_count": 1, "results": [_object(dice, result)]}
    return _spoilt(_json(_object(dice, dice.choice((right, search)))), dice)


def _export(dice: random.Random) -> bytes:
    def part(name: str, kind: str, value: Any) -> dict[str, Any]:
        key = {"textarea": "text"}.get(kind, kind)
        return _object(dice, {"from_name": name, "type": kind, "value": _object(dice, {key: value})})

    form = dice.choice((
        [("verdict", "choices", ["keep"]), ("subdivision", "choices", ["delft"]), ("confidence", "rating", 3)],
        [("audit", "choices", ["edit"]), ("new_cultural", "textarea", [text(dice)]),
         ("noun", "textarea", [text(dice)])],
        [("audit", "choices", ["correct"])],
        [("answer", "choices", ["x"])],
    ))  # fmt: skip
    data = {"cultural": text(dice), "codes": "jp,nl", "options": [{"value": text(dice)}, {"value": "x"}]}
    parts = [part(*field) if dice.random() < 0.3 else _field(*field) for field in form]
    return _json([_value(dice) if dice.random() < 0.1 else parts, data if dice.random() < 0.5 else _object(dice, data)])


def _field(name: str, kind: str, value: Any) -> dict[str, Any]:
    return {"from_name": name, "type": kind, "value": {{"textarea": "text"}.get(kind, kind): value}}


def _robots(dice: random.Random) -> bytes:
    lines = ("User-agent: *", "Disallow: /", "Allow: /a", f"Disallow: {text(dice)}", f"Crawl-delay: {text(dice)}",
             "Crawl-delay: -1", "Crawl-delay: 1e999", "Crawl-delay: nan", "Disallow: /" + "*a" * 40,
             text(dice))  # fmt: skip
    return _spoilt("\n".join(dice.choice(lines) for _ in range(dice.randint(1, 30))).encode(), dice)


# ── who reads them ──────────────────────────────────────────────────────────────────────────────────────────────


def _read_manifest(content: bytes, folder: Path) -> None:
    read_manifest("manifest.jsonl" if content[:1] == b"j" else "manifest.csv", content[1:])


def _read_region(content: bytes, folder: Path) -> None:
    path = folder / REGIONS_FOLDER / "jp.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    load_whole_region(folder, "jp")


def _read_captions(content: bytes, folder: Path) -> None:
    (folder / "jp.jsonl").write_bytes(content)
    read_human_captions(folder / "jp.jsonl", "ja")


def _read_reply(content: bytes, folder: Path) -> None:
    if b'"page_count"' in content:
        _Reply.model_validate_json(content)
    else:
        read_completion(content, (1, 1), "secret").parsed(_Reply)


def _read_export(content: bytes, folder: Path) -> None:
    result, data = json.loads(content)
    readers = (partial(picture_row, _FORM), partial(caption_row, _FORM), question_row)
    refused = [_refuses(read, result, data) for read in readers]
    if all(refused):
        raise WrongAnswer("no reader takes it")


def _refuses(read: Callable[..., Any], result: Any, data: Any) -> bool:
    try:
        read("ab" * 32, "annotator", result, data)
    except WrongAnswer:
        return True
    return False


def _read_robots(content: bytes, folder: Path) -> None:
    delays: list[float] = []
    Robots(lambda url: (200, content), lambda host, delay: delays.append(delay)).check(
        "https://example.org/" + "a" * 60
    )


@dataclass(frozen=True)
class Kind:
    """How cases are drawn and read, and by which errors they are refused."""

    draw: Callable[[random.Random], bytes]
    read: Callable[[bytes, Path], None]
    refusals: tuple[type[Exception], ...]


KINDS = {
    "picture": Kind(_picture, _read_picture, (Undecodable,)),
    "manifest": Kind(_manifest, _read_manifest, (SourceError,)),
    "region file": Kind(_region, _read_region, (RegionError, ParamsError)),
    "captions": Kind(_captions, _read_captions, (AnnotationError,)),
    "API reply": Kind(_reply, _read_reply, (ValidationError, BadReply, NoCompletion)),
    "export": Kind(_export, _read_export, (WrongAnswer,)),
    "robots.txt": Kind(_robots, _read_robots, (Failed,)),
}
