"""Silence every culture's neurons of every selector on the test questions, and say what that does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from culturebench.artifacts import pins, questions as artifact, silenced, vlm_neurons
from culturebench.evaluation.silenced import summary
from culturebench.measures.statistics import Bootstrap
from culturebench.params import choose
from culturebench.params.audits import Audits
from culturebench.params.silence import Silence
from culturebench.pins import fingerprint, pin_path, verified_folder
from culturebench.probing.selectors import CONTROL
from culturebench.probing.vlm_selection import sets_of
from culturebench.probing.vlm_silencing import silenced_rows
from culturebench.stage import Paths, Stage, store_url
from culturebench.store import Store
from culturebench.vlm.asking import Asking, image
from culturebench.vlm.model import Vlm


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    audits: Audits
    silence: Silence


def run(params: Params, inputs: Paths, outputs: Paths, *, audit: str, questions: str) -> None:
    """Ask every test question with all neurons at work, and without each set of them."""
    how, numbers = choose(params.audits, audit), params.silence
    asked = artifact.TABLE.load(inputs["questions"] / artifact.QUESTIONS)
    pictures = artifact.PICTURES.load(inputs["questions"] / artifact.PICTURES_FILE)
    images = {row["picture_id"]: row["image"] for row in pictures}
    neurons = vlm_neurons.TABLE.load(inputs["neurons"])
    pin = pin_path(inputs["pins"], how.pin)
    asking = Asking(
        how,
        fingerprint(pin),
        Store(store_url()),
        cache(lambda: Vlm(verified_folder(pin), how.runtime, how.max_pixels)),
        lambda name: image(images, name),
    )
    shown = numbers.by_layer or neurons[0]["selector"]
    sets = sets_of(neurons, numbers.by_layer, silenced.WHOLE)
    rows = silenced_rows(asking, asked, sets, numbers.languages, shown)
    silenced.TABLE.save(outputs["answers"], rows)
    about = {"questions": questions, "scoring": how.scoring, "shown": shown, "control": CONTROL}
    bootstrap = Bootstrap(numbers.resamples, numbers.seed, numbers.level)
    silenced.SUMMARY_FILE.save(outputs["summary"], summary(asked, rows, neurons, bootstrap, about))


STAGE = Stage(
    name="silence",
    run=run,
    identities=("audit", "questions"),
    params=Params,
    inputs={
        "pins": pins.DIRECTORY,
        "questions": artifact.TEST,
        "neurons": vlm_neurons.PATH,
    },
    outputs={"answers": silenced.PATH, "summary": silenced.SUMMARY},
)

if __name__ == "__main__":
    STAGE.main()
