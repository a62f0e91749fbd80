"""Packs of culture neurons: what is in them, that they edit as the whole autoencoder does, and whom they refuse."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from diffusers import DiffusionPipeline
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

import found_neurons
import sd15
import tiny_project
from culturebench import cli
from culturebench.artifacts import evaluation, levels, pins, strength
from culturebench.cli import _clone
from culturebench.ethics import SENTENCES
from culturebench.interventions.packs import download, files
from culturebench.interventions.packs.config import MadeFor, PackConfig, Pin, Region
from culturebench.interventions.packs.export import MAX_BYTES, Wish, _precision, gather, only_rows
from culturebench.interventions.packs.files import Pack, PackError
from culturebench.interventions.pipelines import PipelineError, activate, amplify, load_neurons, mask, steer
from culturebench.params.encoders import Encoder
from culturebench.pins import PinError
from culturebench.probing import sae as saes
from culturebench.probing.sae import TopKSAE
from culturebench.text_to_image import fingerprint as fingerprints
from culturebench.text_to_image.encoders.atlas import AtlasTextEncoder
from culturebench.text_to_image.fingerprint import FingerprintError, fingerprint, has_fingerprint
from found_neurons import LAYER, OF
from hub_server import BRANCH, COMMIT, REPO, Hub, serving
from import_graph import ROOT
from tiny_system import write_weights

PROMPTS = ["お椀", "een huis met een tuin"]
EDITS = [
    lambda pipe, neurons, region: amplify(pipe, neurons, region, 7),
    lambda pipe, neurons, region: activate(pipe, neurons, region, 3),
    lambda pipe, neurons, region: mask(pipe, neurons, region),
]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sd15.write(tmp_path_factory.mktemp("sd15") / "weights")


def open_pipe(weights: Path, **values: Any) -> Any:
    pipe: Any = DiffusionPipeline.from_pretrained(weights, use_safetensors=True, **values)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="module")
def pipe(weights: Path) -> Any:
    return open_pipe(weights)


@pytest.fixture(scope="module")
def found(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return found_neurons.write(tmp_path_factory.mktemp("found"), weights)


def wish(**values: Any) -> Wish:
    encoder = Encoder(adapter="transformers", pin="clip")
    given = {"model": "sd", "tower": "clip", "encoder": encoder, "selector": "wfs", "edited": True, "level": 0.95}
    return Wish(**{**given, "licence": "CC-BY-4.0", "precision": None, **values})


@pytest.fixture(scope="module")
def folder(found: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of these neurons."""
    folder = tmp_path_factory.mktemp("packs") / "sd"
    files.save(gather(found, wish()), folder)
    return folder


def picture(pipe: Any, prompts: Any) -> Any:
    noise = torch.Generator().manual_seed(0)
    return pipe(prompts, height=32, width=32, num_inference_steps=1, output_type="np", generator=noise).images


@pytest.mark.parametrize("edit", EDITS, ids=["amplify", "activate", "mask"])
def test_a_pack_edits_bit_for_bit_as_the_whole_autoencoder_does(
    edit: Callable[..., Any], pipe: Any, found: Path, folder: Path
) -> None:
    whole, pack = load_neurons(found / "models/bound/sd/clip", found / "annotations/regions"), load_neurons(folder)
    plain = picture(pipe, PROMPTS)
    for region in (*OF, None):
        prompts = PROMPTS if region is None else PROMPTS * 2
        made: list[Any] = []
        for neurons in (whole, pack):
            with edit(pipe, neurons, region):
                made.append(picture(pipe, prompts))
        assert np.array_equal(*made), region
        assert not np.array_equal(made[0][: len(plain)], plain), region


