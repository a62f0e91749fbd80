"""Show-o2, which lives in an environment of its own: a worker process is asked line by line, in JSON.

To the worker: `{"prompts": [...], "seeds": [...], "steps": 50, "guidance": 5.0, "size": 432}`; from it
`{"pictures": ["<base64 PNG>", ...]}`, `{"memory": "..."}` when its device is full, or `{"error": "..."}`. Its first
line is `{"ready": true}`. Anything else that it prints has to go to stderr.
"""

from __future__ import annotations

import base64
import binascii
import json
import subprocess
from collections.abc import Sequence
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import torch
from PIL import Image, UnidentifiedImageError
from torch import nn

from culturebench.errors import CultureBenchError
from culturebench.text_to_image.adapters.batches import Batches
from culturebench.text_to_image.base import Conditioning, TextEncoder

if TYPE_CHECKING:
    from culturebench.params.models import Model
MAX_BYTES = 4096  # of a prompt in UTF-8
UNSUPPORTED = "Show-o2 runs in an environment of its own and makes plain pictures: it can neither be probed nor edited"


class WorkerError(CultureBenchError):
    """A worker that does not start, dies or answers something else."""


class ShowO2:
    """Pictures of a worker process, which is started at the first batch and ends with this object."""

    def __init__(self, model: Model, weights: Path, steps: int) -> None:
        if not model.command:
            raise WorkerError(
                "models.*.command is missing; it starts Show-o2's worker, see examples/models/show_o2.yaml"
            )
        self._command = [*model.command, "--weights", str(weights)]
        self._request = {"steps": model.steps or steps, "guidance": model.guidance, "size": model.size}
        self._batches = Batches(model.runtime.batch)

    @property
    def encoder(self) -> TextEncoder:
        """Refused: its text encoder is out of reach."""
        raise WorkerError(UNSUPPORTED)

    @property
    def denoiser(self) -> nn.Module:
        """Refused: its transformer is out of reach."""
        raise WorkerError(UNSUPPORTED)

    def encode(self, prompts: Sequence[str]) -> Conditioning:
        """The prompts' own bytes: the worker encodes them."""
        rows = torch.zeros(len(prompts), MAX_BYTES, dtype=torch.uint8)
        for row, prompt in enumerate(prompts):
            content = prompt.encode()
            if len(content) > MAX_BYTES:
                raise WorkerError(f"a prompt has {len(content)} bytes, at most {MAX_BYTES} can be sent: {prompt[:60]}")
            rows[row, : len(content)] = torch.tensor(list(content), dtype=torch.uint8)
        return Conditioning({"utf8": rows})

    def generate(self, conditioning: Conditioning, seeds: Sequence[int]) -> list[Image.Image]:
        """One picture per row, from that row's seed."""
        prompts = [bytes(row.tolist()).rstrip(b"\0").decode() for row in conditioning.tensors["utf8"]]

        def work(rows: Sequence[int]) -> list[Image.Image]:
            wanted = {"prompts": [prompts[row] for row in rows], "seeds": [seeds[row] for row in rows]}
            return _pictures(self._ask({**wanted, **self._request}), len(rows))

        return self._batches.map(work, range(len(seeds)))

    def close(self) -> None:
        """End the worker."""
        if "_worker" in self.__dict__:
            self._worker.kill()
            self._worker.wait()

    __del__ = close

    @cached_property
    def _worker(self) -> subprocess.Popen[str]:
        try:
            worker = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
            )
        except OSError as error:
            raise WorkerError(f"models.*.command cannot be run: {error}") from None
        if _answer(worker) != {"ready": True}:
            raise WorkerError(
                f"{self._command[0]} did not say that it is ready; models.*.command must start the worker"
            )
        return worker

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        sink: IO[str] = self._worker.stdin  # type: ignore[assignment]
        try:
            sink.write(json.dumps(request, ensure_ascii=False) + "\n")
            sink.flush()
        except OSError:
            pass  # the worker is gone, and its answer says so
        answer = _answer(self._worker)
        if "memory" in answer:
            raise torch.OutOfMemoryError(str(answer["memory"]))
        if "error" in answer:
            raise WorkerError(f"Show-o2's worker: {answer['error']}")
        return answer


def _answer(worker: subprocess.Popen[str]) -> dict[str, Any]:
    source: IO[str] = worker.stdout  # type: ignore[assignment]
    line = source.readline()
    if not line:
        raise WorkerError(f"Show-o2's worker ended with status {worker.wait()}; what it said is above")
    try:
        content = json.loads(line)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        worker.kill()
        raise WorkerError(f"Show-o2's worker answered {line[:80]!r}, which is no JSON object; it must print to stderr")
    return content


def _pictures(answer: dict[str, Any], count: int) -> list[Image.Image]:
    try:
        pictures = [Image.open(BytesIO(base64.b64decode(text, validate=True))) for text in answer["pictures"]]
        found = [picture.convert("RGB") for picture in pictures]
    except (KeyError, TypeError, binascii.Error, UnidentifiedImageError, OSError) as error:
        raise WorkerError(f"Show-o2's worker sent no pictures: {error}") from None
    if len(found) != count:
        raise WorkerError(f"Show-o2's worker sent {len(found)} pictures, {count} were asked for")
    return found
