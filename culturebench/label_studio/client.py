"""A Label Studio server: the few calls that pushing and pulling need, and one readable error."""

from __future__ import annotations

import contextlib
import hashlib
import html
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from label_studio_sdk import LabelStudio
from label_studio_sdk.core.api_error import ApiError
from pydantic import ValidationError

from culturebench.errors import CultureBenchError, plain

#: Seconds that the server may take for one answer; an import of 5,000 tasks takes about 5.
TIMEOUT = 120
PAGE = 500
#: Characters of a server's complaint that an error repeats.
COMPLAINT = 300
#: A task is the picture that bears this id, whatever number the server gave it.
EXTERNAL_ID = "external_id"
#: A repeated import would make tasks twice, so the client repeats nothing by itself.
_ONCE: Any = {"max_retries": 0, "timeout_in_seconds": TIMEOUT}


class LabelStudioError(CultureBenchError):
    """Label Studio gave no answer, or refused; the message says which and what to do. It holds no token."""


@dataclass(frozen=True)
class ProjectSpec:
    """What a project is on the server; `interface` is Label Studio's XML, `overlap` the experts for each task.

    With `in_order` everybody gets the tasks in the order in which they were made, and cannot submit an empty form.
    """

    title: str
    interface: str
    overlap: int
    instruction: str = ""
    in_order: bool = False

    @property
    def instruction_html(self) -> str:
        """The instruction as the server wants it, which shows it as HTML."""
        return html.escape(plain(self.instruction), quote=False)


@dataclass(frozen=True)
class ServerTask:
    """One task as the server has it; `annotations` are its raw JSON."""

    number: int
    external_id: str
    data: Mapping[str, Any]
    overlap: int
    annotations: tuple[Mapping[str, Any], ...]

    @property
    def untouched(self) -> bool:
        """Nobody has answered it, and nobody has skipped it."""
        return not self.annotations


