"""A server on this machine that answers as Wikimedia Commons does, with the atlas's pictures and bad manners.

It stands in for Commons, a Wikipedia and Wikidata: `/w/api.php` speaks MediaWiki's `query` in format version 2
with its paging, `/sparql` gives SPARQL results as JSON, `/files/…` the files. The truth about each picture is known.
"""

from __future__ import annotations

import hashlib
import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from culturebench.atlas.collection import Finding, findings
from culturebench.atlas.defects import picture_file
from loopback import Request, Server

PLANTED = {
    "near_duplicate": 0.06, "blurred": 0.03, "mislabelled": 0.05, "plain": 0.05, "badly_licensed": 0.04,
    "truncated": 0.01, "too_small": 0.02,
}  # fmt: skip
LICENCES = (
    ("CC BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0"),
    ("CC BY 2.0", "https://creativecommons.org/licenses/by/2.0"),
    ("CC0", "http://creativecommons.org/publicdomain/zero/1.0/deed.en"),
    ("Public domain", ""),
    ("Attribution, see page", "https://creativecommons.org/licenses/by/3.0"),
)
BAD_LICENCES = (("Fair use", ""), ("CC BY-NC-ND 4.0", "https://creativecommons.org/licenses/by-nc-nd/4.0"), ("", ""))
#: How some files misbehave, and the reason with which collecting them ends; "" when it succeeds in spite of it.
FILE_MANNERS = {
    "page": "html", "gone": "http_404", "cut": "cut_off", "away": "address", "loop": "redirects",
    "large": "too_many_bytes", "opted_out": "opted_out", "slow": "deadline", "private": "robots",
    "svg": "unsupported_format", "broken_once": "", "busy_once": "", "moved": "",
}  # fmt: skip
#: How the API misbehaves the first time that it is asked some of its questions.
API_MANNERS = ("", "busy", "", "broken", "", "truncated", "", "lagged")


