"""The files of deploy/: what a worker makes of them is what Kubernetes and Prefect's own pools accept."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from prefect.utilities.templating import apply_values

from import_graph import ROOT

DEPLOY = ROOT / "deploy"
KUBERNETES = "1.33"
VARIABLES = {"{{ $PWD }}": "/workspace", "{{ $CULTUREBENCH_IMAGE }}": "registry.example/culturebench"}
KINDS = ("docker", "kubernetes")


def deployment(kind: str) -> dict[str, Any]:
    """The only deployment of a pool's file, environment variables filled in."""
    text = (DEPLOY / f"prefect-{kind}.yaml").read_text(encoding="utf-8")
    for name, value in VARIABLES.items():
        text = text.replace(name, value)
    (found,) = yaml.safe_load(text)["deployments"]
    return found


def template(kind: str) -> dict[str, Any]:
    """The base job template of a pool."""
    return json.loads((DEPLOY / f"{kind}-pool.json").read_text(encoding="utf-8"))


def job() -> dict[str, Any]:
    """The job that a worker starts for a run: it adds its own environment, and a command where there is none."""
    whole, given = template("kubernetes"), deployment("kubernetes")["work_pool"]["job_variables"]
    of_the_run = {"name": "calm-otter", "labels": {"prefect.io/flow-run-name": "calm-otter"}}
    defaults = {key: value["default"] for key, value in whole["variables"]["properties"].items() if "default" in value}
    made = apply_values(whole["job_configuration"]["job_manifest"], {**defaults, **given, **of_the_run})
    (container,) = made["spec"]["template"]["spec"]["containers"]
    assert "args" not in container
    container["args"] = ["prefect", "flow-run", "execute"]
    container["env"].insert(0, {"name": "PREFECT_API_URL", "value": "http://server/api"})
    return made


def test_kubernetes_knows_every_field_of_what_is_applied_to_it() -> None:
    kinds: list[str] = []
    for document in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")):
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
        kinds.append(document["kind"])
    assert {"Namespace", "PersistentVolumeClaim", "Role", "Deployment"} <= set(kinds)


def test_a_run_on_kubernetes_is_a_job_in_which_every_field_is_known_and_filled() -> None:
    made = job()
    kubernetes_validate.validate(made, KUBERNETES, strict=True)
    assert "{{" not in json.dumps(made)


def test_a_field_that_kubernetes_does_not_know_would_be_seen() -> None:
    made = job()
    made["spec"]["template"]["spec"]["container"] = made["spec"]["template"]["spec"].pop("containers")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(made, KUBERNETES, strict=True)


def test_the_job_and_the_worker_mount_and_may_use_what_is_applied() -> None:
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")))
    made = job()
    named = {(document["kind"], document["metadata"]["name"]) for document in documents}
    pod = made["spec"]["template"]["spec"]
    assert ("Namespace", made["metadata"]["namespace"]) in named
    assert ("PersistentVolumeClaim", pod["volumes"][0]["persistentVolumeClaim"]["claimName"]) in named
    (mount,) = pod["containers"][0]["volumeMounts"]
    assert mount["mountPath"] == VARIABLES["{{ $PWD }}"]
    (role,) = (document for document in documents if document["kind"] == "Role")
    may = {(resource, verb) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]}
    assert {("jobs", "create"), ("jobs", "watch"), ("pods", "watch"), ("pods/log", "get")} <= may


@pytest.mark.parametrize("kind", KINDS)
def test_a_pool_has_every_variable_that_its_deployment_sets(kind: str) -> None:
    variables, given = schema(kind), deployment(kind)["work_pool"]["job_variables"]
    assert set(given) <= set(variables["properties"])
    jsonschema.validate(given, variables)


@pytest.mark.parametrize("kind", ["local", *KINDS])
@pytest.mark.parametrize("name", ["command", "env", "env.A", "working_dir", "volumes", "networks", "privileged"])
def test_a_run_can_choose_neither_its_command_nor_its_environment_nor_its_rights(kind: str, name: str) -> None:
    with pytest.raises(jsonschema.ValidationError, match="Additional properties"):
        jsonschema.validate({name: "x", "workspace": "/workspace"} if kind == "docker" else {name: "x"}, schema(kind))
    written = json.dumps(template(kind)["job_configuration"])
    assert "{{ " + name + " }}" not in written


def schema(kind: str) -> dict[str, Any]:
    return template(kind)["variables"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_pools_deployment_runs_the_flow_of_prefect_yaml(kind: str) -> None:
    ours = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    assert deployment(kind)["entrypoint"] in {entry["entrypoint"] for entry in ours}


def test_images_hold_the_versions_that_are_locked() -> None:
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    (copied,) = [line.split()[1:-1] for line in lines if line.startswith("COPY ")]
    assert copied == ["requirements.hashes", "requirements.lock"] and all((ROOT / name).is_file() for name in copied)
    assert any("--require-hashes --requirement /tmp/requirements.hashes" in line for line in lines)
    python = re.search(r'requires-python = ">=(\d+\.\d+)', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert python and f"FROM python:{python[1]}-slim" in lines
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    for text in ((DEPLOY / f"{name}.yaml").read_text(encoding="utf-8") for name in ("kubernetes", *map(_file, KINDS))):
        for found in re.findall(r"(?:prefect-version: |prefecthq/prefect:)(\d+\.\d+\.\d+)", text):
            assert found == version("prefect") and f"prefect=={found}" in locked


def _file(kind: str) -> str:
    return f"prefect-{kind}"
