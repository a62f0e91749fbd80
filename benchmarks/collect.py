"""Download, decode and hash pictures of a server on this machine, beside a plain loop over `requests`.

The server runs on the same cores, which a real one would not. The floor is the same without checks, keeping or a
second connection.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import multiprocessing
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import imagehash
import numpy as np
import requests
from PIL import Image

from benchmarks._ratios import Row, clock, in_turns
from culturebench.images.decode import decode
from culturebench.params.collect import Web
from culturebench.params.engine import Engine
from culturebench.sources.harvest import harvest
from culturebench.sources.snapshot import Snapshot
from culturebench.store import Store
from culturebench.web.client import Client

PICTURES, ROUNDS, CORES = 100, 3, 2
ENGINE = Engine(kind="local", workers=CORES, address=None, cpus_per_worker=1, gpus_per_worker=0)
SIZE = (1280, 960)  # as Commons renders them
KEPT = "ours also checks robots.txt, addresses and limits, and keeps every file; the server is on the same two cores"


def draw(number: int) -> bytes:
    """A JPEG of clouds with some grain: about 300 kB, like a photograph of that size."""
    dice = np.random.default_rng(number)
    small = Image.fromarray(dice.integers(0, 256, (24, 32, 3), dtype=np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
    grain = dice.normal(0, 6, (SIZE[1], SIZE[0], 1))
    image = Image.fromarray(np.clip(np.asarray(small) + grain, 0, 255).astype(np.uint8))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def serve(pictures: list[bytes], port: Any) -> None:
    """Answer until this process is ended."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            name = self.path.removeprefix("/")
            body = pictures[int(name)] if name.isdigit() else b""
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port.put(server.server_port)
    server.serve_forever()


def ours(address: str, names: list[int]) -> list[tuple[str, str]]:
    """As the stages do it: fetched with every check, kept in a store, decoded, hashed."""
    rules = Web(
        contact="benchmark@example.org", workers=8, per_host=8, interval=0, tries=2, backoff=1, max_wait=1,
        deadline=60, redirects=3, max_bytes=64_000_000, max_pixels=100_000_000, test_addresses=[address],
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, Client(rules) as client, ThreadPoolExecutor(CORES) as pool:
        snapshot = Snapshot(Store(folder), "benchmark")
        outcomes = harvest([f"http://{address}/{name}" for name in names], client, snapshot, (), ENGINE, "fetch")

        def finish(sha256: str) -> tuple[str, str]:
            image = decode(snapshot.data(sha256) or b"")
            return sha256, str(imagehash.phash(image))

        return list(pool.map(finish, (outcome.sha256 for outcome in outcomes.values())))


def plain(address: str, names: list[int]) -> list[tuple[str, str]]:
    """As one first writes it."""
    found: list[tuple[str, str]] = []
    for name in names:
        data = requests.get(f"http://{address}/{name}", timeout=60).content
        image = Image.open(io.BytesIO(data)).convert("RGB")
        found.append((hashlib.sha256(data).hexdigest(), str(imagehash.phash(image))))
    return found


def floor(address: str, names: list[int]) -> list[tuple[str, str]]:
    """Bytes over one connection, decoded and hashed on both cores."""
    connection = http.client.HTTPConnection(address)
    datas: list[bytes] = []
    for name in names:
        connection.request("GET", f"/{name}")
        datas.append(connection.getresponse().read())

    def finish(data: bytes) -> tuple[str, str]:
        return hashlib.sha256(data).hexdigest(), str(imagehash.phash(Image.open(io.BytesIO(data)).convert("RGB")))

    with ThreadPoolExecutor(CORES) as pool:
        return list(pool.map(finish, datas))


def rows() -> Iterator[Row]:
    """The loop and the floor beside ours, by the clock; all find the same."""
    pictures = [draw(number) for number in range(PICTURES)]
    port: Any = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(pictures, port), daemon=True)
    server.start()
    address, names = f"127.0.0.1:{port.get()}", list(range(PICTURES))
    results: dict[str, list[tuple[str, str]]] = {}

    def run(name: str, way: Callable[[str, list[int]], list[tuple[str, str]]]) -> None:
        results[name] = way(address, names)

    ways = {"ours": ours, "plain": plain, "floor": floor}
    try:
        found = in_turns({name: partial(run, name, way) for name, way in ways.items()}, ROUNDS, clock)
    finally:
        server.terminate()
    assert results["ours"] == results["plain"] == results["floor"]
    size = sum(map(len, pictures)) / PICTURES / 1000
    work = f"download, decode and hash {PICTURES} JPEGs of {SIZE[0]} × {SIZE[1]}, {size:.0f} kB each"
    yield Row(work, "a loop over `requests`, Pillow and imagehash", found["ours"], found["plain"], note=KEPT)
    yield Row(work, "the floor: one connection, no checks, nothing kept", found["ours"], found["floor"], note=KEPT)
