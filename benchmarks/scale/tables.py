"""Selection, the controls of edits and the evaluation on invented tables of growing size, in this process."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from culturebench.artifacts import neurons
from culturebench.conditions import in_order
from culturebench.evaluation.comparisons import corrected
from culturebench.evaluation.scores import score_answers
from culturebench.evaluation.table import Made, Tests, table_rows, with_pooled
from culturebench.interventions.controls import DRAWS, Case, random_of
from culturebench.interventions.edits import unchanged
from culturebench.interventions.neurons import COLUMNS, NeuronTable
from culturebench.measures.paired_test import SignFlip
from culturebench.measures.statistics import Bootstrap
from culturebench.params._base import load_document, load_section
from culturebench.params.conditions import Conditions
from culturebench.probing.selection import Settings
from culturebench.probing.selectors import LapeRule, Rules, Sides, selector, usable

LATENTS, SAES, PROMPTS, DRAWN = 4096, 2, 30, 50
TEST_PROMPTS, SEEDS, JUDGES = 4, 4, ("one", "other")
RULES = Rules(Settings(0.0, 1e-6, 10, 60), LapeRule(0.01, 0.95, 0.95), 0)
Figures = dict[str, dict[str, float]]


def selection(regions: int) -> Figures:
    """Every selector on one autoencoder's latents, then one draw of each control of an edit."""
    dice, codes = np.random.default_rng(0), [f"x{number:03}" for number in range(regions)]
    sides = {code: Sides(_latents(dice), _latents(dice)) for code in codes}
    figures = {f"selector `{name}`": _timed(lambda name=name: selector(name)(sides, RULES)) for name in usable(regions)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "neurons.parquet"
        chosen = selector("wfs")(sides, RULES)
        pairs = [(seed, code) for seed in range(SAES) for code in codes]
        neurons.TABLE.save(path, (row for seed, code in pairs for row in _rows(seed, code, chosen[code])))
        read: list[NeuronTable] = []
        load = _timed(lambda: read.append(NeuronTable.from_columns(neurons.TABLE.columns(path, COLUMNS))))
        figures["reading the neurons of a model"] = load
    for name, draw in DRAWS.items():
        cases = [_case(read[0], codes[number % regions], number) for number in range(DRAWN)]
        whole = _timed(lambda draw=draw, cases=cases: [draw(case) for case in cases])
        figures[f"control `{name}`, {DRAWN} draws"] = whole
    return figures


def evaluation(regions: int) -> Figures:
    """One model's table: all conditions of params.yaml, two judges, four prompts a region, four pictures a prompt."""
    codes = [f"x{number:03}" for number in range(regions)]
    names = in_order(load_section(Conditions, load_document()).all)
    conditions = {name: _made(name, codes, number) for number, name in enumerate(names)}
    test, bootstrap, found = SignFlip(10_000, 0), Bootstrap(2000, 0, 0.95), list[Any]()
    tests = _timed(lambda: found.append(Tests(*(corrected(conditions, test, by) for by in ("prompt", "region")))))
    table = _timed(lambda: table_rows(conditions, found[0], codes, bootstrap))
    return {"tests of a model": tests, "table of a model": table}


def _latents(dice: np.random.Generator) -> Any:
    """(prompts, latents): one in fifty is above 0, and forty latents fire on most prompts."""
    share = np.full(LATENTS, 0.02)
    share[dice.choice(LATENTS, 40, replace=False)] = 0.8
    return np.where(dice.random((PROMPTS, LATENTS)) < share, dice.random((PROMPTS, LATENTS)), 0.0)


def _rows(seed: int, region: str, found: Any) -> list[Any]:
    return [
        {
            "sae_seed": seed, "region": region, "latent": i, "score": float(found.score[i]),
            "score_noun": float(found.score_noun[i]), "frequency": float(found.cultural.frequency[i]),
            "frequency_noun": float(found.noun.frequency[i]), "mean": float(found.cultural.mean[i]),
            "rank": int(found.rank[i]), "candidate": bool(found.candidate[i]), "selected": bool(found.selected[i]),
            "elbow": found.elbow,
        }
        for i in range(LATENTS)
    ]  # fmt: skip


def _case(table: NeuronTable, region: str, number: int) -> Case:
    return Case(unchanged, 16, random_of(region, number), table, region, 0, lambda code: table.neurons(code, 0),
                lambda _: unchanged)  # fmt: skip


def _made(name: str, codes: list[str], number: int) -> Made:
    """A condition whose pictures two invented judges name rightly in a share of its own."""
    dice = np.random.default_rng(number)
    pictures: list[Any] = [
        {"prompt_id": f"{code}-{prompt}", "region": code, "seed": seed, "object": "bowl"}
        for code in codes
        for prompt in range(TEST_PROMPTS)
        for seed in range(SEEDS)
    ]
    answers = {judge: [_answer(row, name, codes, dice) for row in pictures] for judge in JUDGES}
    scored = [one for judge, said in answers.items() for one in score_answers(judge, said, pictures, {}, "plain")]
    return with_pooled(Made(
        model="m", encoder="e", name=name, strength=None, regions={row["prompt_id"]: row["region"] for row in pictures},
        seeds=tuple(range(SEEDS)), scored=scored,
        answers={judge: {(r["prompt_id"], r["seed"]): r["answer"] for r in said} for judge, said in answers.items()},
    ))  # fmt: skip


def _answer(row: Any, condition: str, codes: list[str], dice: np.random.Generator) -> Any:
    answer = row["region"] if dice.random() < 0.4 else codes[dice.integers(len(codes))]
    return {**row, "answer": answer, "object": "bowl", "options": codes, "condition": condition}


def _timed(work: Callable[[], object]) -> dict[str, float]:
    started, used = time.perf_counter(), time.process_time()
    work()
    return {"seconds": time.perf_counter() - started, "cpu": time.process_time() - used}
