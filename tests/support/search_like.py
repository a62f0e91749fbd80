"""Servers on this machine that answer as Openverse and Google's Programmable Search do, with paging."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from commons_like import File
from loopback import Request, Server

KEY = "a-key-that-nobody-may-see"
OPENVERSE_LICENCES = (("by-sa", "2.0"), ("cc0", "1.0"), ("pdm", "1.0"), ("by-nc-nd", "4.0"), ("by", "4.0"))


class OpenverseLike(Server):
    """`/v1/images/` gives pages of at most 20, and refuses a larger one as it does without a token."""

    def __init__(self, files: Sequence[File]) -> None:
        self.files = list(files)
        super().__init__(self._route)

    def _route(self, path: str, request: Request) -> None:
        if path.startswith("/files/"):
            name = path.rpartition("/")[2]
            request.send(next(file.data for file in self.files if file.title.endswith(name)))
        elif path != "/v1/images/":
            request.send(b"", 404)
        elif int(request.params["page_size"]) > 20:
            request.send_json({"detail": "The page size is greater than what anonymous requests may ask for."}, 401)
        elif (
            "Authorization" not in request.headers
            and int(request.params["page"]) * int(request.params["page_size"]) > 240
        ):
            request.send_json({"detail": "Pagination depth is limited to 240 for anonymous requests."}, 401)
        elif "Authorization" in request.headers and request.headers["Authorization"] != f"Bearer {KEY}":
            request.send_json({"detail": "Invalid token."}, 401)
        else:
            request.send_json(self._page(request))

    def _page(self, request: Request) -> dict[str, Any]:
        page, size = int(request.params["page"]), int(request.params["page_size"])
        found = [file for file in self.files if request.params["q"] in file.words]
        return {
            "result_count": len(found),
            "page_count": -(-len(found) // size),
            "page_size": size,
            "page": page,
            "results": [self._result(file) for file in found[(page - 1) * size : page * size]],
        }

    def _result(self, file: File) -> dict[str, Any]:
        number = file.finding.index
        licence, version = OPENVERSE_LICENCES[number % len(OPENVERSE_LICENCES)]
        name = quote(file.title.removeprefix("File:"))
        return {
            "id": f"0000-{number:04d}",
            "title": file.title if number % 4 else None,
            "foreign_landing_url": f"{self.url}/photos/{number}",
            "url": f"{self.url}/files/{name}",
            "creator": None if number % 5 == 0 else f"flickr{number}",
            "license": licence,
            "license_version": version,
            "license_url": f"https://creativecommons.org/licenses/{licence}/{version}/",
            "provider": "flickr",
            "source": "flickr",
            "filesize": None,
            "tags": [],
            "mature": False,
        }


class GoogleLike(Server):
    """`/customsearch/v1` gives 10 at a time, 100 in all, to those who have the key and some of the daily quota."""

    def __init__(self, files: Sequence[File], quota: int = 100) -> None:
        self.files = list(files)
        self.quota = quota
        super().__init__(self._route)

    def _route(self, path: str, request: Request) -> None:
        if path.startswith("/files/"):
            name = path.rpartition("/")[2]
            request.send(next(file.data for file in self.files if file.title.endswith(name)))
        elif path != "/customsearch/v1":
            request.send(b"", 404)
        elif request.headers.get("X-Goog-Api-Key") != KEY:
            reason = "API key not valid. Please pass a valid API key."
            request.send_json({"error": {"code": 400, "message": reason, "status": "INVALID_ARGUMENT"}}, 400)
        elif self.count(path) > self.quota:
            reason = "Quota exceeded for quota metric 'Queries' and limit 'Queries per day'"
            request.send_json({"error": {"code": 429, "message": reason, "status": "RESOURCE_EXHAUSTED"}}, 429)
        elif int(request.params["start"]) + int(request.params["num"]) > 101 or int(request.params["num"]) > 10:
            request.send_json({"error": {"code": 400, "message": "Request contains an invalid argument."}}, 400)
        else:
            request.send_json(self._page(request))

    def _page(self, request: Request) -> dict[str, Any]:
        start, num = int(request.params["start"]), int(request.params["num"])
        found = [file for file in self.files if request.params["q"] in file.words]
        reply: dict[str, Any] = {"kind": "customsearch#search", "queries": {"request": [{"startIndex": start}]}}
        if len(found) >= start + num:
            reply["queries"]["nextPage"] = [{"startIndex": start + num, "count": num}]
        items = [self._item(file) for file in found[start - 1 : start - 1 + num]]
        return {**reply, "items": items} if items else reply

    def _item(self, file: File) -> dict[str, Any]:
        image = {"contextLink": f"{self.url}/page/{file.finding.index}", "height": 160, "width": 160}
        link = f"{self.url}/files/{quote(file.title.removeprefix('File:'))}"
        return {"kind": "customsearch#result", "title": "x", "link": link, "mime": "image/jpeg", "image": image}
