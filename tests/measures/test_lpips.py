"""LPIPS against the numbers of lpips 0.1.4 on the same weights (tests/support/original_measures.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

import tiny_measures
from culturebench.measures.scorers.lpips import Lpips, LpipsError

#: Network -> distances of pictures 0 and 1, 0 and 2, 1 and 2.
ORIGINAL = {
    "alex": [0.0026596, -0.0036334, -0.0034599],
    "vgg": [0.0289468, 0.0252942, 0.0263223],
}
SIZE = 128


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_measures.lpips(tmp_path_factory.mktemp("lpips"), "alex").parent


@pytest.mark.parametrize("network", ["alex", pytest.param("vgg", marks=pytest.mark.slow)])
def test_the_distances_are_those_of_the_original(folder: Path, network: str) -> None:
    model = Lpips.from_folder(folder / network, network, SIZE)  # type: ignore[arg-type]
    a, b, c = tiny_measures.pictures()
    assert model.distances([a, a, b], [b, c, c]) == pytest.approx(ORIGINAL[network], abs=1e-6)
    assert model.diversity([a, b, c]) == pytest.approx(sum(ORIGINAL[network]) / 3, abs=1e-6)


def test_a_picture_is_at_no_distance_from_itself_whatever_its_size(folder: Path) -> None:
    model = Lpips.from_folder(folder / "alex", "alex", SIZE)
    (picture,) = tiny_measures.pictures(1, (SIZE, SIZE))
    assert model.distances([picture], [picture.resize((SIZE, SIZE))]) == [0.0]
    wide = tiny_measures.pictures(1, (300, 100))[0]
    square = wide.crop((100, 0, 200, 100))  # what counts of it
    assert model.distances([wide], [square]) == pytest.approx([0.0], abs=1e-6)


def test_missing_linear_layers_are_named_with_where_they_come_from(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "features.safetensors").write_bytes((folder / "alex/alexnet-owt-7be5be79.safetensors").read_bytes())
    with pytest.raises(LpipsError, match=r"lacks lin0\.model\.1\.weight, .*lpips' v0\.1/alex\.pth there"):
        Lpips.from_folder(tmp_path, "alex", SIZE)


def test_another_network_than_asked_for_is_refused(folder: Path) -> None:
    with pytest.raises(LpipsError, match="lacks features"):
        Lpips.from_folder(folder / "alex", "vgg", SIZE)
