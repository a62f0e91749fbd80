"""A table that is missing, cut off or of another shape is one error with the stage to run again: each of them."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from types import NoneType
from typing import Any, TypedDict, get_args, get_origin, get_type_hints, is_typeddict

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import culturebench.artifacts
from culturebench.artifacts import _table
from culturebench.artifacts._caption import CAPTION
from culturebench.artifacts._table import ArtifactError, Table

MODULES = [
    importlib.import_module(f"culturebench.artifacts.{info.name}")
    for info in pkgutil.iter_modules(culturebench.artifacts.__path__)
]
TABLES = {
    f"{module.__name__.rpartition('.')[2]}.{name}": value
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, Table)
}
STAGES = {path.stem for path in (Path(__file__).parents[2] / "stages").glob("*.py")}


def test_there_is_a_table_of_every_kind() -> None:
    assert len(TABLES) >= 16
    assert {table.stage for table in TABLES.values()} <= STAGES


def written(table: Table[Any], path: Path, **changed: pa.DataType) -> Path:
    """An empty file with the table's columns, some of them of another type."""
    fields = [field.with_type(changed.get(field.name, field.type)) for field in table.schema]
    pq.write_table(pa.schema(fields).empty_table(), path)
    return path


def refused(table: Table[Any], path: Path, said: str = "") -> None:
    with pytest.raises(ArtifactError, match=rf"(?s){said}.*run `dvc repro (-f )?{table.stage}`"):
        table.load(path)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_with_its_columns_is_read(name: str, tmp_path: Path) -> None:
    assert TABLES[name].load(written(TABLES[name], tmp_path / "file.parquet")) == []


@pytest.mark.parametrize("name", TABLES)
def test_a_missing_or_damaged_table_names_its_stage(name: str, tmp_path: Path) -> None:
    table, path = TABLES[name], tmp_path / "file.parquet"
    refused(table, path, "is missing")
    whole = written(table, path).read_bytes()
    for content in (b"", b"no table at all", whole[:-9], whole[: len(whole) // 2]):
        path.write_bytes(content)
        refused(table, path, "cannot be read")


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_another_shape_names_the_columns_that_differ(name: str, tmp_path: Path) -> None:
    table, path = TABLES[name], tmp_path / "file.parquet"
    first = table.schema.names[0]
    refused(table, written(table, path, **{first: pa.date32()}), f"differs in: {first}\\)")
    pq.write_table(table.schema.empty_table().append_column("more", pa.array([], pa.int8())), path)
    refused(table, path, "differs in: more\\)")
    pq.write_table(table.schema.empty_table().drop_columns([first]), path)
    refused(table, path, f"differs in: {first}\\)")


#: A row of the table of cues.
ROW: dict[str, Any] = {
    "region": "jp", "cue": "", "support": 1, "pictures": 1, "elsewhere": 0, "lift": 1.0, "grounded": True,
}  # fmt: skip


def test_rows_that_were_overwritten_are_no_rows(tmp_path: Path) -> None:
    table, path = TABLES["cues.TABLE"], tmp_path / "file.parquet"
    table.save(path, [{**ROW, "cue": f"cue {number}"} for number in range(3000)])
    whole = path.read_bytes()
    for place in range(100, 4100, 1000):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        refused(table, path, "cannot be read")


def test_an_empty_value_where_none_may_be_is_not_written(tmp_path: Path) -> None:
    table = TABLES["cues.TABLE"]
    with pytest.raises(ArtifactError, match="column cue of ground may not be empty"):
        table.save(tmp_path / "file.parquet", [{**ROW, "cue": None}])
    assert not (tmp_path / "file.parquet").exists()


def test_a_long_table_is_written_in_parts_and_read_in_any_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_table, "MOST_ROWS", 100)
    table, path = TABLES["cues.TABLE"], tmp_path / "file.parquet"
    rows = [{**ROW, "cue": f"cue {number:03}", "support": number} for number in range(250)]
    asked: list[int] = []

    def whole(row: dict[str, Any]) -> dict[str, Any]:
        asked.append(row["support"])
        return {**row, "pictures": 2 * row["support"]}

    table.save(path, reversed(rows), whole)
    assert asked == list(range(250))  # each once, in the order of the file
    assert pq.read_metadata(path).num_row_groups == 3
    loaded = table.load(path)
    assert [row["pictures"] for row in loaded] == [2 * number for number in range(250)]
    assert list(table.stream(path)) == loaded
    columns = table.columns(path, ["cue", "support"])
    assert columns["support"].tolist() == list(range(250)) and columns["cue"][7] == "cue 007"


def test_a_row_of_a_later_part_that_breaks_the_schema_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_table, "MOST_ROWS", 2)
    rows = [{**ROW, "cue": f"{number}", "support": number} for number in range(3)] + [
        {**ROW, "cue": "9", "support": "x"}
    ]
    with pytest.raises(ArtifactError, match="rows do not fit the schema"):
        TABLES["cues.TABLE"].save(tmp_path / "file.parquet", rows)
    assert list(tmp_path.iterdir()) == []


