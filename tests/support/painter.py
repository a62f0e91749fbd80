"""A worker of Show-o2's protocol that paints in the place of the model: one colour per prompt and seed."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from import_graph import ROOT

#: The project's worker, without the model behind it.
PAINTER = f"""
    import sys
    sys.path.insert(0, {str(ROOT / "workers")!r})
    from PIL import Image
    from show_o2 import serve

    class OutOfMemoryError(RuntimeError):
        pass

    def paint(request):
        print("painting", file=sys.stderr)
        if len(request["prompts"]) > 2:
            raise OutOfMemoryError("the device is full")
        if "bad" in request["prompts"]:
            raise ValueError("a bad prompt")
        pairs = zip(request["prompts"], request["seeds"], strict=True)
        size = request["size"], request["size"]
        return [Image.new("RGB", size, (len(prompt), seed, request["steps"])) for prompt, seed in pairs]

    serve(paint, sys.stdin, sys.stdout)
"""


def command(folder: Path, program: str = PAINTER) -> list[str]:
    """Starts the program, which is written into `folder`."""
    script = folder / "worker.py"
    script.write_text(textwrap.dedent(program))
    return [sys.executable, str(script)]