def test_a_pack_activates_the_latents_of_the_language_too_and_steers_nothing(
    pipe: Any, found: Path, tmp_path: Path
) -> None:
    root = tmp_path / "found"
    shutil.copytree(found, root)
    bound = root / "models/bound/sd/clip"
    rows = levels.TABLE.load(bound / "levels.parquet")
    shared = {(row["sae_seed"], row["region"]): {**row, "latent": 0, "level": 2.5} for row in rows}
    levels.TABLE.save(bound / "levels.parquet", [*rows, *shared.values()])
    files.save(gather(root, wish()), tmp_path / "pack")
    whole, pack = load_neurons(bound), load_neurons(tmp_path / "pack")
    made: list[Any] = []
    for neurons in (load_neurons(found / "models/bound/sd/clip"), whole, pack):
        with activate(pipe, neurons, "jp", 3):
            made.append(picture(pipe, PROMPTS))
    assert np.array_equal(made[1], made[2]) and not np.array_equal(made[0], made[1])
    with pytest.raises(files.PackError, match="no direction for steer"), steer(pipe, pack, "jp"):
        pass


def test_a_pack_holds_the_rows_that_its_neurons_need_and_nothing_else(folder: Path, found: Path) -> None:
    latents = sorted({latent for chosen in OF.values() for latent in chosen})
    whole = saes.load(found / "models/bound/sd/clip/sae/seed0")
    tensors = load_file(folder / files.WEIGHTS_FILE)
    assert {path.name for path in folder.iterdir()} == set(files.FILES)
    assert set(tensors) == {"encoder", "encoder_bias", "decoder", "decoder_bias"}
    assert torch.equal(tensors["encoder"], whole.encoder[latents])
    assert torch.equal(tensors["decoder"], whole.decoder[latents])
    config = files.load(folder).config
    assert {code: region.latents for code, region in config.regions.items()} == OF
    assert config.languages == {"de": "de", "jp": "ja", "nl": "nl"}
    assert config.rows == len(latents)


def test_equal_neurons_give_equal_bytes(found: Path, folder: Path, tmp_path: Path) -> None:
    files.save(gather(found, wish()), tmp_path)
    assert all((tmp_path / name).read_bytes() == (folder / name).read_bytes() for name in files.FILES)


