import pytest

from culturebench.artifacts import evaluation
from culturebench.artifacts._table import ArtifactError

ROW = dict.fromkeys(evaluation.COLUMNS, "") | {
    "strength": None, "value": 0.123456789, "low": None, "high": None, "n_prompts": 1, "n_images": 1, "seeds": [0],
}  # fmt: skip


def test_rows_are_sorted_and_rounded_to_six_digits(tmp_path):
    path = tmp_path / "evaluation.json"
    evaluation.save(path, [{**ROW, "region": "jp"}, {**ROW, "region": "all"}])
    assert [(row["region"], row["value"]) for row in evaluation.load(path)] == [("all", 0.123457), ("jp", 0.123457)]


@pytest.mark.parametrize(
    "row",
    [{**ROW, "extra": 1}, {**ROW, "value": None}, {**ROW, "reason": "not run"}],
    ids=["another column", "a null without a reason", "a reason beside a value"],
)
def test_a_row_that_breaks_the_schema_is_not_written(tmp_path, row):
    with pytest.raises(ArtifactError):
        evaluation.save(tmp_path / "evaluation.json", [row])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", [None, "[{", "{}", "[1]"], ids=["missing", "truncated", "no list", "no row"])
def test_a_damaged_file_names_the_stage_to_run_again(tmp_path, text):
    path = tmp_path / "evaluation.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ArtifactError, match=r"dvc repro .*evaluate"):
        evaluation.load(path)


@pytest.mark.parametrize("text", [None, "a,b\n1,2\n", ",".join(evaluation.CONFUSION_COLUMNS) + "\na,b,c,d,e,many\n"])
def test_damaged_confusion_counts_name_the_stage_to_run_again(tmp_path, text):
    path = tmp_path / "confusion.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ArtifactError, match=r"dvc repro .*evaluate"):
        evaluation.load_confusion(path)
