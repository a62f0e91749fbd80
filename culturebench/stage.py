"""What every stage shares: identities from the command line, checked params, paths, one clear error."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Generic, TypeVar, cast, get_type_hints

from platformdirs import user_cache_dir

from culturebench.errors import CultureBenchError
from culturebench.params import RegionPart, load_document, load_region, load_section

if TYPE_CHECKING:
    from culturebench.params._runtime import Deterministic, Runtime
    from culturebench.params.encoders import Encoders
    from culturebench.params.models import Models

THREADS = 1  # one and two give other bytes; one also shares a busy machine, and leaves a core to a second stage
#: The URL of the store of cached results; by default a folder in the user's cache directory.
STORE_VARIABLE = "CULTUREBENCH_STORE"
#: The identity, and the field of a stage's params, that a region file belongs to.
REGION = "region"
#: What torch says of an operation without a deterministic kernel, behind its name.
NOT_DETERMINISTIC = "does not have a deterministic implementation"
_mode: Deterministic = "error"
P = TypeVar("P")
Paths = Mapping[str, Path]


@dataclass(frozen=True)
class Stage(Generic[P]):
    """The declaration of one DVC stage; `dvc.yaml` is held to it by `tests/test_layout.py`.

    `params` is a frozen dataclass of what `run` reads: each field a section of `params.yaml` under the section's own
    name, or `region`, a model of the keys that it reads of its region file. `inputs` and `outputs` map a name to a path
    template such as `data/candidates/{region}.parquet`. `aside` writes empty outputs in the place of `run` for a model
    or an encoder whose entry in params.yaml is `closed`.
    """

    name: str
    params: type[P]
    run: Callable[Concatenate[P, Paths, Paths, ...], None]
    inputs: Mapping[str, str] = field(default_factory=dict[str, str])
    outputs: Mapping[str, str] = field(default_factory=dict[str, str])
    identities: tuple[str, ...] = ()
    aside: Callable[Concatenate[P, Paths, Paths, ...], None] | None = None

    @property
    def sections(self) -> tuple[type[Any], ...]:
        """The sections of `params.yaml` that it reads."""
        return tuple(kind for name, kind in get_type_hints(self.params).items() if name != REGION)

    @property
    def region_keys(self) -> tuple[str, ...]:
        """The keys of its region file that it reads."""
        region: type[RegionPart] | None = get_type_hints(self.params).get(REGION)
        return tuple(region.model_fields) if region else ()

    def main(self, argv: Sequence[str] | None = None) -> None:
        """Run the stage for the identities on the command line; exit 1 with one message on a user's error."""
        parser = argparse.ArgumentParser(prog=f"python -m stages.{self.name}", description=self.run.__doc__)
        for identity in self.identities:
            parser.add_argument(f"--{identity}", required=True)
        identity_values = vars(parser.parse_args(argv))
        try:
            self.execute(**identity_values)
        except CultureBenchError as error:
            sys.exit(f"{self.name}: {error}")
        except RuntimeError as error:
            if NOT_DETERMINISTIC not in str(error):
                raise
            sys.exit(
                f"{self.name}: {str(error).partition(NOT_DETERMINISTIC)[0]}has no deterministic kernel here; set "
                "`runtime.deterministic: warn` of the model, encoder, judge or measure; bytes may then differ by run"
            )

    def execute(self, **identity: str) -> None:
        """Validate params, resolve paths, make the outputs' folders, and run."""
        params = self.load_params(**identity)
        inputs = {name: Path(path.format(**identity)) for name, path in self.inputs.items()}
        outputs = {name: Path(path.format(**identity)) for name, path in self.outputs.items()}
        for path in outputs.values():
            path.parent.mkdir(parents=True, exist_ok=True)
        fix_threads(self._deterministic(params, **identity))
        _remember_hashes()
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        self._chosen(params, **identity)(params, inputs, outputs, **identity)

    def _chosen(self, params: P, **identity: str) -> Callable[Concatenate[P, Paths, Paths, ...], None]:
        """`run`, or `aside` with a line that says why."""
        for section in ("models", "encoders") if self.aside else ():
            entries: Models | Encoders | None = getattr(params, section, None)
            name = identity.get(section.removesuffix("s"), "")
            if entries and name in entries.root and (reason := entries.root[name].closed):
                print(f"{self.name}: {section}.{name} stands aside: {reason}", file=sys.stderr)
                return cast(Any, self.aside)
        return self.run

    def _deterministic(self, params: P, **identity: str) -> Deterministic:
        """The loosest that a runtime among its params asks for, of a section or of the entry that it is run for."""
        found: set[str] = {"error"}
        for section, value in vars(params).items():
            root = getattr(value, "root", value)
            entry = cast(Any, root).get(identity.get(section.removesuffix("s"))) if isinstance(root, dict) else root
            runtime: Runtime | None = getattr(entry, "runtime", None)
            found |= {runtime.deterministic} if runtime else set()
        return "off" if "off" in found else "warn" if "warn" in found else "error"

    def load_params(self, **identity: str) -> P:
        """What `run` reads of `params.yaml` and of its region file, checked."""
        document = load_document()
        values: dict[str, Any] = {
            name: load_region(kind, identity[REGION]) if name == REGION else load_section(kind, document)
            for name, kind in get_type_hints(self.params).items()
        }
        return self.params(**values)


def store_url() -> str:
    """Where slow or paid results are kept: `CULTUREBENCH_STORE`, else a folder in the user's cache directory."""
    return os.environ.get(STORE_VARIABLE) or str(Path(user_cache_dir("culturebench")) / "store")


def secret(name: str) -> str | None:
    """A key from the environment, None when it is not set; it must not reach any log, artifact or message."""
    return os.environ.get(name) or None


def _remember_hashes() -> None:
    """A stage hashes weights that an earlier one hashed only if they were touched since; in CI it always does."""
    hashes = sys.modules.get("culturebench.hashes")  # which stages without weights do without
    if hashes is not None:
        hashes.remember_in(None if os.environ.get("CI") else Path(user_cache_dir("culturebench")) / "hashes")


def fix_threads(deterministic: Deterministic = "error") -> None:
    """The thread count decides the order of float sums, so it is a constant and not the machine's.

    With `deterministic` "error" or "warn" torch takes deterministic kernels, and raises, or warns with its name, at an
    operation that has none. To be called before CUDA starts.
    """
    global _mode
    _mode = deterministic
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if deterministic != "off":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it determinism is an error on a GPU
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(THREADS)
        # Does what use_deterministic_algorithms does, without importing the compiler: 1.5 s a stage.
        torch.set_deterministic_debug_mode("default" if deterministic == "off" else deterministic)


def deterministic() -> Deterministic:
    """What `fix_threads` was last told, for processes that work for this one."""
    return _mode
