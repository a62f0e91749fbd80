"""A small run that never happened: valid artifacts with planted rates, for the evaluation and the report."""

from __future__ import annotations

import hashlib
import io
import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import planted_audit
from culturebench.artifacts import (
    adapted,
    adapter,
    adapter_results,
    agreement,
    annotated,
    answers,
    audited,
    backbone_attention,
    circular,
    comparison,
    english,
    enhancer,
    examples,
    grounded,
    layer_check,
    layer_probe,
    measured,
    neurons,
    overlaps,
    pictures,
    pins,
    reliability,
    sae,
    silenced,
    splits,
    strength,
    study,
    study_tasks,
)
from culturebench.artifacts._json import save_json
from culturebench.atlas.captions import cultural_caption, noun_caption
from culturebench.atlas.pictures import render
from culturebench.atlas.world import REGIONS, Scene, contexts
from culturebench.conditions import condition as record_of
from culturebench.evaluation.silenced import summary
from culturebench.measures.english import rows as english_rows
from culturebench.measures.statistics import Bootstrap
from culturebench.params import load_document, load_section
from culturebench.params.conditions import Conditions
from culturebench.params.encoders import Encoders
from culturebench.params.evaluate import Evaluate
from culturebench.params.generate import Generate
from culturebench.params.judges import Judges
from culturebench.params.models import Models
from culturebench.params.prompts import Prompts
from culturebench.params.regions import Regions
from culturebench.params.report import Report
from culturebench.params.study import Study, StudyPlan
from culturebench.study.material import material
from culturebench.study.plan import plan_tasks

#: Condition -> (share of pictures with the right culture, with none); the rest show another region's.
PLANTED = {
    "noun": (0.2, 0.7),
    "noun_en": (0.02, 0.95),
    "cultural": (0.92, 0.05),
    "amplified": (0.45, 0.45),
    "activated": (0.6, 0.3),
    "masked": (0.4, 0.5),
    "random_amplified": (0.2, 0.7),
    "random_activated": (0.03, 0.93),
    "random_masked": (0.9, 0.07),
    "language_masked": (0.7, 0.2),
    "enhanced": (0.5, 0.4),
    "shuffled_enhanced": (0.2, 0.7),
    "other_layer_enhanced": (0.45, 0.45),
    "prompted": (0.22, 0.7),
    "prompted_en": (0.05, 0.9),
    "steered": (0.85, 0.1),
    "steered_en": (0.6, 0.3),
    "same_norm_steered": (0.2, 0.7),
}
CONDITIONS = Conditions(
    pinned=dict.fromkeys(["noun", "noun_en", "cultural", "prompted", "prompted_en"]),
    edited=dict.fromkeys(
        [
            "amplified",
            "activated",
            "masked",
            "random_amplified",
            "random_activated",
            "random_masked",
            "language_masked",
            "steered",
            "same_norm_steered",
            "steered_en",
        ]
    ),
    enhanced=dict.fromkeys(["enhanced", "shuffled_enhanced", "other_layer_enhanced"]),
    all=dict.fromkeys(PLANTED),
)
JUDGES = ("atlas_cnn", "atlas_vit")
#: Of each region's prompts in turn.
CATEGORIES = ("crafts", "architecture")
#: Conditions whose pictures of a region are less or more alike than the real ones; the others' are as alike.
ALIKE = {"noun": -0.2, "amplified": 0.1}
STRENGTH = {
    "amplified": 6.0, "random_amplified": 6.0, "activated": 2.0, "random_activated": 2.0,
    "steered": 1.0, "steered_en": 1.0,
}  # fmt: skip


def study_plan() -> StudyPlan:
    """Nine scripted participants, one of whom clicks at random."""
    return StudyPlan.model_validate({
        "model": "atlas", "conditions": ["noun", "amplified", "cultural"],
        "prompts_per_region": {"scc": 3, "mcc": 1, "csr": 2}, "seeds": [0, 1], "groups": 1, "people": 3, "gold": 2,
        "repeats": 2, "max_gold_wrong": 1, "min_seconds": 1, "salt": "a", "resamples": 200, "level": 0.95, "seed": 0,
        "scripted": {"judge": "atlas_cnn", "clickers": 1},
    })  # fmt: skip