class Server:
    """A server by its address and a token: a legacy token, or a personal access token, which the SDK exchanges."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            raise LabelStudioError("the address of Label Studio must be http(s)://host[:port] and hold no credentials")
        if not token:
            raise LabelStudioError("there is no token for Label Studio; its page Account & Settings gives one")
        self.url = url.rstrip("/")
        self._token = token
        self._client = LabelStudio(base_url=self.url, api_key=token, timeout=TIMEOUT)

    def check(self) -> None:
        """Raise `LabelStudioError` unless the server answers and takes the token."""
        with self._readable():
            self._client.users.whoami(request_options=_ONCE)

    def project(self, title: str) -> int | None:
        """The number of the oldest project with exactly this title, None when there is none."""
        with self._readable():
            found = [project.id for project in self._client.projects.list(title=title) if project.title == title]
        return min(found, default=None)

    def ensure_project(self, spec: ProjectSpec) -> int:
        """The project's number, created or brought up to date."""
        number = self.project(spec.title)
        wanted: dict[str, Any] = {
            "label_config": spec.interface,
            "maximum_annotations": spec.overlap,
            "expert_instruction": spec.instruction_html,
            "show_instruction": bool(spec.instruction),
            "show_collab_predictions": False,
            "sampling": "Sequential sampling" if spec.in_order else "Uniform sampling",
            "enable_empty_annotation": not spec.in_order,
        }
        with self._readable():
            if number is None:
                made = self._client.projects.create(title=spec.title, request_options=_ONCE, **wanted)
                return int(str(made.id))
            found = self._client.projects.get(number)
            # Telling the server an overlap that it has already makes it reset that of every task.
            changed = {key: value for key, value in wanted.items() if getattr(found, key, None) != value}
            if changed:
                self._client.projects.update(number, request_options=_ONCE, **changed)
        return number

    def tasks(self, project: int) -> Iterator[ServerTask]:
        """Every task of a project with all its annotations, in the order of their making."""
        with self._readable():
            for task in self._client.tasks.list(project=project, fields="all", page_size=PAGE):
                data: Any = task.data if isinstance(task.data, dict) else {}
                annotations: Any = task.annotations or []
                yield ServerTask(
                    number=int(str(task.id)),
                    external_id=str(data.get(EXTERNAL_ID, "")),
                    data=data,
                    overlap=int(task.overlap or 0),
                    annotations=tuple(a if isinstance(a, dict) else a.dict() for a in annotations),
                )

    def add_tasks(self, project: int, data: Sequence[Mapping[str, Any]]) -> None:
        """Import tasks without predictions: an expert must not see an answer before giving one."""
        request: Any = [{"data": dict(item)} for item in data]
        with self._readable():
            self._client.projects.import_tasks(project, request=request, request_options=_ONCE)

    def change_data(self, task: int, data: Mapping[str, Any]) -> None:
        """Replace what a task shows."""
        with self._readable():
            self._client.tasks.update(str(task), data=dict(data), request_options=_ONCE)

    def set_overlap(self, task: int, overlap: int) -> None:
        """How many experts shall see one task."""
        options: Any = {**_ONCE, "additional_body_parameters": {"overlap": overlap}}
        with self._readable():
            self._client.tasks.update(str(task), request_options=options)

    def delete_task(self, task: int) -> None:
        """Delete a task with its annotations."""
        with self._readable():
            self._client.tasks.delete(str(task), request_options=_ONCE)

    def people(self) -> dict[int, str]:
        """Each member's pseudonym by their number; no name and no address leaves this method."""
        with self._readable():
            return {int(str(user.id)): pseudonym(user.id, user.date_joined) for user in self._client.users.list()}

    def serve_folder(self, project: int, folder: str) -> None:
        """Let the server show files of `folder`; it is never synchronised, which would make tasks without our id."""
        with self._readable():
            storages = self._client.import_storage.local
            if not any(storage.path == folder for storage in storages.list(project=project)):
                storages.create(project=project, path=folder, use_blob_urls=True, title="pictures")

    def uploads(self, project: int) -> list[str]:
        """The files that were uploaded to a project, as `upload/<project>/<random>-<name>`."""
        answer = self._request("GET", f"api/projects/{project}/file-uploads", params={"all": True})
        return [str(item["file"]) for item in answer.json()]

    def upload(self, project: int, files: Iterable[tuple[str, bytes, str]]) -> None:
        """Upload (name, bytes, media type) to a project without making tasks of them."""
        parts = {str(number): file for number, file in enumerate(files)}
        self._request("POST", f"api/projects/{project}/import", params={"commit_to_project": False}, files=parts)

    def delete_uploads(self, project: int, names: Sequence[str]) -> None:
        """Delete uploaded files by the names that `uploads` gives."""
        answer = self._request("GET", f"api/projects/{project}/file-uploads", params={"all": True})
        numbers = [item["id"] for item in answer.json() if item["file"] in names]
        if numbers:
            body = {"file_upload_ids": numbers}
            self._request("DELETE", f"api/projects/{project}/file-uploads", json=body)

    def invitation(self) -> str:
        """The address at which a new expert signs up."""
        return self.url + str(self._request("GET", "api/invite").json()["invite_url"])

    def notify(self, project: int, url: str, headers: Mapping[str, str]) -> None:
        """Send a webhook to `url` whenever an annotation of the project changes; once for each url."""
        with self._readable():
            known = self._client.webhooks.list(project=str(project))
            for webhook in known:
                if webhook.url == url and webhook.id is not None:
                    self._client.webhooks.delete(webhook.id)
            self._client.webhooks.create(
                project=project, url=url, headers=dict(headers), send_payload=False, send_for_all_actions=False,
                actions=["ANNOTATION_CREATED", "ANNOTATIONS_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED"],
            )  # fmt: skip

    def _request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """What the SDK has no method for, with its own authentication."""
        with self._readable():
            answer: httpx.Response = self._client._client_wrapper.httpx_client.request(
                path, method=method, request_options=_ONCE, **arguments
            )
            if answer.is_error:
                raise ApiError(status_code=answer.status_code, body=answer.text)
            return answer

    @contextlib.contextmanager
    def _readable(self) -> Generator[None]:
        """Turn whatever the SDK raises into one sentence without headers or tokens."""
        try:
            yield
        except ApiError as error:
            said = repr(_detail(error.body))[:COMPLAINT].replace(self._token, "<token>")
            advice = "; check the token" if error.status_code in (401, 403) else ""
            raise LabelStudioError(f"{self.url} answered {error.status_code}: {said}{advice}") from None
        except httpx.HTTPError as error:
            raise LabelStudioError(
                f"no answer from {self.url} ({type(error).__name__}); what arrived there stays: start it and run again"
            ) from None
        except (ValidationError, ValueError, KeyError, TypeError) as error:
            raise LabelStudioError(
                f"{self.url} answered something else than Label Studio does ({type(error).__name__}); check the address"
            ) from None


def pseudonym(number: Any, joined: Any) -> str:
    """A stable name for a member of a server; the microsecond of joining makes it differ between servers."""
    if joined is None:
        raise LabelStudioError(f"the server does not say when member {number} joined; a pseudonym needs it")
    return "expert-" + hashlib.sha256(f"{number}/{joined.isoformat()}".encode()).hexdigest()[:10]


def _detail(body: Any) -> Any:
    return body.get("validation_errors") or body.get("detail", body) if isinstance(body, dict) else body
