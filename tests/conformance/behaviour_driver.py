"""Plays behaviours: calls to an embedded Organizations, as their JSON files say.

A file has `behaviours`; each of them has

- `id`: unique, and what a failing test is called;
- `says`: the property in a sentence;
- `evidence`: `model`, `documentation`, `inference` or `guess`: how sure it is that AWS does this;
- `given`: names of set-ups in `givens.json`, played first and in order;
- `steps`: what is done; the last step that calls is the behaviour's own, with its `expect`.

A step is one of

- `{"call": OPERATION, "params": {…}, "as": ACCOUNT, "expect": …, "save": {NAME: PATH}}`; `until`
  with a code repeats the call, at most `most` times, until it is refused with that code;
- `{"begin": OPERATION, "params": {…}}`: a write whose answer is still on its way at the next step;
- `{"advance": SECONDS}`: the clock; `{"configure": {SETTING: VALUE}}`: how AWS behaves.

Operations are those of AWS Organizations, and those of Account Management and IAM that work on an
organization.

`expect` is `{"error": CODE, "reason": REASON}`, or `{"answer": …}`: a value that the answer
contains; of objects the named members, of lists all elements. `"…"` in it stands for any value.
Without `expect` a call must succeed. `${name}` stands for what was saved, and paths such as
`Roots.0.Id` lead into answers.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from org_constructs.rehearsal import EmbeddedAws
from org_constructs.rehearsal.backend import ApiError, Clock, Organizations, Settings
from org_constructs.rehearsal.backend.other_services import OTHER_SERVICES

FOLDER = Path(__file__).parent / "behaviours"
# What happens in the background waits for the clock.
SETTINGS = Settings(account_creation_seconds=30, account_closure_seconds=30, policy_type_seconds=30)
MANAGEMENT = "111111111111"
ANYTHING = "…"
_REFERENCE = re.compile(r"\$\{(\w+)\}")
_PATIENCE = 5.0


def behaviours() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every behaviour with the name of its file."""
    for path in sorted(FOLDER.glob("*.json")):
        for behaviour in json.loads(path.read_text("utf-8"))["behaviours"]:
            yield path.stem, behaviour


@cache
def givens() -> dict[str, list[dict[str, Any]]]:
    """Return the set-ups by name."""
    found: dict[str, list[dict[str, Any]]] = json.loads(
        (FOLDER.parent / "givens.json").read_text("utf-8")
    )
    return found


def own_step(behaviour: dict[str, Any]) -> dict[str, Any]:
    """Return the step that a behaviour is about."""
    return [step for step in behaviour["steps"] if "call" in step][-1]


def service_of(operation: str) -> str:
    """Return the service that has an operation."""
    others = (name for name, operations in OTHER_SERVICES.items() if operation in operations)
    return next(others, "organizations")