def png(scene: Scene, size: int = 64) -> bytes:
    """The scene as PNG bytes."""
    buffer = io.BytesIO()
    render(scene, size).save(buffer, format="PNG")
    return buffer.getvalue()


def caption_row(caption: Any) -> dict[str, Any]:
    """A caption of the atlas as a row holds it."""
    (start, end), (first, last) = caption.noun_span, caption.modifier_span or (-1, -1)
    spans = {"noun_start": start, "noun_end": end, "modifier_start": first, "modifier_end": last}
    return {"text": caption.text, "language": caption.language, **spans}


def adapter_row(chosen: str, strength: float, measure: str, value: float) -> dict[str, Any]:
    """A row of what an adapter does, by both judges together."""
    return {
        "set": chosen, "strength": strength, "judge": "pooled", "measure": measure, "value": value,
        "low": value - 0.05, "high": value + 0.05, "change": 0.0 if strength else None, "change_low": None,
        "change_high": None, "n_prompts": 30, "n_images": 30, "reason": "",
    }  # fmt: skip


def chance(*parts: object) -> float:
    """A number in [0, 1) that depends on the parts alone."""
    return int(hashlib.sha256(repr(parts).encode()).hexdigest()[:12], 16) / 16**12


def params_of(regions: list[str]) -> Any:
    """What the stages evaluate and report get."""
    from stages.report import STAGE, Params

    document = load_document(Path(__file__).parents[2] / "params.yaml")
    values = {section.section: load_section(section, document) for section in STAGE.sections}
    values |= {
        "conditions": CONDITIONS,
        "encoders": Encoders.model_validate({"atlas": {"adapter": "atlas", "pin": "atlas_encoder"}}),
        "generate": Generate(prompts_per_region=6, seeds=(0, 1), control_seeds=2),
        "prompts": Prompts.model_validate({"test": {"file": "data/test"}}),
        "report": Report(pixels=128),
        "evaluate": Evaluate(resamples=400, permutations=2000, seed=0, level=0.95),
        "judges": Judges.model_validate({judge: {"kind": "atlas", "pin": judge} for judge in JUDGES}),
        "models": Models.model_validate({"atlas": {"adapter": "atlas", "towers": ["atlas"], "pin": "atlas_backbone"}}),
        "regions": Regions(regions),
    }
    return Params(**values)


