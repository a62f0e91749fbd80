"""Work out what the code of every other stage is, so that DVC knows which of them other code can change."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from culturebench.artifacts import code
from culturebench.artifacts._folders import make_unfilled
from culturebench.code.digests import digests
from culturebench.params import load_document
from culturebench.stage import Paths, Stage


@dataclass(frozen=True)
class Params:
    """Nothing: it looks at all of params.yaml for names of functions, and depends on no number."""


def run(params: Params, inputs: Paths, outputs: Paths) -> None:
    """Write the digest of each stage's code, always, and make the folders that nobody fills."""
    document = load_document()
    make_unfilled(Path(), document)
    stages = {path.stem for path in Path("stages").glob("[!_]*.py")} - {code.STAGE}
    code.save(outputs["code"], digests(Path(), stages, document))


STAGE = Stage(name=code.STAGE, params=Params, run=run, outputs={"code": code.PATH})

if __name__ == "__main__":
    STAGE.main()
