"""A run of its own that squares numbers on a Ray cluster: `python squares_on_ray.py ADDRESS WORK STORE BATCHES`."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

from culturebench.engine.batches import map_batches
from culturebench.engine.worker import Cached, Worker, in_batches
from culturebench.params.engine import Engine
from culturebench.store import Store, key_of
from small_work import load_counted

RESULT = "result: "  # Ray prints what it has to say as well


def key(batch: Any) -> str:
    return key_of({"batch": list(batch)})


def dump(results: list[int]) -> bytes:
    return json.dumps(results).encode()


def main(address: str, work: str, store: str, batches: str) -> None:
    engine = Engine(kind="ray", workers=2, address=address, cpus_per_worker=1, gpus_per_worker=0)
    done = map_batches(
        Worker(partial(load_counted, Path(work))),
        in_batches(range(2 * int(batches)), 2),
        engine=engine,
        label="squares",
        cached=Cached(Store(store), key, dump, json.loads),
    )
    print(RESULT + json.dumps([result for batch in done for result in batch]))


if __name__ == "__main__":
    main(*sys.argv[1:])