def test_a_pack_is_written_into_a_folder_of_its_own(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "atlas.parquet").touch()
    with pytest.raises(PackError, match=r"holds atlas\.parquet already; .* name another one"):
        files.save(files.load(folder), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["atlas.parquet"]


@pytest.mark.parametrize(("neurons", "precision"), [(64, "float16"), (36, "float32")])
def test_fifteen_regions_at_1024_dimensions_fit_in_five_megabytes(
    neurons: int, precision: Any, folder: Path, tmp_path: Path
) -> None:
    """The most neurons that the elbow may give are rounded to float16; as many as it usually gives are not."""
    rows = 15 * neurons  # no two regions share one
    assert _precision(rows, 1024) == precision
    told = files.load(folder).config
    one = told.regions["jp"]
    regions = {
        f"r{chr(97 + number)}": one.model_copy(update={
            "rows": list(range(number * neurons, (number + 1) * neurons)), "latents": [4095] * neurons,
            "levels": [0.12345678901234567] * neurons, "frequencies": [0.12345678901234567] * neurons,
        })
        for number in range(15)
    }  # fmt: skip
    made_for = told.made_for.model_copy(update={"width": 1024})
    config = told.model_copy(update={"regions": regions, "made_for": made_for, "precision": precision})
    size = files.save(Pack(config, only_rows(TopKSAE(1024, 4096, k=32), range(rows))), tmp_path)
    assert size <= MAX_BYTES
    assert size == sum(path.stat().st_size for path in tmp_path.iterdir())


def test_rows_in_float16_edit_nearly_alike(pipe: Any, found: Path, tmp_path: Path) -> None:
    files.save(gather(found, wish(precision="float16")), tmp_path)
    made = []
    for source in (found / "models/bound/sd/clip", tmp_path):
        with amplify(pipe, load_neurons(source), "jp", 7):
            made.append(picture(pipe, PROMPTS))
    np.testing.assert_allclose(*made, atol=0.02)


# ── the encoder ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16])
def test_an_encoder_is_known_in_every_precision_and_when_widened_again(
    kind: torch.dtype, weights: Path, folder: Path
) -> None:
    wanted = files.load(folder).made_for.fingerprint
    loaded = open_pipe(weights, dtype=kind).text_encoder
    assert next(loaded.parameters()).dtype == kind
    assert has_fingerprint(loaded, LAYER, wanted)
    assert has_fingerprint(loaded.float(), LAYER, wanted)
    assert has_fingerprint(open_pipe(weights).text_encoder.to(kind), LAYER, wanted)


def test_layers_that_a_library_keeps_wide_make_no_difference(weights: Path, folder: Path) -> None:
    encoder = open_pipe(weights, dtype=torch.float16).text_encoder
    full = open_pipe(weights).text_encoder
    for name, parameter in encoder.named_parameters():
        if "fc2" in name:
            parameter.data = dict(full.named_parameters())[name].data
    assert has_fingerprint(encoder, LAYER, files.load(folder).made_for.fingerprint)


def test_what_lies_behind_the_layer_and_words_added_at_the_end_make_no_difference(
    weights: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, encoder = files.load(folder).made_for.fingerprint, open_pipe(weights).text_encoder
    monkeypatch.setattr(fingerprints, "ROWS", 20)  # a tiny table is shorter than what counts of a real one
    before = fingerprint(encoder, 0)
    encoder.resize_token_embeddings(len(encoder.get_input_embeddings().weight) + 1)
    name = next(name for name, _ in encoder.named_parameters() if f"layers.{LAYER}." in name)
    dict(encoder.named_parameters())[name].data += 1e-3
    assert fingerprint(encoder, 0) == before
    assert not has_fingerprint(encoder, LAYER, wanted)
    encoder.get_input_embeddings().weight.data[3] += 1e-3
    assert fingerprint(encoder, 0) != before


@pytest.mark.parametrize("moved", [1e-3, 1.0])
def test_another_checkpoint_of_the_same_shape_is_refused_with_the_encoder_that_the_neurons_are_of(
    moved: float, weights: Path, folder: Path
) -> None:
    neurons, other = load_neurons(folder), open_pipe(weights)
    for parameter in other.text_encoder.parameters():
        parameter.data += moved * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(9))
    plain = picture(other, PROMPTS)
    sha256 = files.load(folder).made_for.pin.sha256
    for edit in EDITS:
        words = rf"of the encoder clip \(.*{sha256}.*text_encoder of this pipeline"
        with pytest.raises(PipelineError, match=words), edit(other, neurons, "jp"):
            pass
    assert np.array_equal(picture(other, PROMPTS), plain)


def test_an_encoder_of_another_depth_or_in_integers_is_another_one(weights: Path, folder: Path) -> None:
    made_for, encoder = files.load(folder).made_for, open_pipe(weights).text_encoder
    assert not has_fingerprint(encoder, 40, made_for.fingerprint)
    first = next(parameter for name, parameter in encoder.named_parameters() if "layers.0." in name)
    first.requires_grad_(False)
    first.data = first.data.to(torch.int8)
    assert not has_fingerprint(encoder, LAYER, made_for.fingerprint)


def test_weights_that_are_not_in_memory_are_one_sentence(weights: Path) -> None:
    encoder = open_pipe(weights).text_encoder
    with pytest.raises(FingerprintError, match="enable_model_cpu_offload"):
        has_fingerprint(encoder.to("meta"), LAYER, {})
    with pytest.raises(FingerprintError, match="Linear holds no text encoder of: CLIP"):
        fingerprint(torch.nn.Linear(2, 2), 0)


# ── damaged packs, and packs of the hub ─────────────────────────────────────────────────────────────────────────


def damage(folder: Path, **values: Any) -> None:
    path = folder / files.CONFIG_FILE
    content = json.loads(path.read_text())
    content.update(values)
    path.write_text(json.dumps(content))


DAMAGES = {
    "is missing": lambda folder: (folder / files.WEIGHTS_FILE).unlink(),
    "json is missing": lambda folder: (folder / files.CONFIG_FILE).unlink(),
    "surprise": lambda folder: damage(folder, surprise=1),
    "format": lambda folder: damage(folder, format=2),
    "regions": lambda folder: damage(folder, regions={}),
    "no usable pack": lambda folder: (folder / files.WEIGHTS_FILE).write_bytes(b"nothing"),
    "Missing key": lambda folder: save_file({"encoder": torch.zeros(6, 64)}, folder / files.WEIGHTS_FILE),
}


@pytest.mark.parametrize("words", DAMAGES)
def test_a_damaged_pack_is_refused(words: str, folder: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(folder, tmp_path / "broken")
    DAMAGES[words](broken)
    with pytest.raises(PackError, match=words):
        load_neurons(broken)


def test_a_region_that_the_pack_has_not_is_refused_with_those_it_has(pipe: Any, folder: Path) -> None:
    with pytest.raises(Exception, match="no region 'xx'; it has: de, jp, nl"), mask(pipe, load_neurons(folder), "xx"):
        pass


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(download, "user_cache_dir", lambda name: str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_pack_of_the_hub_is_asked_for_once(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = {name: (folder / name).read_bytes() for name in files.FILES}
    with serving(Hub({**content, "run.py": b"no"})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        first = load_neurons(REPO, commit=COMMIT)
    again = load_neurons(REPO, commit=COMMIT)  # the hub is gone
    assert first.languages == again.languages == load_neurons(folder).languages
    assert not list(cache.rglob("run.py"))


def test_a_pack_of_the_hub_needs_its_full_commit(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PackError, match="needs its full `commit`"):
        load_neurons(REPO)
    for commit in (BRANCH, COMMIT[:7]):
        with pytest.raises(PackError, match="give the full 40 hex digits"):
            load_neurons(REPO, commit=commit)
    with pytest.raises(PackError, match="no pack can be named by 'nothing'"):
        load_neurons("nothing", commit=COMMIT)
    with serving(Hub({name: (folder / name).read_bytes() for name in files.FILES})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        with pytest.raises(PinError, match=r"no such commit as `commit`.*call load_neurons"):
            load_neurons(REPO, commit="f" * 40)
        hub.damaged.add(files.WEIGHTS_FILE)
        with pytest.raises(PinError, match="it was removed: call load_neurons again"):
            load_neurons(REPO, commit=COMMIT)


# ── the command ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with the tiny atlas, whose neurons were found, and which is the current folder."""
    weights = write_weights(tmp_path / "weights", tiny_project.WORDS)
    root = tmp_path / "clone"
    root.mkdir()
    tiny_project.write_project(root, weights)
    params = yaml.safe_load((root / "params.yaml").read_text())
    whole = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    (root / "params.yaml").write_text(yaml.safe_dump({**params, "select_neurons": whole["select_neurons"]}))
    shutil.copytree(ROOT / "annotations/regions", root / "annotations/regions")
    monkeypatch.chdir(root)
    return root


def export(*arguments: str) -> Any:
    return CliRunner().invoke(cli.app, ["neurons", "export", *arguments])


def row(condition: str, against: str, region: str, value: float | None, **values: Any) -> dict[str, Any]:
    low, high = (None, None) if value is None else (value - 0.1, value + 0.1)
    told = {"model": "atlas", "encoder": "atlas", "prompts": "test", "condition": condition, "against": against}
    judged = {"judge": "pooled", "region": region, "measure": "culture_vqa", "strength": 3.0}
    judged |= dict.fromkeys(("p_value", "low_by_region", "high_by_region", "p_by_region"))
    counted = {"n_prompts": 8, "n_images": 16, "seeds": [0, 1], "reason": "" if value else "no"}
    return {**told, **judged, **counted, "value": value, "low": low, "high": high, **values}


def test_the_card_says_what_was_measured_and_what_was_not(project: Path) -> None:
    rows = [
        row("amplified", "noun", "all", 0.42), row("random_amplified", "noun", "all", 0.02),
        row("amplified", "noun", "jp", 0.5), row("masked", "cultural", "all", None),
        row("activated", "noun_en", "all", 0.3), row("noun", "noun_en", "all", 0.1), row("amplified", "", "all", 0.7),
        row("amplified", "random_amplified", "all", 0.4), row("amplified", "noun", "all", 0.9, judge="tiny"),
        row("amplified", "noun", "all", 0.8, prompts="outside"),
    ]  # fmt: skip
    evaluation.save(project / evaluation.PATH, rows)
    done = export("atlas", "pack")
    assert done.exit_code == 0, done.exception
    assert "pack: 4 neurons of 2 regions, layer index 1 of atlas, in float32: 0.0" in done.stdout
    card = (project / "pack/README.md").read_text()
    assert card.startswith("---\nlicense: cc-by-4.0\n")
    assert "These neurons are of the atlas" in card
    assert all(f"- {sentence}" in card for sentence in SENTENCES)
    assert "| 3 | +0.42 (+0.32 to +0.52) | random_amplified +0.02 (-0.08 to +0.12) | 8 | 16 |" in card
    assert "| 3 | +0.30 (+0.20 to +0.40) | not measured | 8 | 16 |" in card
    assert "neurons set to 0 | | not measured |" in card
    assert "| jp | amplified | +0.50 (+0.40 to +0.60) | not measured |" in card
    assert "activate 2, amplify 3" in card
    assert "| jp | Japan | ja | 3 |" in card and "`wfs`" in card and "index 1" in card
    assert files.load(project / "pack").made_for.pin.sha256 in card
    assert dict(load_neurons("pack").strengths) == {"amplify": 3.0, "activate": 2.0}


def test_the_atlass_own_encoder_is_known_by_its_pack(project: Path) -> None:
    assert export("atlas", "pack").exit_code == 0
    made_for = files.load(project / "pack").made_for
    encoder = AtlasTextEncoder.from_folder(Path(pins.load(Path(pins.PATH.format(pin="encoder"))).folder))
    for module in (encoder, encoder.roberta, encoder.roberta.half()):
        assert has_fingerprint(module, 1, made_for.fingerprint)


def test_before_tuning_and_evaluation_the_card_says_so(project: Path) -> None:
    Path(strength.PATH.format(model="atlas")).unlink()
    assert export("atlas", "pack").exit_code == 0
    card = (project / "pack/README.md").read_text()
    assert "tuned with the model atlas: not tuned." in card
    assert card.count("| not measured |") == 3


def test_neurons_of_published_weights_need_a_licence_that_somebody_names(project: Path) -> None:
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["encoders"]["atlas"]["adapter"] = "transformers"
    Path("params.yaml").write_text(yaml.safe_dump(params))
    assert "--licence CC-BY-4.0" in str(export("atlas", "pack").exception)


def test_a_tower_or_model_that_there_is_not_is_refused(project: Path) -> None:
    assert "has no tower 't5'; it has: atlas" in str(export("atlas", "pack", "--tower", "t5").exception)
    assert "atlas" in str(export("sdxl", "pack").exception)


def test_changed_weights_are_refused_before_anything_is_written(project: Path) -> None:
    weights = Path(pins.load(Path(pins.PATH.format(pin="encoder"))).folder)
    (weights / "text_encoder/config.json").write_text("{}")
    assert "changed" in str(export("atlas", "pack").exception)
    assert not (project / "pack").exists()


def test_outside_of_a_clone_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = export("atlas", "pack")
    assert isinstance(done.exception, _clone.CloneError)
    assert "works in the root of a clone of the project; there is no params.yaml" in str(done.exception)


def test_a_pack_is_only_as_deep_as_its_rows() -> None:
    activation = {"rows": [0, 2], "latents": [5, 9], "levels": [1, 2]}
    about = {"country": "x", "language": "ja", "activation": activation}
    region = Region(**about, rows=[0, 2], latents=[5, 9], levels=[1, 2], frequencies=[1, 1])
    made_for = MadeFor(name="e", pin=Pin(name="p", sha256="0"), width=4, layers=2, fingerprint={})
    values = {"format": 1, "made_for": made_for, "layer": 0, "selector": "wfs", "sae_seed": 0, "latents": 16,
              "precision": "float32", "regions": {"jp": region}, "model": "m", "strengths": {}, "effects": [],
              "level": 0.95, "licence": "CC0-1.0", "atlas": False}  # fmt: skip
    assert PackConfig.model_validate(values).rows == 3
    with pytest.raises(ValueError, match="equally long"):
        Region(**about, rows=[0], latents=[5, 9], levels=[1, 2], frequencies=[1, 1])