#: The Arrow types of what a column of a row may hold.
PLAIN = {
    str: {pa.string()},
    int: {pa.int32(), pa.int64()},
    float: {pa.float64()},
    bool: {pa.bool_()},
    bytes: {pa.binary()},
}


def differences(row: Any, fields: list[pa.Field], where: str) -> list[str]:
    """What a TypedDict says of its keys and the schema says otherwise."""
    hints, columns = get_type_hints(row), {field.name: field for field in fields}
    if list(hints) != list(columns) or row.__optional_keys__:
        return [f"{where}: {list(hints)} instead of {list(columns)}"]
    return [line for name, hint in hints.items() for line in _column(hint, columns[name], f"{where}.{name}")]


def _column(hint: Any, field: pa.Field, where: str) -> list[str]:
    nullable = NoneType in get_args(hint)
    plain = next(kind for kind in get_args(hint) if kind is not NoneType) if nullable else hint
    wrong = [] if nullable == field.nullable else [f"{where}: nullable is {nullable} instead of {field.nullable}"]
    return wrong + _type(plain, field.type, where)


def _type(hint: Any, kind: pa.DataType, where: str) -> list[str]:
    if is_typeddict(hint) and pa.types.is_struct(kind):
        return differences(hint, [kind.field(place) for place in range(kind.num_fields)], where)
    if get_origin(hint) is list and pa.types.is_list(kind):
        return _type(get_args(hint)[0], kind.value_type, f"{where}[]")
    return [] if kind in PLAIN.get(hint, ()) else [f"{where}: {hint} instead of {kind}"]


@pytest.mark.parametrize("name", TABLES)
def test_the_type_of_a_row_says_what_the_schema_says(name: str) -> None:
    assert not differences(TABLES[name].row, list(TABLES[name].schema), name)


def test_every_artifact_with_a_schema_of_rows_has_a_type_of_its_own() -> None:
    assert (
        len({table.row for table in TABLES.values()}) >= len(TABLES) - 3
    )  # captioned is grounded, one prompt a picture


class Wrong(TypedDict):
    """Each key is wrong in its own way."""

    text: int
    number: float | None
    caption: str
    words: list[int]


def test_a_type_that_says_something_else_is_found() -> None:
    fields = [
        pa.field("text", pa.string(), nullable=False),
        pa.field("number", pa.float64(), nullable=False),
        pa.field("caption", CAPTION),
        pa.field("words", pa.list_(pa.string()), nullable=False),
    ]
    found = differences(Wrong, fields, "wrong")
    assert [line.partition(":")[0] for line in found] == [
        "wrong.text",
        "wrong.number",
        "wrong.caption",
        "wrong.caption",
        "wrong.words[]",
    ]
    assert differences(Wrong, fields[1:], "wrong")
