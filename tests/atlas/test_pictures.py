"""Atlas pictures: determinism, the whole range of scenes, refusals, and ornaments that can be told apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from culturebench.atlas.ornaments import draw_tile
from culturebench.atlas.pictures import render
from culturebench.atlas.world import COMPANIONS, FRAMINGS, LIGHTS, OBJECTS, PLACES, REGIONS, Scene, contexts

FILLS = [("", ""), *((region, sub) for region, (_, subs) in REGIONS.items() for sub in subs)]
PLAIN = Scene("bowl", "grass", "day", "close", "none")


def _random_scenes(region: str, subdivision: str, count: int, rng: np.random.Generator) -> list[Scene]:
    table = contexts()
    picks = rng.integers(len(table), size=count)
    return [Scene(*table[i], region, subdivision, int(rng.integers(1 << 30))) for i in picks]


def _features(scene: Scene) -> np.ndarray:
    """Colour shares (4 levels a channel, blurred counts avoided by soft bins) and edge strengths of the middle."""
    inset = 17 if scene.framing == "close" else 22
    pixels = np.asarray(render(scene, 64), float)[inset:-inset, inset:-inset] / (200 if scene.light == "night" else 255)
    levels = np.clip(pixels, 0, 1) * 3
    soft = np.clip(1 - np.abs(levels[..., None] - np.arange(4)), 0, 1)
    shares = np.einsum("yxa,yxb,yxc->abc", soft[:, :, 0], soft[:, :, 1], soft[:, :, 2]).ravel() / pixels[..., 0].size
    edges = [np.abs(np.diff(pixels, axis=axis)).mean((0, 1)) for axis in (0, 1)]
    return np.concatenate([np.sqrt(shares), *edges])


def test_same_scene_same_bytes_and_seed_changes_them() -> None:
    scene = replace(PLAIN, companion="tree", region="tr", subdivision="iznik", seed=5)
    assert render(scene, 64).tobytes() == render(scene, 64).tobytes()
    assert render(scene, 64).tobytes() != render(replace(scene, seed=6), 64).tobytes()


def test_every_kind_of_scene_renders() -> None:
    for i, (region, sub) in enumerate(FILLS):
        picture = render(replace(PLAIN, object=OBJECTS[i % 14], region=region, subdivision=sub), 64)
        assert picture.size == (64, 64) and picture.mode == "RGB"
    scenes = [
        Scene(o, p, li, f, c) for o in OBJECTS for p in PLACES for li in LIGHTS for f in FRAMINGS for c in COMPANIONS
    ]
    assert len({render(scene, 32).tobytes() for scene in scenes}) == len(scenes)


def test_every_subdivision_has_a_tile() -> None:
    for _, sub in FILLS[1:]:
        assert draw_tile(sub).mode == "RGB"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"object": "castle"}, "object is 'castle'; allowed: 'bowl'"),
        ({"light": "dusk"}, "light is 'dusk'; allowed: 'day', 'night'"),
        ({"region": "xx"}, "region is 'xx'"),
        ({"region": "nl", "subdivision": "iznik"}, "subdivision is 'iznik'; allowed: 'delft', 'hindeloopen'"),
        ({"region": "nl"}, "subdivision is ''; allowed: 'delft'"),
        ({"subdivision": "delft"}, "subdivision is 'delft'; allowed: ''"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, object], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        render(replace(PLAIN, **change), 64)


def test_a_tiny_size_is_refused() -> None:
    with pytest.raises(ValueError, match="size is 8"):
        render(PLAIN, 8)


@pytest.mark.parametrize("name", OBJECTS)
def test_the_ornament_changes_a_good_part_of_the_object(name: str) -> None:
    plain = np.asarray(render(replace(PLAIN, object=name), 128), int)
    bare = np.asarray(render(replace(PLAIN, object=name, region="cn", subdivision="huiwen"), 128), int)
    assert (np.abs(plain - bare).max(-1) > 40).mean() > 0.08


def test_a_simple_classifier_names_the_region() -> None:
    rng = np.random.default_rng(0)
    train = [np.stack([_features(s) for s in _random_scenes(*fill, 40, rng)]) for fill in FILLS]
    centroids = np.stack([x.mean(0) for x in train])
    within = np.concatenate([x - x.mean(0) for x in train])
    # distances count in units of the spread within one fill, so that the context weighs little
    values, vectors = np.linalg.eigh(within.T @ within / len(within) + 1e-3 * np.eye(within.shape[1]))
    whiten = vectors / np.sqrt(values)
    hits = []
    for fill in FILLS:
        test = np.stack([_features(s) for s in _random_scenes(*fill, 20, rng)])
        gaps = ((test[:, None] - centroids) @ whiten) ** 2
        hits += [FILLS[i][0] == fill[0] for i in gaps.sum(-1).argmin(1)]
    assert np.mean(hits) >= 0.97
