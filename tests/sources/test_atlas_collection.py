"""The atlas as a source: always the same pictures, a known share of them with planted defects."""

from __future__ import annotations

import math

from culturebench.artifacts import candidates
from culturebench.atlas.captions import noun_caption
from culturebench.atlas.collection import findings
from culturebench.atlas.world import REGIONS
from culturebench.params.collect import AtlasSource, PlantedShares
from culturebench.sources.atlas import Atlas
from culturebench.sources.candidate import candidate

SHARES = {
    "near_duplicate": 0.1, "blurred": 0.05, "mislabelled": 0.1, "plain": 0.05, "badly_licensed": 0.05,
    "truncated": 0.05, "too_small": 0.05,
}  # fmt: skip


def source(pictures: int) -> Atlas:
    return Atlas(AtlasSource(kind="atlas", pictures=pictures, size=64, planted=PlantedShares(**SHARES)))


def test_fewer_pictures_are_a_prefix_of_more():
    assert findings("jp", 30, SHARES) == findings("jp", 90, SHARES)[:30]
    assert list(source(5).find("jp")) == list(source(9).find("jp"))[:5]


def test_good_pictures_of_a_region_have_noun_captions_of_their_own():
    good = [finding.scene for finding in findings("nl", 400, SHARES) if not finding.planted]
    captions = {noun_caption(scene, "nl").text for scene in good}
    assert len(captions) == len(good) > 150


def test_planted_shares_are_those_that_were_asked_for():
    every = [finding for region in REGIONS for finding in findings(region, 100, SHARES)]
    for name, share in SHARES.items():
        count = sum(finding.planted.split(":")[0] == name for finding in every)
        expected, deviation = share * len(every), math.sqrt(len(every) * share * (1 - share))
        assert abs(count - expected) < 4 * deviation + 0.02 * expected, name


def test_ids_are_unique_and_do_not_depend_on_the_encoder(monkeypatch):
    found = findings("jp", 300, SHARES)
    assert len({finding.picture_id for finding in found}) == len(found)
    assert all(finding.picture_id == finding.scene.id() for finding in found if not finding.planted)


def test_a_region_outside_of_the_atlas_has_no_pictures():
    assert list(source(5).find("mars")) == []


def test_rows_carry_licence_origin_and_truth(tmp_path):
    rows = [candidate(found, "atlas", "jp", "ja") for found in source(40).find("jp")]
    candidates.TABLE.save(tmp_path / "jp.parquet", rows)
    loaded = candidates.TABLE.load(tmp_path / "jp.parquet")
    assert len(loaded) == 40 and {row["status"] for row in loaded} == {"ok"}
    for row in loaded:
        assert row["author"] and row["page_url"] and row["licence_text"] is not None
        allowed = row["licence"].startswith(("CC0", "CC-BY-3", "CC-BY-4", "CC-BY-SA-4", "CC-PDM"))
        assert allowed == (row["planted"] != "badly_licensed")
