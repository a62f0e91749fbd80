"""Which files of a project a Python file can reach when it runs, found from their texts alone.

Whatever stands in an `import` counts, inside of functions as well, but not what is imported for types alone. So does a
text that is a module's name, as tables of adapters have them. A package that imports when a name is asked of it (it has
a `__getattr__`) counts, with what it reaches then, for those who ask it, not for whoever imports one of its modules.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from culturebench.code.module import Module
from culturebench.errors import CultureBenchError

#: Folders beside code in which there is none: weights are named by pins, the other one is Python's.
NO_CODE = ("weights", "__pycache__")
#: The name of a module: with a name in it, or with the dot after which another one is put in.
_NAME = re.compile(r"(?P<up>\.*)(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?P<any>\.?)(?::[A-Za-z_]\w*)?")


class CodeError(CultureBenchError):
    """A file that Python cannot read."""


class Sources:
    """The files below `root` as they are now, each read once; named by their paths relative to it, with slashes.

    `packages` are the only ones that count; by default everything that lies in the root. `read` is `Module.read`, or
    gives the same faster.
    """

    def __init__(
        self, root: Path, packages: Collection[str] = (), read: Callable[[str, bytes], Module] = Module.read
    ) -> None:
        self._root = root
        self._packages = packages
        self._read = read
        self._modules: dict[str, Module] = {}
        self._files: dict[str, str | None] = {}
        self._imports: dict[str, frozenset[str]] = {}
        self._others: dict[str, list[str]] = {}

    def module(self, file: str) -> Module:
        """What the file says; `CodeError` when it is no Python."""
        if file not in self._modules:
            try:
                self._modules[file] = self._read(file, (self._root / file).read_bytes())
            except (OSError, SyntaxError, ValueError) as error:
                raise CodeError(f"{file} cannot be read as Python: {error}") from None
        return self._modules[file]

    def digest(self, file: str) -> str:
        """The hash of all of a file that can change a result; empty for a module without code."""
        if file.endswith(".py"):
            return self.module(file).digest
        return hashlib.sha256((self._root / file).read_bytes()).hexdigest()

    def file_of(self, module: str) -> str | None:
        """The file of a module of ours, None for others' modules and for names inside a module."""
        if module not in self._files:
            base = module.replace(".", "/") if self._is_ours(module.partition(".")[0]) else None
            names = (f"{base}.py", f"{base}/__init__.py") if base else ()
            self._files[module] = next((name for name in names if (self._root / name).is_file()), None)
        return self._files[module]

    def _is_ours(self, top: str) -> bool:
        return top in self._packages if self._packages else True

    def imports(self, file: str) -> frozenset[str]:
        """Our files that the file reaches itself, with the packages around them."""
        if file not in self._imports:
            module = self.module(file)
            asked = self._lazy_ones_asked(module)
            found = self.files_of(module.imported_at_once) if module.is_lazy else self._reached(module)
            for package in map(self.module, sorted(name for name in found if self._is_lazy(name))):
                found |= self.files_of(package.imported_at_once)
            found = {name for name in found if not self._is_lazy(name)}
            for package in asked:
                found |= {package.file} | self._reached(package)
            self._imports[file] = frozenset(found - {file})
        return self._imports[file]

    def _reached(self, module: Module) -> set[str]:
        return self.files_of(module.imported) | self._named(module)

    def files_of(self, modules: Iterable[str]) -> set[str]:
        """The files of modules and of the packages around them."""
        found = {self.file_of(name) for module in modules for name in _with_parents(module)}
        return {name for name in found if name}

    def _named(self, module: Module) -> set[str]:
        """The files of modules whose names are texts of this one; all in a package before whose dot a text ends."""
        found: set[str] = set()
        for match in filter(None, map(_NAME.fullmatch, module.texts)):
            name = module.absolute(match["name"], len(match["up"]))
            whole = self.file_of(name) is not None
            if whole if match["up"] else match["any"] or "." in name:  # not each suffix that begins as a module does
                found |= self.files_of([name])
            found |= self._modules_in(name) if match["any"] else set()
        return found

    def _modules_in(self, package: str) -> set[str]:
        folder = (self.file_of(package) or "").removesuffix("__init__.py")
        here = (self._root / folder).glob("*.py") if folder.endswith("/") else ()
        return {path.relative_to(self._root).as_posix() for path in here}

    def _lazy_ones_asked(self, module: Module) -> list[Module]:
        names = {base for base, name in module.asked if not name or not self.file_of(f"{base}.{name}")}
        files = {file for file in map(self.file_of, names) if file and file != module.file}
        return [self.module(file) for file in files if self._is_lazy(file)]

    def _is_lazy(self, file: str) -> bool:
        return file.endswith("__init__.py") and self.module(file).is_lazy

    def closure(self, *files: str) -> set[str]:
        """The files and all of ours that they reach, directly or not."""
        found, todo = set[str](), list(files)
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo.extend(self.imports(name))
        return found

    def data_files(self, file: str) -> set[str]:
        """Files that are no Python below the module's folder and that its text names, by themselves or their folder."""
        folder, slash, _ = file.rpartition("/")
        if not slash:
            return set()  # of a module in the root that would be the whole project
        parts = {name: name.removeprefix(f"{folder}/").split("/") for name in self._no_python(folder)}
        return {name for name in parts if not self.module(file).texts.isdisjoint(parts[name])}

    def _no_python(self, folder: str) -> list[str]:
        if folder not in self._others:
            self._others[folder] = sorted(_others(self._root, folder))
        return self._others[folder]


def _with_parents(module: str) -> Iterator[str]:
    parts = module.split(".")
    return (".".join(parts[:length]) for length in range(1, len(parts) + 1))


def _others(root: Path, top: str) -> Iterator[str]:
    for folder, folders, files in os.walk(root / top):
        folders[:] = [name for name in folders if name not in NO_CODE]
        here = Path(folder).relative_to(root).as_posix()
        yield from (f"{here}/{name}" for name in files if not name.endswith((".py", ".pyc")))
