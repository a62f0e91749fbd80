"""Work out what the code of every other stage is, so that DVC knows which of them other code can change."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from culturebench.artifacts import code
from culturebench.code.digests import digests
from culturebench.params import load_document
from culturebench.stage import Paths, Stage

#: Folders of what is made for each model or judge, and by section of params.yaml for each entry, which `evaluate` and
#: `report` depend on: params that name none leave nothing that would make them, and DVC does not start a stage whose
#: folders are missing.
FOLDERS = (
    *("data/answers", "data/measured", "data/one_prompt", "data/pictures", "data/pictures/test"),
    *("models/enhancer", "models/strength", "reports/metrics/reliability", "reports/metrics/selectors"),
)
CHAPTERS = {
    "adapters": ("models/adapter", "reports/metrics/adapters"),
    "audits": ("reports/metrics/audits", "reports/metrics/judge_audits"),
}


@dataclass(frozen=True)
class Params:
    """Nothing: it looks at all of params.yaml for names of functions, and depends on no number."""


def run(params: Params, inputs: Paths, outputs: Paths) -> None:
    """Write the digest of each stage's code, always, and make the folders that nobody fills."""
    document = load_document()
    missing = FOLDERS if not (document.get("models") and document.get("judges")) else ()
    for folder in (*missing, *(name for key, names in CHAPTERS.items() if not document.get(key) for name in names)):
        Path(folder).mkdir(parents=True, exist_ok=True)
    stages = {path.stem for path in Path("stages").glob("[!_]*.py")} - {code.STAGE}
    code.save(outputs["code"], digests(Path(), stages, document))


STAGE = Stage(name=code.STAGE, params=Params, run=run, outputs={"code": code.PATH})

if __name__ == "__main__":
    STAGE.main()
