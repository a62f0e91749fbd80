"""Work out what the code of every other stage is, so that DVC knows which of them other code can change."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from culturebench.artifacts import code
from culturebench.code.digests import digests
from culturebench.params import load_document
from culturebench.stage import Paths, Stage

#: Sections of params.yaml -> folders of what is made for their entries, which `evaluate` and `report` depend on: where
#: one of the sections is empty nothing would make them, and DVC does not start a stage whose folders are missing.
FOLDERS = {
    ("models", "judges"): (
        *("data/answers", "data/measured", "data/one_prompt", "data/pictures", "data/pictures/test"),
        *("models/enhancer", "models/strength", "reports/metrics/reliability", "reports/metrics/selectors"),
    ),
    ("models", "judges", "adapters"): ("models/adapter", "reports/metrics/adapters"),
    ("audits",): ("reports/metrics/audits", "reports/metrics/judge_audits"),
}


@dataclass(frozen=True)
class Params:
    """Nothing: it looks at all of params.yaml for names of functions, and depends on no number."""


def run(params: Params, inputs: Paths, outputs: Paths) -> None:
    """Write the digest of each stage's code, always, and make the folders that nobody fills."""
    document = load_document()
    for sections, folders in FOLDERS.items():
        if not all(document.get(section) for section in sections):
            for folder in folders:
                Path(folder).mkdir(parents=True, exist_ok=True)
    stages = {path.stem for path in Path("stages").glob("[!_]*.py")} - {code.STAGE}
    code.save(outputs["code"], digests(Path(), stages, document))


STAGE = Stage(name=code.STAGE, params=Params, run=run, outputs={"code": code.PATH})

if __name__ == "__main__":
    STAGE.main()