class Transport(Protocol):
    """A way to an embedded Organizations."""

    def reset(self) -> None:
        """Let nothing exist."""

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""

    def configure(self, changes: dict[str, Any]) -> None:
        """Change settings."""

    def number_of_calls(self) -> int:
        """Return how many calls have arrived."""

    def send(
        self, operation: str, params: dict[str, Any], account: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Make a call; return the answer, or the error with its reason."""


class Served:
    """Through boto3 over HTTP."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self._aws = aws
        self._session = botocore.session.Session()
        self._clients: dict[tuple[str, str], Any] = {}

    def reset(self) -> None:
        """Let nothing exist."""
        self._aws.reset()

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self._aws.advance(seconds)

    def configure(self, changes: dict[str, Any]) -> None:
        """Change settings."""
        self._aws.configure(**changes)

    def number_of_calls(self) -> int:
        """Return how many calls have arrived."""
        return len(self._aws.calls())

    def send(
        self, operation: str, params: dict[str, Any], account: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Make a call; return the answer, or the error with its reason."""
        try:
            client = self._client(service_of(operation), account)
            answer: dict[str, Any] = getattr(client, xform_name(operation))(**params)
        except ClientError as refused:
            error = {"error": refused.response["Error"]["Code"]}
            reason = refused.response.get("Reason")
            return {}, error | ({"reason": reason} if reason else {})
        answer.pop("ResponseMetadata")
        return answer, {}

    def _client(self, service: str, account: str) -> Any:
        if (service, account) not in self._clients:
            self._clients[service, account] = self._session.create_client(
                service,
                endpoint_url=self._aws.endpoint,
                region_name="us-east-1",
                aws_access_key_id=account,
                aws_secret_access_key="rehearsal",  # noqa: S106
                config=Config(
                    retries={"total_max_attempts": 1},
                    proxies={},
                    # What the SDK would not even send is for AWS to refuse here.
                    parameter_validation=False,
                ),
            )
        return self._clients[service, account]


class Direct:
    """Without HTTP, and with a look at every answer and error: the model has them all."""

    def __init__(self, settings: Settings) -> None:
        self.service = Organizations(settings, Clock(source=lambda: 1_700_000_000.0))
        session = botocore.session.Session()
        names = ("organizations", *OTHER_SERVICES)
        self._models = {name: session.get_service_model(name) for name in names}

    def reset(self) -> None:
        """Let nothing exist."""
        self.service.reset()

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self.service.clock.advance(seconds)

    def configure(self, changes: dict[str, Any]) -> None:
        """Change settings."""
        self.service.configure(changes)

    def number_of_calls(self) -> int:
        """Return how many calls have arrived."""
        return len(self.service.calls())

    def send(
        self, operation: str, params: dict[str, Any], account: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Make a call; return the answer, or the error with its reason."""
        model = self._models[service_of(operation)].operation_model(operation)
        answer: dict[str, Any] = {}
        error: ApiError | None = None
        try:
            answer = self.service.call(operation, params, account)
        except ApiError as refused:
            error = refused
        if error is not None:
            declared = {shape.name for shape in model.error_shapes}
            assert error.code in declared, f"{operation} does not declare {error.code}"
            reason = {"reason": error.reason} if error.reason else {}
            return {}, {"error": error.code, **reason}
        if model.output_shape is None or not model.output_shape.members:
            assert answer == {}, f"{operation} answers nothing, not {answer}"
        else:
            check_shape(operation, answer, model.output_shape)
        return answer, {}


def check_shape(where: str, value: Any, shape: Any) -> None:
    """Fail when a value does not have a shape of botocore's."""
    kinds = {"structure": dict, "list": list, "string": str, "boolean": bool}
    # AWS's JSON has numbers for times, its REST-JSON has texts.
    expected: Any = kinds.get(shape.type_name, (float, str))
    assert isinstance(value, expected), f"{where}: {value!r} is no {shape.type_name}"
    if shape.type_name == "structure":
        for key, item in value.items():
            assert key in shape.members, f"{where} has no {key}"
            check_shape(f"{where}.{key}", item, shape.members[key])
    elif shape.type_name == "list":
        for item in value:
            check_shape(f"{where}[]", item, shape.member)
    elif shape.type_name == "string":
        assert not shape.enum or value in shape.enum, f"{where}: {value!r}"
        pattern = shape.metadata.get("pattern", "")
        # Python has no classes of Unicode categories. The pattern of a policy's ARN wants longer ids
        # than that of its id, which AWS's own keep.
        if r"\p{" not in pattern and shape.name != "PolicyArn":
            assert re.match(pattern, value), f"{where}: {value!r} does not match {pattern}"


class Player:
    """Plays behaviours one after another."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._saved: dict[str, Any] = {}
        self._begun: list[threading.Thread] = []

    def play(self, behaviour: dict[str, Any]) -> None:
        """Play one behaviour on an AWS in which nothing exists."""
        self._transport.reset()
        self._saved = {"management": MANAGEMENT, "outsider": "222222222222"}
        self._begun = []
        steps = [step for name in behaviour.get("given", []) for step in givens()[name]]
        try:
            for step in (*steps, *behaviour["steps"]):
                self._step(step)
        finally:
            self._end()

    def _step(self, step: dict[str, Any]) -> None:
        if "advance" in step:
            self._transport.advance(step["advance"])
        elif "configure" in step:
            self._transport.configure(step["configure"])
        elif "begin" in step:
            self._begin(step)
        elif "until" in step:
            self._repeat(step)
        else:
            self._call(step)

    def _send(self, operation: str, step: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        params = self._filled(step.get("params", {}))
        return self._transport.send(
            operation, params, self._filled(step.get("as", "${management}"))
        )

    def _call(self, step: dict[str, Any]) -> None:
        expected = step.get("expect", {})
        answer, got = self._send(step["call"], step)
        wanted = {key: expected[key] for key in ("error", "reason") if key in expected}
        assert got == wanted, f"{step['call']} answered {got or answer}, expected {expected}"
        if "answer" in expected:
            problem = difference(self._filled(expected["answer"]), answer)
            assert problem is None, f"{step['call']}: {problem}"
        for name, path in step.get("save", {}).items():
            self._saved[name] = _at(answer, path)

    def _repeat(self, step: dict[str, Any]) -> None:
        for _ in range(step["most"]):
            _, got = self._send(step["call"], step)
            if got.get("error") == step["until"]:
                return
        raise AssertionError(f"{step['call']} was not refused with {step['until']}")

    def _begin(self, step: dict[str, Any]) -> None:
        """Send a write that takes long, and wait until it has begun."""
        before = self._transport.number_of_calls()
        thread = threading.Thread(target=self._send, args=(step["begin"], step), daemon=True)
        self._begun.append(thread)
        thread.start()
        deadline = time.monotonic() + _PATIENCE
        while self._transport.number_of_calls() == before:
            assert time.monotonic() < deadline, f"{step['begin']} did not begin"
            time.sleep(0.01)

    def _end(self) -> None:
        if self._begun:
            self._transport.advance(3600)
            for thread in self._begun:
                thread.join(_PATIENCE)

    def _filled(self, value: Any) -> Any:
        """Return a value with what was saved in the place of references."""
        if isinstance(value, dict):
            return {key: self._filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if isinstance(value, str):
            return _REFERENCE.sub(lambda match: str(self._saved[match[1]]), value)
        return value


def _at(answer: Any, path: str) -> Any:
    for part in path.split("."):
        answer = answer[int(part)] if part.isdigit() else answer[part]
    return answer


def difference(expected: Any, got: Any, where: str = "answer") -> str | None:
    """Return where an answer lacks what is expected, or None."""
    if expected == ANYTHING:
        return None
    if isinstance(expected, dict) and isinstance(got, dict):
        for key, value in expected.items():
            if key not in got:
                return f"{where} has no {key}: {got}"
            if problem := difference(value, got[key], f"{where}.{key}"):
                return problem
        return None
    if isinstance(expected, list) and isinstance(got, list):
        if len(expected) != len(got):
            return f"{where} has {len(got)} elements, expected {len(expected)}: {got}"
        pairs = enumerate(zip(expected, got, strict=True))
        problems = (difference(one, other, f"{where}.{n}") for n, (one, other) in pairs)
        return next((problem for problem in problems if problem), None)
    return None if expected == got else f"{where} is {got!r}, expected {expected!r}"
