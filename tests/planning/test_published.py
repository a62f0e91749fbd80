"""The geometry that plans are made of: the published one, of the published size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

import layouts
from culturebench.params.encoders import Encoders
from culturebench.params.models import Models
from culturebench.params.pins import Pins
from culturebench.planning.cost import cost_of
from culturebench.planning.geometry import Geometry, GeometryError, geometry_of, tokens_of
from culturebench.planning.published import published
from import_graph import ROOT

#: Model -> parameters of its denoiser: BK-SDM (arXiv:2305.15798) for Stable Diffusion 1, Stability's and Black Forest
#: Labs' model cards for the others, as precisely as they say.
DENOISERS = {
    "altdiffusion_m9": (859.5e6, 0.001),
    "sdxl": (2.6e9, 0.02),
    "sd35_medium": (2.5e9, 0.02),
    "sd35_large": (8.1e9, 0.01),
    "flux": (12e9, 0.02),
}
LARGE = [name for name in DENOISERS if name != "altdiffusion_m9"]
SCHEDULER = "scheduler/scheduler_config.json"


def geometry(name: str, **changed: Any) -> Geometry:
    entries = yaml.safe_load((ROOT / f"examples/models/{name}.yaml").read_text(encoding="utf-8"))
    (model,) = Models.model_validate(entries["models"]).root.values()
    encoders, pins = Encoders.model_validate(entries["encoders"]), Pins.model_validate(entries["pins"])
    return geometry_of(model.model_copy(update=changed), encoders.root, pins.root, ROOT, 30)


@pytest.mark.parametrize("name", [name for name in layouts.NAMES if SCHEDULER in layouts.manifest(name)["files"]])
def test_a_published_config_is_that_of_the_layouts(name: str) -> None:
    manifest = layouts.manifest(name)
    repo = manifest["source"][0].split(":")[0].removeprefix("huggingface.co/")
    wanted = {part: entry["config"] for part, entry in manifest["folders"].items() if "config" in entry}
    assert published()[repo] == {**wanted, "scheduler": manifest["files"][SCHEDULER]}


def test_peas_published_shapes_are_those_of_its_layout() -> None:
    folders = layouts.manifest("pea_diffusion")["folders"]
    tower = published()["laion/CLIP-ViT-H-14-frozen-xlm-roberta-large-laion5B-s13B-b90k"]["text"]
    shapes = layouts.published_shapes(folders["open_clip"])
    vocabulary, width = shapes["text.transformer.embeddings.word_embeddings.weight"]
    assert (tower["vocab_size"], tower["hidden_size"]) == (vocabulary, width)
    assert f"text.transformer.encoder.layer.{tower['num_hidden_layers'] - 1}.output.dense.weight" in shapes
    adapter = published()["OPPOer/PEA-Diffusion"]["adapter"]
    found = layouts.published_shapes(folders["adapter"])
    assert found["projector.0.weight"] == [adapter["hidden"], adapter["d"]]
    assert found["fc.weight"] == [adapter["embeds"], adapter["pooled"]]


@pytest.mark.parametrize("name", ["altdiffusion_m9", *(pytest.param(n, marks=pytest.mark.slow) for n in LARGE)])
def test_a_denoiser_has_as_many_parameters_as_published(name: str) -> None:
    found = geometry(name)
    denoiser = getattr(found.system.pipe, "unet", None) or found.system.pipe.transformer
    wanted, tolerance = DENOISERS[name]
    # Published counts are of what the files hold: SD3.5's table of positions is among it, though nobody trains it.
    assert sum(tensor.numel() for tensor in denoiser.state_dict().values()) == pytest.approx(wanted, rel=tolerance)
    assert {tensor.device.type for tensor in found.condition.values()} == {"meta"}


def test_a_prompt_through_xlm_r_large_costs_what_its_formula_says() -> None:
    (tower,) = geometry("altdiffusion_m18").towers.values()
    tokens, d, layers = 77, 1024, 24
    cost = cost_of(torch.no_grad()(lambda: tower.run(tokens_of(tokens))))
    projections = layers * 2 * tokens * (4 * d * d + 2 * d * 4 * d)
    attention = layers * 2 * 2 * tokens * tokens * d
    transformation = 2 * tokens * d * d
    assert cost.flops == projections + attention + transformation


def test_a_model_without_a_published_geometry_is_refused_with_those_that_have_one(tmp_path: Path) -> None:
    with pytest.raises(GeometryError, match=r"show_o2 has no published geometry here; .*altdiffusion, pea_diffusion"):
        geometry("show_o2")
    entries = yaml.safe_load((ROOT / "examples/models/sdxl.yaml").read_text(encoding="utf-8"))
    entries["pins"]["sdxl"] = {"folder": "mine"}
    pins, encoders = Pins.model_validate(entries["pins"]).root, Encoders.model_validate(entries["encoders"]).root
    with pytest.raises(GeometryError, match=r"no config of text_encoder of mine is known; fetch the weights first"):
        geometry_of(Models.model_validate(entries["models"]).root["sdxl"], encoders, pins, tmp_path, 30)