@dataclass(frozen=True)
class File:
    """One file page: its picture, what the page says, the words and categories that find it, its manners."""

    title: str
    finding: Finding
    data: bytes
    author: str
    licence: tuple[str, str]
    words: tuple[str, ...]
    category: str
    manner: str = ""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def atlas_files(region: str, words: Sequence[str], pictures: int = 320, size: int = 160) -> list[File]:
    """Files of a region's findings; two of `words` find each, and one in thirteen misbehaves in some way."""
    manners = list(FILE_MANNERS)
    files: list[File] = []
    for finding in findings(region, pictures, PLANTED):
        number = finding.index
        name, data = picture_file(finding, size)
        licences = BAD_LICENCES if finding.planted == "badly_licensed" else LICENCES
        files.append(
            File(
                title=f"File:Vật {name.replace('_', ' ')}",
                finding=finding,
                data=data,
                author=f"<a href='/wiki/User:Painter{number % 40}' title='x'>Painter &amp; sons {number % 40}</a>",
                licence=licences[number % len(licences)],
                words=(words[number % len(words)], words[(7 * number + 3) % len(words)]),
                category=f"Category:{words[(number // 2) % len(words)]}",
                manner=manners[number // 13 % len(manners)] if number % 13 == 5 else "",
            )
        )
    return files


def wikis_title(title: str) -> str:
    """As MediaWiki writes it: NFC, spaces, and a capital first unless that has two letters or is Mtavruli."""
    namespace, _, name = unicodedata.normalize("NFC", title).replace("_", " ").partition(":")
    first = name[:1].upper()
    return f"{namespace}:{name if len(first) != 1 or 'Ა' <= first <= 'Ჿ' else first + name[1:]}"


class CommonsLike(Server):
    """Serves `files`; `faults=False` for an API without errors (files keep their manners)."""

    def __init__(self, files: Sequence[File], *, faults: bool = True) -> None:
        self.files = {file.title: file for file in files}
        self.truth = {file.sha256: file.finding for file in files}
        self._faults = faults
        self._met: set[str] = set()
        #: title -> fields of `extmetadata` that replace those of its page
        self.metadata: dict[str, Any] = {}
        #: title -> statements of its structured data, as P17=Q17, and languages of its captions
        self.statements: dict[str, set[str]] = {}
        self.captions: dict[str, set[str]] = {}
        #: ISO code -> the item of the country
        self.countries = {"VN": "Q881"}
        #: what a SPARQL query must hold to time out, and how: a broken-off reply with the status 200, or a status
        self.slow: dict[str, int] = {}
        super().__init__(self._route)

    @property
    def api(self) -> str:
        return f"{self.url}/w/api.php"

    @property
    def sparql(self) -> str:
        return f"{self.url}/sparql"

    def expected(self) -> dict[str, str]:
        """Title without `File:` -> the reason with which collecting the file must end, "" for success."""
        return {title.removeprefix("File:"): FILE_MANNERS.get(file.manner, "") for title, file in self.files.items()}

    def _route(self, path: str, request: Request) -> None:
        if path == "/robots.txt":
            request.send(b"User-agent: *\nDisallow: /w/\nDisallow: /files/private/\nDisallow: /wiki/Special:\n")
        elif path == "/sparql" and any(words in request.params["query"] for words in self.slow):
            status = next(status for words, status in self.slow.items() if words in request.params["query"])
            body = b'{"head":{"vars":["item","image"]},"results":{"bindings":[{"item":{"type":"uri",'
            request.send(body + b"\njava.util.concurrent.TimeoutException\n\tat java.util...", status)
        elif path.endswith("/w/api.php") or path == "/sparql":
            if not (self._faults and self._misbehave(request)):
                request.send_json(self._query(request.params) if path != "/sparql" else self._bindings(request.params))
        elif path.startswith("/files/"):
            self._file(path.rpartition("/")[2], request)
        else:
            request.send(b"<html>not found</html>", 404)

    # ── the API ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _first_time(self, what: str) -> bool:
        with self.lock:
            known = what in self._met
            self._met.add(what)
        return not known

    def _misbehave(self, request: Request) -> bool:
        manner = API_MANNERS[hashlib.sha256(request.path.encode()).digest()[0] % len(API_MANNERS)]
        if not manner or not self._first_time(request.path):
            return False
        if manner == "busy":
            request.send(b"too many requests", 429, {"Retry-After": "0"})
        elif manner == "broken":
            request.send(b"<html>upstream connect error</html>", 503)
        elif manner == "truncated":
            request.send(b'{"batchcomplete":true,"query":{"pages":[{"pageid":1,"ns":6,"ti')
        else:
            error = {"code": "maxlag", "info": "Waiting for 10.64.0.1: 6.2 seconds lagged.", "lag": 6.2, "type": "db"}
            request.send_json({"error": error}, 200, {"Retry-After": "0", "MediaWiki-API-Error": "maxlag"})
        return True

    def _query(self, params: Mapping[str, str]) -> dict[str, Any]:
        if params.get("action") != "query" or params.get("formatversion") != "2" or "maxlag" not in params:
            return {"error": {"code": "unknown_action", "info": "Unrecognized value for parameter."}}
        if params.get("list") == "search":
            words = params["srsearch"]
            found = sorted({file.category for file in self.files.values() if words in file.words})
            hits = [{"ns": 14, "title": title, "pageid": 900 + n} for n, title in enumerate(found)]
            return self._listed("search", hits, params, "sroffset", "srlimit")
        if params.get("list") == "categorymembers":
            return self._listed(
                "categorymembers", self._subcategories(params["cmtitle"]), params, "cmcontinue", "cmlimit"
            )
        if params.get("generator") == "search" and params.get("gsrnamespace") == "0":
            return self._articles(params)
        if params.get("generator") == "search":
            return self._generated(self._searched(params["gsrsearch"]), params, "gsroffset", "gsrlimit")
        if params.get("generator") == "categorymembers":
            members = [f for f in self.files.values() if f.category == params["gcmtitle"]]
            return self._generated(members, params, "gcmcontinue", "gcmlimit")
        return {"batchcomplete": True, "query": self._named(params["titles"].split("|"))}

    def _searched(self, search: str) -> list[File]:
        """Files with all words of a search, with any statement and in the language of the caption that it asks for."""
        words = search.removesuffix(" filetype:bitmap")
        words, _, language = words.partition(" hascaption:")
        words, _, statements = words.partition(" haswbstatement:")
        found = [file for file in self.files.values() if words in file.words]
        if statements:
            found = [
                file for file in found if not self.statements.get(file.title, set()).isdisjoint(statements.split("|"))
            ]
        return [file for file in found if not language or language in self.captions.get(file.title, ())]

    def _named(self, titles: Sequence[str]) -> dict[str, Any]:
        """The pages of some titles, and what the wiki made of those that it writes in another way."""
        assert len(titles) <= 50
        known = {wikis_title(title): title for title in titles}
        pages = [
            self._page(self.files[t]) if t in self.files else {"ns": 6, "title": t, "missing": True} for t in known
        ]
        normalized = [
            {"fromencoded": True, "from": quote(asked), "to": title}
            if asked != unicodedata.normalize("NFC", asked)
            else {"fromencoded": False, "from": asked, "to": title}
            for title, asked in known.items()
            if title != asked
        ]
        return {"pages": pages} | ({"normalized": normalized} if normalized else {})

    def _subcategories(self, title: str) -> list[dict[str, Any]]:
        """Each category has the next one below it, and the last one the first: Commons has such circles."""
        names = sorted({file.category for file in self.files.values()})
        following = names[(names.index(title) + 1) % len(names)] if title in names else ""
        return [{"pageid": 1, "ns": 14, "title": following}] if following else []

    def _listed(
        self, name: str, found: list[dict[str, Any]], params: Mapping[str, str], at: str, limit: str
    ) -> dict[str, Any]:
        start, size = int(params.get(at, "0")), int(params[limit])
        reply: dict[str, Any] = {"batchcomplete": True, "query": {name: found[start : start + size]}}
        if start + size < len(found):
            reply["continue"] = {at: start + size, "continue": "-||"}
        return reply

    def _generated(self, found: list[File], params: Mapping[str, str], at: str, limit: str) -> dict[str, Any]:
        """Pages in no order, their places in `index`; a long batch gives its properties in two replies."""
        start, size = int(params.get(at, "0")), int(params[limit])
        batch = list(enumerate(found))[start : start + size]
        half = len(batch) // 2 if len(batch) > 4 else len(batch)
        second = "iicontinue" in params
        pages: list[dict[str, Any]] = []
        for place, file in batch:
            page = self._page(file)
            if (place - start < half) == second:
                del page["imageinfo"]
            if at == "gsroffset":
                page["index"] = place + 1
            pages.append(page)
        reply: dict[str, Any] = {"query": {"pages": pages[::-1]}}
        if half < len(batch) and not second:
            here = {at: start} if start else {}  # the generator begins at the same place again
            return {"continue": {"iicontinue": f"{batch[half][1].title}|20150101", **here, "continue": "||"}, **reply}
        if start + size < len(found):
            reply["continue"] = {at: start + size, "continue": f"{at}||"}
        return {"batchcomplete": True, **reply}

    def _page(self, file: File) -> dict[str, Any]:
        name = file.title.removeprefix("File:")
        folder = "private" if file.manner == "private" else "thumb"
        short, licence_url = file.licence
        fields = {"Artist": file.author, "Credit": "<span class='int-own-work'>Own work</span>"}
        fields |= {"LicenseShortName": short} if short else {}
        fields |= {"LicenseUrl": licence_url} if licence_url else {}
        info = {
            "size": len(file.data),
            "width": 4000,
            "height": 3000,
            "thumburl": f"{self.url}/files/{folder}/{quote(name)}",
            "thumbwidth": 1280,
            "thumbheight": 960,
            "url": f"{self.url}/files/original/{quote(name)}",
            "descriptionurl": f"{self.url}/wiki/{quote(file.title.replace(' ', '_'))}",
            "mime": "image/svg+xml" if file.manner == "svg" else "image/jpeg",
            "extmetadata": {key: {"value": value, "source": "commons-desc-page"} for key, value in fields.items()},
        }
        info["extmetadata"] = info["extmetadata"] | self.metadata.get(file.title, {})
        page = {"pageid": 1000 + file.finding.index, "ns": 6, "title": file.title, "imagerepository": "local"}
        return {**page, "imageinfo": [info]}

    def _articles(self, params: Mapping[str, str]) -> dict[str, Any]:
        found = [file for file in self.files.values() if params["gsrsearch"] in file.words]
        pages: list[dict[str, Any]] = []
        for number, file in enumerate(found[: int(params["gsrlimit"])]):
            page = {"pageid": 5000 + number, "ns": 0, "title": f"Article {file.finding.index}", "index": number + 1}
            page["fullurl"] = f"{self.url}/wiki/Article_{file.finding.index}"
            if number % 3 != 2:  # not every article has a free page image
                page["pageimage"] = file.title.removeprefix("File:").replace(" ", "_")
            pages.append(page)
        return {"batchcomplete": True, "query": {"pages": pages}}

    def _bindings(self, params: Mapping[str, str]) -> dict[str, Any]:
        """Every file as the picture of an item of any class, by the LIMIT and OFFSET of the query."""
        words = params["query"].split()
        if "LIMIT" not in words:
            items = [item for code, item in self.countries.items() if f'"{code}"' in words]
            uris = [{"country": {"type": "uri", "value": f"http://www.wikidata.org/entity/{item}"}} for item in items]
            return {"head": {"vars": ["country"]}, "results": {"bindings": uris}}
        limit, offset = int(words[words.index("LIMIT") + 1]), int(words[words.index("OFFSET") + 1])
        rows: list[dict[str, Any]] = []
        for file in list(self.files.values())[offset : offset + limit]:
            name = quote(file.title.removeprefix("File:"))
            item = f"http://www.wikidata.org/entity/Q{100 + file.finding.index}"
            image = f"http://commons.wikimedia.org/wiki/Special:FilePath/{name}"
            rows.append({"item": {"type": "uri", "value": item}, "image": {"type": "uri", "value": image}})
        return {"head": {"vars": ["item", "image"]}, "results": {"bindings": rows}}

    # ── the files ───────────────────────────────────────────────────────────────────────────────────────────────

    def _file(self, name: str, request: Request) -> None:
        file = self.files.get(f"File:{name}")
        if file is None:
            request.send(b"<html>not found</html>", 404)
        elif file.manner in ("broken_once", "busy_once") and self._first_time(name):
            status, headers = (500, {}) if file.manner == "broken_once" else (429, {"Retry-After": "0"})
            request.send(b"", status, headers)
        elif file.manner == "moved" and "/thumb/" in request.path:
            request.redirect(request.path.replace("/thumb/", "/original/"), 301)
        else:
            for part in _misbehaving(file, request):
                request.wfile.write(part)
                request.wfile.flush()


def _misbehaving(file: File, request: Request) -> Iterator[bytes]:
    """Answer as the file's manner has it; what is yielded is written after the headers."""
    if file.manner == "page":
        request.send(b"<!DOCTYPE html><html>Sorry</html>", headers={"Content-Type": "image/jpeg"})
    elif file.manner == "gone":
        request.send(b"gone", 404)
    elif file.manner == "cut":
        request.close_connection = True
        request.send(file.data[: len(file.data) // 2], headers={"Content-Length": str(len(file.data))})
    elif file.manner == "away":
        request.redirect("http://169.254.169.254/latest/meta-data/")
    elif file.manner == "loop":
        request.redirect(request.path)
    elif file.manner == "large":
        request.send(b"", headers={"Content-Length": "999999999"})
    elif file.manner == "opted_out":
        request.send(file.data, headers={"X-Robots-Tag": "noai"})
    elif file.manner == "slow":
        request.close_connection = True
        request.send(file.data[:20], headers={"Content-Length": str(len(file.data))})
        for byte in file.data[20:2000]:
            time.sleep(0.1)
            yield bytes([byte])
    else:
        request.send(file.data, headers={"Content-Type": "application/octet-stream", "Set-Cookie": "a=b"})
