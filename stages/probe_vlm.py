"""Count how each neuron of a vision-language model's decoder fires on each culture's detect questions."""

from __future__ import annotations

from dataclasses import dataclass

from culturebench.artifacts import activations, pins, questions as artifact
from culturebench.params import choose
from culturebench.params.audits import Audits
from culturebench.params.probe_vlm import ProbeVlm
from culturebench.pins import pin_path, verified_folder
from culturebench.stage import Paths, Stage
from culturebench.vlm.model import Vlm
from culturebench.vlm.probing import probed


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    audits: Audits
    probe_vlm: ProbeVlm


def run(params: Params, inputs: Paths, outputs: Paths, *, audit: str, questions: str) -> None:
    """One pass over the questions that ask for something cultural."""
    how = choose(params.audits, audit)
    asked = artifact.TABLE.load(inputs["questions"] / artifact.QUESTIONS)
    pictures = artifact.PICTURES.load(inputs["questions"] / artifact.PICTURES_FILE)
    images = {row["picture_id"]: row["image"] for row in pictures}
    vlm = Vlm(verified_folder(pin_path(inputs["pins"], how.pin)), how.runtime, how.max_pixels)
    activations.save(outputs["activations"], probed(vlm, asked, images, how, params.probe_vlm))


STAGE = Stage(
    name="probe_vlm",
    run=run,
    identities=("audit", "questions"),
    params=Params,
    inputs={"pins": pins.DIRECTORY, "questions": artifact.DETECT},
    outputs={"activations": activations.PATH},
)

if __name__ == "__main__":
    STAGE.main()