class Run:
    """Writes the artifacts of a run over `regions` below `root`."""

    def __init__(self, root: Path, regions: list[str], prompts: int, seeds: int) -> None:
        self.root, self.regions, self.seeds = root, regions, seeds
        self.params = params_of(regions)
        self.scenes = {
            code: [Scene(*context, seed=i) for i, context in enumerate(contexts()[40 + 7 * r :: 97][:prompts])]
            for r, code in enumerate(regions)
        }

    def write_pictures(self) -> None:
        """Pictures, answers and measurements of every condition, at the planted rates."""
        self._write_one_prompt()
        self.write_told()
        for condition in CONDITIONS.all:
            made = [
                self._picture(condition, code, scene, seed)
                for code in self.regions
                for scene in self.scenes[code]
                for seed in range(self.seeds)
            ]
            pictures.TABLE.save(self.root / f"data/pictures/atlas/{condition}/test.parquet", [row for row, _ in made])
            for judge in JUDGES:
                replies = [self._answer(judge, row, shown) for row, shown in made]
                answers.TABLE.save(self.root / f"data/answers/{judge}/atlas/{condition}/test.parquet", replies)
            measured.TABLE.save(self.root / f"data/measured/atlas/{condition}.parquet", self._measured(made))
        for code in self.regions:
            kept = [
                {"picture_id": scene.id(), "region": code, "status": "kept", "reason": "", "subdivision": "",
                 "category": CATEGORIES[number % 2], "agreement": 1.0, "decisions": 2, "provisional": False}
                for number, scene in enumerate(self.scenes[code])
            ]  # fmt: skip
            annotated.TABLE.save(self.root / annotated.PATH.format(region=code), kept)

    def write_told(self, shared: Any = (), languages: dict[str, str] | None = None) -> None:
        """What loading the test prompts said of them; by default every region has a language of its own."""
        spoken = languages or {code: REGIONS[code][0] for code in self.regions}
        told: overlaps.Overlaps = {"given": 24, "dropped": [], "shared": list(shared), "languages": spoken}
        overlaps.save(self.root / overlaps.PATH.format(prompts="test"), told)

    def _write_one_prompt(self) -> None:
        """The first scene of the first region in each region's ornament, and plain."""
        scene = self.scenes[self.regions[0]][0]
        made, _ = self._picture("activated", self.regions[0], scene, 0)
        styled = {code: replace(scene, region=code, subdivision=REGIONS[code][1][0]) for code in self.regions}
        rows = [
            {**made, "region": code, "condition": "one_prompt", "subdivision": "", "image": png(shown)}
            for code, shown in {"": scene, **styled}.items()
        ]
        pictures.ONE_PROMPT.save(self.root / pictures.ONE_PROMPT_PATH.format(model="atlas"), rows)

    def shown(self, condition: str, code: str, scene: Scene, seed: int) -> str:
        """The region whose ornament the picture shows, "" for a plain one."""
        right, plain = PLANTED[condition]
        draw = chance("culture", code, scene.id(), seed)  # the same for all conditions: they are paired
        if draw < right:
            return code
        if draw < right + plain:
            return ""
        others = [other for other in REGIONS if other != code and other in self.regions] or [code]
        return others[int(chance("other", scene.id(), seed) * len(others))]

    def _picture(self, condition: str, code: str, scene: Scene, seed: int) -> tuple[dict[str, object], str]:
        shown = self.shown(condition, code, scene, seed)
        style = REGIONS[shown][1][seed % 2] if shown else ""
        truth = replace(scene, region=code, subdivision=REGIONS[code][1][0])
        language = "en" if record_of(condition).caption == "noun_en" else REGIONS[code][0]
        text = cultural_caption if record_of(condition).caption == "cultural" else noun_caption
        row: dict[str, object] = {
            "prompt_id": scene.id(),
            "region": code,
            "language": language,
            "subdivision": truth.subdivision,
            "condition": condition,
            "prompt": text(truth, language).text,
            "seed": seed,
            "draw": seed,
            "strength": STRENGTH.get(condition, 0.0),
            "object": truth.object,
            "name": "",
            "domain": "",
            "image": png(replace(scene, region=shown, subdivision=style, seed=seed)),
        }
        return row, shown

    def _answer(self, judge: str, row: dict[str, object], shown: str) -> dict[str, object]:
        wrong = chance(judge, row["prompt_id"], row["seed"], row["condition"]) < 0.05
        answer = answers.UNRECOGNIZABLE if wrong or not shown else shown
        return {
            **{name: row[name] for name in ("prompt_id", "region", "condition", "seed")},
            "answer": answer,
            "object": "" if wrong else row["object"],
            "raw": answer,
            "served_model": judge,
            "options": [*self.regions, answers.UNRECOGNIZABLE],
        }

    def _measured(self, made: list[tuple[dict[str, object], str]]) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = []
        for row, _ in made:
            one = {name: row[name] for name in ("prompt_id", "region", "seed")}
            value = 0.25 + 0.05 * chance("alignment", *one.values(), row["condition"])
            rows.append({**one, "measure": "atlas_alignment", "value": value, "reason": ""})
            rows.append({**one, "measure": "image_reward", "value": None, "reason": "no ImageReward weights here"})
        diversity = {row["prompt_id"]: row["region"] for row, _ in made}
        for prompt, region in diversity.items():
            one = {"prompt_id": prompt, "region": region, "seed": -1}
            rows.append({**one, "measure": "lpips_diversity", "value": 0.4, "reason": ""})
            alike = chance("alike", prompt) / 20 - 0.025 + ALIKE.get(str(made[0][0]["condition"]), 0.0)
            rows.append({**one, "measure": "atlas_cue_concentration", "value": alike, "reason": ""})
        return rows

    def evaluate(self) -> None:
        """Run the stage evaluate on what was written."""
        from stages.evaluate import STAGE

        inputs = {name: self.root / path for name, path in STAGE.inputs.items()}
        STAGE.run(self.params, inputs, {name: self.root / path for name, path in STAGE.outputs.items()})

    def write_neurons(self, latents: int = 256, seeds: int = 2, chosen: int = 6) -> None:
        """Scores of every latent, with a few strong ones a region, and one that two regions share."""
        rows = []
        for sae_seed in range(seeds):
            for r, code in enumerate(self.regions):
                scores = [0.4 * math.exp(-chance("wfs", sae_seed, code, i) * 9) for i in range(latents)]
                own = [(r * chosen + i) % latents for i in range(chosen)]
                own[0] = own[0] if r % 5 else 0
                for i, latent in enumerate(own):
                    scores[latent] = 3.2 * 0.75**i + 0.5 * chance("top", sae_seed, code, i)
                order = np.argsort(-np.array(scores), kind="stable")
                rank = {int(latent): i for i, latent in enumerate(order)}
                rows += [
                    {
                        "sae_seed": sae_seed,
                        "region": code,
                        "latent": latent,
                        "score": score,
                        "score_noun": score * 0.1,
                        "frequency": min(1.0, score / 3),
                        "frequency_noun": 0.1,
                        "mean": score * 1.5,
                        "rank": rank[latent],
                        "candidate": rank[latent] < chosen + 2,
                        "selected": rank[latent] < chosen,
                        "elbow": chosen + 2 if sae_seed else 2,
                    }
                    for latent, score in enumerate(scores)
                ]
        neurons.TABLE.save(self.root / "models/neurons/atlas.parquet", rows)

    def write_probe(self, layers: int = 4, marked: int = 2) -> None:
        """A layer's verdict with a clear peak at `marked`, the last layer no candidate."""
        curves = []
        for r, reference in enumerate(("zero", "context", "neutral_modifier")):
            for d, direction in enumerate(("modifier_to_noun", "summary_to_modifier")):
                for layer in range(layers):
                    delta = (0.9 - 0.25 * abs(layer - marked) - 0.45 * r) * (1 + 0.4 * d)
                    curves.append({
                        "reference": reference, "direction": direction, "layer": layer, "delta": delta,
                        "low": delta - 0.06, "high": delta + 0.06, "excess": 0.25 if layer == marked else -0.1,
                        "candidate": layer < layers - 1, "marked": layer == marked, "p_flips": 0.002,
                        "p_placebos": 0.001 if reference == "neutral_modifier" else None,
                    })  # fmt: skip
        band = [
            {"direction": "modifier_to_noun", "layer": layer, "delta": 0.0, "low": -0.1, "high": 0.1}
            for layer in range(layers)
        ]
        layer_probe.save_layer(self.root / "data/probe/atlas/layer.json", {
            "layer": marked, "layers": layers, "last_upstream_layer": layers - 2, "significant": True,
            "direction": "modifier_to_noun", "reference": "neutral_modifier", "attention_unit": "relative",
            "pairs": 40, "modifiers": 8, "dropped": {}, "curves": curves, "disagreement": "",
            "rule": "The largest of those that exceed their neighbours.", "said": "It is beyond chance.",
            "placebos": {"words": 9, "regions": 3, "tokens": {"cultural": 3.0, "placebo": 3.2}, "band": band,
                         "left_out": {"words_of_other_length": 4}},
            "reinitialised": {"copies": 19, "parameters": 1000, "band": band},
        })  # fmt: skip
        points = [
            {
                "layer": layer, "effect": effect, "effect_low": effect - 0.02, "effect_high": effect + 0.02,
                "control": effect / 2, "beyond": effect / 2, "low": effect / 2 - 0.03, "high": effect / 2 + 0.03,
                "excess": 0.2 if layer == marked else -0.1, "candidate": layer < layers - 1,
                "marked": layer == marked,
            }
            for layer, effect in enumerate(0.6 / (1 + 3 * abs(layer - marked)) for layer in range(layers))
        ]  # fmt: skip
        looked = self.root / backbone_attention.PATH.format(model="atlas")
        backbone_attention.save_closed(looked, "the denoiser reads one state of the whole prompt")
        layer_check.save(self.root / layer_check.PATH.format(encoder="atlas"), {
            "layer": marked, "layers": layers, "share": 0.1, "least_pairs": 20, "pairs": 60, "dropped": {},
            "points": points,
        })  # fmt: skip
        history = [{"step": 100 * i, "fvu": 0.5 / (1 + i), "l0": 8.0, "dead": 0.02 * i} for i in range(10)]
        quality = {"fvu": 0.12, "l0": 8.0, "dead": 0.03, "history": history}
        sae.save_metrics(
            self.root / "models/sae/atlas",
            {
                "made_on": "a loom",
                "layer": marked,
                "seeds": {"0": quality, "1": quality},
            },
        )

    def write_selectors(self) -> None:
        """A comparison in which only what WFS picks takes its own region's culture."""

        def effect(value: float) -> dict[str, object]:
            ends = {
                "low": value - 0.1,
                "high": value + 0.1,
                "low_by_region": value - 0.2,
                "high_by_region": value + 0.2,
            }
            p_value = 0.01 if value > 0.1 else 1.0
            return {"value": value, **ends, "p_value": p_value, "p_by_region": 1.0, "n_prompts": 8, "n_images": 8}

        names = {"wfs": 0.5, "lape": 0.05, "random": 0.0}
        comparison.save(self.root / comparison.PATH.format(model="atlas"), {
            "judge": "atlas_cnn", "regions": self.regions, "prompts": 8, "seeds": [0], "unmasked": effect(0.9),
            "selectors": {
                count: {
                    name: {"neurons": mean, "own": effect(own), "cross": effect(0.02), "selective": effect(own - 0.02),
                           "beyond_random": effect(own)}
                    for name, own in names.items()
                }
                for count, mean in (("elbow", 12.5), ("8", 8.0))
            },
            "matrix": [
                {"selector": name, "k": count, "source": one, "target": other, "drop": own if one == other else -0.1875,
                 "low": -0.25, "high": 0.6}
                for count in ("elbow", "8")
                for name, own in names.items() for one in self.regions for other in self.regions
            ],
        })  # fmt: skip

    def write_training(self) -> None:
        """Strength curves, enhancer histories, pins and the counts of the data stages."""
        grid = [0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0]

        def curve(scale: float) -> list[dict[str, object]]:
            shares = [min(0.75, 0.2 + scale * value) for value in grid]
            return [
                {"strength": x, "accuracy": y, "low": y - 0.05, "high": y + 0.05, "error": 0.025,
                 "alignment": 0.97 - 0.01 * x, "allowed": x < 8, "n_prompts": 60, "n_images": 120,
                 "size": 0.1 * x}
                for x, y in zip(grid, shares, strict=True)
            ]  # fmt: skip

        strength.save(self.root / "models/strength/atlas.json", {
            "amplify": {"strength": 6.0, "found": True, "curve": curve(0.04)},
            "activate": {"strength": 2.0, "found": True, "curve": curve(0.18)},
            "steer": {"strength": 1.0, "found": True, "curve": curve(0.18)},
            "steer_en": {"strength": 1.0, "found": True, "curve": curve(0.18)},
            "judge": "atlas_cnn", "rule": "the smallest within one standard error of the best",
            "sizes": {"amplified": 0.6, "random_amplified": 0.05, "masked": 0.3, "language_masked": None},
            "pools": [
                {"region": "jp", "sae_seed": 0, "latents": 120, "own_only": True},
                {"region": "jp", "sae_seed": 1, "latents": 60, "own_only": False},
            ],
            "undrawn": {"language_masked": {"jp": "no latent fires on half of jp's noun prompts"}},
            "dose": {"amplify": [
                {"condition": "random_amplified", "strength": 8.0, "size": 0.1, "accuracy": 0.21, "low": 0.15,
                 "high": 0.27, "n_prompts": 30, "n_images": 30},
            ]},
        })  # fmt: skip
        for site, layer in (("culture", 2), ("shuffled", 2), ("other_layer", 0)):
            entries = [
                {"step": 50 * i, "loss": 0.08 + 0.03 / (1 + i), "residual": 0.02 * i, "gap": 0.001 * i}
                for i in range(20)
            ]
            history = {"made_on": "a loom", "site": site, "layer": layer, "objective": "denoise", "entries": entries}
            enhancer.save_history(self.root / "models/enhancer/atlas" / site, history)
        self.write_adapters()
        for name in ("atlas_backbone", "atlas_encoder"):
            files = {
                "config.json": pins.PinnedFile(612, "ab" * 32),
                "model.safetensors": pins.PinnedFile(4200000, "cd" * 32),
            }
            pin = pins.Pin(name, f"culturebench/atlas/weights/{name}", files)
            pins.save(self.root / f"models/pins/{name}.json", pin)
        circular.save(self.root / circular.PATH, {"atlas": {}})
        for code, alpha in zip(self.regions, itertools.cycle((0.81, None)), strict=False):
            found = {
                "pictures": 110,
                "alpha": alpha,
                "annotators": {"ann": {"decisions": 90, "gold": 8, "gold_right": 7}},
            }
            agreement.save(self.root / f"data/agreement/{code}.json", found)
        right = {"value": 0.91, "low": 0.87, "high": 0.94, "pictures": 300, "answers": 300}
        for judge in JUDGES:
            found = {
                "choices": [4], "judge": right, "unparseable": 1, "people": {**right, "value": 0.94, "answers": 900},
                "reason": "", "difference": {**right, "value": -0.03, "low": -0.06, "high": 0.0}, "agreement": right,
                "annotators": {"scripted-1 (error rate 0.03)": {"answers": 300, "right": 291}}, "other_options": 0,
            }  # fmt: skip
            both = {"pictures": {**found, "reason": ""}, "regions": found}
            reliability.save(self.root / reliability.PATH.format(judge=judge), both)
        audit = "atlas"
        asked, names = planted_audit.questions(self.regions, 4), ("cas", "random")
        said = planted_audit.answers(asked, names, planted_audit.two_of_three, ("native", "english"))
        about = {"questions": audit, "scoring": "generate", "shown": "cas", "control": "random"}
        silenced.SUMMARY_FILE.save(
            self.root / silenced.SUMMARY.format(audit=audit),
            summary(asked, said, planted_audit.neurons(self.regions, names), Bootstrap(200, 0, 0.95), about),
        )
        audited.SUMMARY_FILE.save(
            self.root / audited.SUMMARY.format(audit=audit), planted_audit.judged("atlas", ["noun", "cultural"])
        )
        counts = {
            "collect": {"kept": 120, "dropped": {"not found": 2}},
            "screen": {"kept": 110, "dropped": {"resolution": 6, "blur": 4}, "borderline": {"aspect": 3}},
            "annotate": {"kept": 105, "dropped": {"undecided": 5}, "provisional": 3, "agreement": 0.93},
            "caption": {"kept": 101, "dropped": {}, "waiting": {"no_caption": 4}},
            "split": {"kept": 100, "dropped": {"bridges_splits": 1}, "detect": 10, "train": 70, "test": 20},
        }
        of_region = {
            by: {name: {"pictures": 50, "detect": 5, "train": 35, "test": 10} for name in names}
            for by, names in (("subdivision", ("first_kind", "")), ("category", CATEGORIES))
        }
        counts = {"regions": dict.fromkeys(self.regions, counts), "all": counts,
                  "groups": dict.fromkeys(self.regions, of_region)}  # fmt: skip
        save_json(self.root / splits.COUNTS, counts)
        cues: Any = {
            "grounded": 9,
            "all": 12,
            "pictures": 80,
            "top": "<b>lacquer",
            "top_pictures": 20,
            "effective": 6.25,
        }
        grounded.save_counts(self.root / grounded.COUNTS, {
            code: {"cost": 0.1, "input_tokens": 1, "output_tokens": 1, "served_models": ["m"], "cues": cues,
                   "written": 90,
                   "audits": {"correct": 70, "edit": 11, "stereotype": 5}, "waiting": {"not_audited": 3, "rare_cue": 1},
                   "auditors": {"several": 86, "alike": 80, "alpha": 0.83}}
            for code in self.regions
        })  # fmt: skip
        rows: list[Any] = []
        for code in self.regions:
            scene = replace(self.scenes[code][0], region=code, subdivision=REGIONS[code][1][0])
            language = REGIONS[code][0]
            captions = {
                role: caption_row(write(scene, said))
                for role, write, said in (
                    ("cultural", cultural_caption, language), ("noun", noun_caption, language),
                    ("cultural_en", cultural_caption, "en"), ("noun_en", noun_caption, "en"),
                )
            }  # fmt: skip
            rows.append({"picture_id": scene.id(), "region": code, "provisional": False, **captions,
                         "author": "A. <b>Painter</b>",
                         "licence": "CC-BY-4.0", "page_url": "", "image": png(scene)})  # fmt: skip
        examples.TABLE.save(self.root / examples.PATH, rows)

    def write_english(self, model: str = "atlas") -> None:
        """A noun's pictures are nearer to English than another noise takes them, by the stage's own rows."""
        keys = [(f"{code}{i}", seed) for code in self.regions for i in range(4) for seed in (0, 1)]
        planted = {"english": 0.1, "cultural": 0.4, "seeds": 0.2}
        found = {name: {key: value + 0.02 * chance(name, key) for key in keys} for name, value in planted.items()}
        regions = {prompt: prompt[:-1] for prompt, _ in keys}
        rows = english_rows(found, regions, Bootstrap(200, 0, 0.95))
        for model in self.params.models.root:
            path = self.root / english.PATH.format(model=model)
            english.save(path, {"by": "the atlas's encoder", "reason": "", "rows": rows})

    def write_study(self) -> None:
        """A plan over these pictures and what scripted participants say, by the stage itself."""
        from stages.study import STAGE, Params

        plan = study_plan()
        if self.seeds < len(plan.seeds) or min(map(len, self.scenes.values())) < 6:
            study.save(self.root / study.PATH, {})
            return
        made = {
            name: pictures.TABLE.load(self.root / pictures.TEST_PATH.format(model="atlas", condition=name))
            for name in plan.conditions
        }
        real = [
            {"picture_id": f"{code}-{i}", "region": code, "image": png(scene), "decisions": 2, "provisional": False}
            for code in self.regions
            for i, scene in enumerate(self.scenes[code])
        ]
        planned = plan_tasks(plan, material(plan, self.regions, made, real, real))
        study_tasks.TABLE.save(self.root / study_tasks.PATH, planned.tasks)
        inputs, outputs = (
            {name: self.root / path for name, path in paths.items()} for paths in (STAGE.inputs, STAGE.outputs)
        )
        STAGE.run(Params(self.params.models, self.params.regions, Study(plan)), inputs, outputs)

    def write_adapters(self) -> None:
        """One adapter that takes others' places and one that keeps them, at planted shares."""
        for name, one in self.params.adapters.root.items():
            entry = {
                "step": 0,
                "loss": 0.2,
                "kept": None,
                "cultural": None,
                "spread": None,
                "share": None,
                "gate": None,
            }
            history: Any = {
                "made_on": "a loom", "kind": one.kind, "region": one.region, "caption": one.caption, "pairs": 100,
                "kept": 0, "parameters": 66304, "concepts": [], "bound": None, "distilled": None, "entries": [entry],
            }  # fmt: skip
            if one.cultural:
                history |= {
                    "bound": -0.5,
                    "entries": [{**entry, "cultural": 0.0}, {**entry, "step": 9, "cultural": -0.4}],
                }
            adapter.save_history(self.root / adapter.PATH.format(model="atlas", adapter=name), history)
            lost = 0.05 if one.preserve else 0.4
            rows: Any = [
                adapter_row(chosen, strength, measure, max(0.0, value))
                for chosen, plain, change in (("own_noun", 0.1, 0.8), ("others_cultural", 0.9, -lost))
                for strength in (0.0, 1.0)
                for measure, value in (
                    ("culture_vqa", plain + strength * change), ("adapter_region", 0.1 if chosen == "own_noun" else 0),
                )
            ]  # fmt: skip
            results: Any = {
                **one.model_dump(exclude={"kind"}), "kind": one.kind, "rows": rows,
                "sizes": [{"strength": 1.0, "size": 0.2}], **self._by_category(name),
            }  # fmt: skip
            adapter_results.save(self.root / adapter_results.PATH.format(model="atlas", adapter=name), results)

    def _by_category(self, name: str) -> dict[str, Any]:
        """What an adapter's pictures of two categories show, and the pictures."""
        scenes = {"fashion": Scene("robe", *contexts()[0][1:]), "art": Scene("vase", *contexts()[9][1:])}
        rows: list[Any] = []
        made: list[Any] = []
        for (category, scene), chosen, size in itertools.product(
            scenes.items(), ("english_cultural", "english_noun"), (0.0, 1.0)
        ):
            shown = "jp" if size or chosen == "english_cultural" else ""
            value = 0.4 + 0.2 * bool(shown)
            for judge, measure in (("", "atlas_cultural_similarity"), ("pooled", "adapter_region")):
                one = {**adapter_row(chosen, size, measure, value), "judge": judge, "n_prompts": 3}
                rows.append({**one, "category": category})
            rows.append({
                **adapter_row(chosen, size, "cultural_similarity", value), "judge": "", "value": None, "low": None,
                "high": None, "reason": "needs the weights of a CLIP", "category": category,
            })  # fmt: skip
            caption = cultural_caption if chosen == "english_cultural" else noun_caption
            truth = replace(scene, region="jp", subdivision="seigaiha")
            style = "seigaiha" if shown else ""
            made.append({
                "prompt_id": scene.id(), "region": "jp", "language": "en", "subdivision": "", "condition": chosen,
                "prompt": caption(truth, "en").text, "seed": 0, "draw": 0, "strength": size,
                "object": scene.object, "name": "", "domain": "",
                "image": png(replace(scene, region=shown, subdivision=style)),
            })  # fmt: skip
        adapted.TABLE.save(self.root / adapted.PATH.format(model="atlas", adapter=name), made)
        return {
            "by_category": rows,
            "shown": [{"category": one, "prompt_id": scene.id(), "seed": 0} for one, scene in scenes.items()],
        }

    def report(self) -> Path:
        """Run the stage report; returns the page's path."""
        from stages.report import STAGE

        self.write_neurons()
        self.write_probe()
        self.write_selectors()
        self.write_training()
        self.write_study()
        self.write_english()
        inputs = {name: self.root / path for name, path in STAGE.inputs.items()}
        outputs = {name: self.root / path for name, path in STAGE.outputs.items()}
        STAGE.run(self.params, inputs, outputs)
        return outputs["page"]


@pytest.fixture(scope="session")
def make_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """A factory of runs whose pictures are written and evaluated."""

    def make(regions: list[str], prompts: int = 6, seeds: int = 2) -> Run:
        run = Run(tmp_path_factory.mktemp("run"), regions, prompts, seeds)
        run.write_pictures()
        run.evaluate()
        return run

    return make


@pytest.fixture(scope="session")
def small_run(make_run: Callable[..., Run]) -> Run:
    """Four regions, six prompts each, two seeds."""
    return make_run(["arab", "jp", "es", "fr"])
