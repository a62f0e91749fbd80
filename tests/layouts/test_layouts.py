"""The manifests say of the published geometry what the libraries' own classes say."""

from __future__ import annotations

from typing import Any

import diffusers
import pytest
import torch
import transformers

import layouts

CASES = [
    (name, part)
    for name in layouts.NAMES
    for part, described in sorted(layouts.manifest(name)["folders"].items())
    if "config" in described
]
ALT = "RobertaSeriesModelWithTransformation"


def published_model(config: dict[str, Any]) -> Any:
    """The class that the config names, without memory for its weights."""
    with torch.device("meta"):
        if "_class_name" in config:
            kind: Any = getattr(diffusers, config["_class_name"])
            return kind.from_config({key: value for key, value in config.items() if key != "_class_name"})
        kind = getattr(transformers, config["architectures"][0])
        return kind(kind.config_class(**{key: value for key, value in config.items() if key != "architectures"}))


@pytest.mark.parametrize(("name", "part"), CASES)
def test_a_manifest_has_the_tensors_of_the_published_geometry(name: str, part: str) -> None:
    described = layouts.manifest(name)["folders"][part]
    if described["config"].get("architectures") == [ALT]:
        pytest.skip("its class is held to the manifest where its weights are loaded")
    found = {
        key if key.startswith("text_projection") else key.removeprefix("text_model."): list(tensor.shape)
        for key, tensor in published_model(described["config"]).state_dict().items()
        if key != "encoder.embed_tokens.weight"  # of T5: the same tensor as `shared.weight`, saved once
    }
    listed = {
        key if key.startswith("text_projection") else key.removeprefix("text_model."): shape
        for key, shape in layouts.published_shapes(described).items()
    }
    assert listed == found


@pytest.mark.parametrize("name", layouts.NAMES)
def test_a_manifest_names_its_public_source(name: str) -> None:
    assert any("/" in line and ":" in line for line in layouts.manifest(name)["source"])
