"""The dataset card and the datasheet: rendered from counts alone, so that equal data give equal text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from culturebench.ethics import SENTENCES
from culturebench.release.counts import RegionCounts, total
from culturebench.release.licences import licence_url, on_card
from culturebench.release.markdown import words
from culturebench.release.shards import Shard

#: In the order that readers expect.
SPLITS = ("train", "test", "detect")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def front_matter(name: str, regions: Sequence[RegionCounts], shards: Sequence[Shard]) -> str:
    """The YAML that the Hugging Face hub and `datasets` read: a configuration of all regions, and one for each."""
    pictures = sum(region.pictures for region in regions)
    paths = [shard.path for shard in shards]
    configs = [_config("default", "*", paths, default=True)]
    configs += [_config(region.code, region.code, paths) for region in regions if region.pictures]
    front = {
        "pretty_name": name,
        "license": sorted({on_card(licence) for licence in total(regions, "licences")}),
        "language": sorted({region.language for region in regions} | {"en"}),
        "task_categories": ["text-to-image", "image-classification"],
        "tags": ["culture", "multilingual"],
        "size_categories": [next((label for size, label in _SIZES if pictures < size), "n>1M")],
        "configs": configs,
    }
    return yaml.safe_dump(front, sort_keys=False, allow_unicode=True)


def _config(name: str, folder: str, paths: Sequence[str], default: bool = False) -> dict[str, Any]:
    """One configuration; a split without any file would stop `load_dataset`, so it is left out."""
    patterns = {split: f"data/{folder}/{split}-*.parquet" for split in SPLITS}
    found = {split: pattern for split, pattern in patterns.items() if any(fnmatch(path, pattern) for path in paths)}
    files = [{"split": split, "path": pattern} for split, pattern in found.items()]
    return {"config_name": name} | ({"default": True} if default else {}) | {"data_files": files}


def render(template: str, values: Mapping[str, Any]) -> str:
    """A template of this package as Markdown."""
    environment = Environment(
        loader=PackageLoader("culturebench.release", "templates"),
        autoescape=False,  # Markdown: what others said goes through `words`
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(licence_url=licence_url, words=words)
    return environment.get_template(template).render(**values, ethics=SENTENCES)
