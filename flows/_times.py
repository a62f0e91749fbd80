"""How long stages took in the last runs of a workspace, and how long the rest of a run will take."""

from __future__ import annotations

import heapq
import json
from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import fmean

#: Below `.dvc/tmp`: no artifact, and nothing is lost with it but estimates.
FILE = "culturebench/seconds.json"


class Times:
    """Seconds that each stage's command took when it last ran here."""

    def __init__(self, path: Path, seconds: Mapping[str, float]) -> None:
        self._path, self._seconds = path, dict(seconds)

    @staticmethod
    def read(folder: str) -> Times:
        """Those kept below DVC's temporary folder; none where they cannot be read."""
        path = Path(folder) / FILE
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return Times(path, {str(name): float(seconds) for name, seconds in found.items()})
        except (OSError, ValueError, TypeError, AttributeError):
            return Times(path, {})

    def keep(self, stage: str, seconds: float) -> None:
        """Remember how long a stage took."""
        self._seconds[stage] = round(seconds, 2)

    def of(self, stage: str) -> float | None:
        """The stage's seconds, else the mean of its group's, else None."""
        if stage in self._seconds:
            return self._seconds[stage]
        group = stage.partition("@")[0]
        alike = [seconds for name, seconds in list(self._seconds.items()) if name.partition("@")[0] == group]
        return fmean(alike) if alike else None

    def write(self) -> None:
        """Keep them for the next run."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        whole = self._path.with_suffix(".tmp")
        whole.write_text(json.dumps(self._seconds, sort_keys=True), encoding="utf-8")
        whole.replace(self._path)


def rest(seconds: Mapping[str, float], waits: Mapping[str, Sequence[str]], jobs: int) -> float:
    """Seconds until all stages are done, when `jobs` are at work and each starts as soon as it can."""
    sorter = TopologicalSorter({name: [other for other in waits[name] if other in seconds] for name in seconds})
    sorter.prepare()
    ready, working, now = list(sorter.get_ready()), list[tuple[float, str]](), 0.0
    while ready or working:
        while ready and len(working) < jobs:
            name = ready.pop(0)
            heapq.heappush(working, (now + seconds[name], name))
        now, name = heapq.heappop(working)
        sorter.done(name)
        ready.extend(sorter.get_ready())
    return now
