"""Count how each neuron of a vision-language model's decoder fires on each culture's detect questions."""

from __future__ import annotations

from dataclasses import dataclass

from culturebench.artifacts import activations, pins, questions
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
    asked = questions.TABLE.load(inputs["questions"])
    images = {row["picture_id"]: row["image"] for row in questions.PICTURES.load(inputs["pictures"])}
    vlm = Vlm(verified_folder(pin_path(inputs["pins"], how.pin)), how.runtime, how.max_pixels)
    activations.save(outputs["activations"], probed(vlm, asked, images, how, params.probe_vlm))


STAGE = Stage(
    name="probe_vlm",
    run=run,
    identities=("audit", "questions"),
    params=Params,
    inputs={"pins": pins.DIRECTORY, "questions": questions.DETECT, "pictures": questions.DETECT_PICTURES},
    outputs={"activations": activations.PATH},
)

if __name__ == "__main__":
    STAGE.main()
