"""The paths under `/_rehearsal/`: look inside the embedded AWS and change how it behaves."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from .backend import Organizations
from .event_rules import EventRules
from .events import Announcer

CONTROL = "/_rehearsal/"
# How long a reader of events may wait for the next one, and how often is looked.
_PATIENCE = 30.0
_LOOK_EVERY = 0.005

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class _ControlError(ValueError):
    """A request that cannot be done, with the status that says so."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def with_control(
    emulator: Application, organizations: Organizations, announcer: Announcer, rules: EventRules
) -> Application:
    """Answer the paths under `/_rehearsal/` and pass everything else on."""
    control = _Control(emulator, organizations, announcer, rules)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(CONTROL):
            await emulator(scope, receive, send)
            return
        status = 200
        try:
            answer = await control.answer(scope, await _read(receive))
        except ValueError as error:
            status = error.status if isinstance(error, _ControlError) else 400
            answer = {"error": str(error)}
        body = json.dumps(answer).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


async def reset(emulator: Application) -> None:
    """Let the emulator forget everything, Organizations included, and end its functions."""
    path = "/_ministack/reset"
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: MutableMapping[str, Any]) -> None:
        return

    await emulator(scope, receive, send)


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


class _Control:
    """The actions, by method and path."""

    def __init__(
        self,
        emulator: Application,
        organizations: Organizations,
        announcer: Announcer,
        rules: EventRules,
    ) -> None:
        self._emulator = emulator
        self._organizations = organizations
        self._announcer = announcer
        self._rules = rules
        self._actions = {
            ("GET", "health"): self._health,
            ("GET", "calls"): self._calls,
            ("POST", "reset"): self._reset,
            ("GET", "faults"): self._faults,
            ("POST", "faults"): self._inject,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._advance,
            ("POST", "schedules"): self._run_schedules,
            ("GET", "invocations"): self._invocations,
            ("GET", "settings"): self._settings,
            ("POST", "settings"): self._configure,
            ("GET", "state"): self._save,
            ("POST", "state"): self._load,
            ("POST", "seed"): self._seed,
            ("POST", "accounts"): self._add_account,
        }

    async def answer(self, scope: Scope, body: bytes) -> Any:
        """Do what a request asks for and return its answer as plain data.

        Raises:
            ValueError: it cannot be done.
        """
        path = scope["path"].removeprefix(CONTROL)
        action = self._actions.get((scope["method"], path))
        if action is None:
            known = ", ".join(f"{method} {name}" for method, name in self._actions)
            raise _ControlError(
                f"no {scope['method']} {scope['path']}; there are {known}", status=404
            )
        query = parse_qs(scope.get("query_string", b"").decode())
        return await action(scope, query, body)

    async def _health(self, *_: Any) -> Any:
        return {"status": "ok", "pid": os.getpid()}

    async def _calls(self, _scope: Scope, query: dict[str, list[str]], _body: bytes) -> Any:
        return self._organizations.calls(_since(query))

    async def _reset(self, *_: Any) -> Any:
        await reset(self._emulator)
        return {"status": "ok"}

    async def _faults(self, _scope: Scope, query: dict[str, list[str]], _body: bytes) -> Any:
        """Answer the faults and what has happened; with `wait`, as soon as something more has."""
        plan, since = self._organizations.faults, _since(query)
        deadline = time.monotonic() + min(_number(query, "wait"), _PATIENCE)
        # The plan tells nobody, and calls happen on many threads.
        while not plan.events(since) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_EVERY)
        return {"faults": plan.state(), "events": plan.events(since)}

    async def _inject(self, _scope: Scope, _query: object, body: bytes) -> Any:
        specs = _object(body, "specs").get("specs")
        if not isinstance(specs, list) or not all(isinstance(spec, str) for spec in specs):
            raise _ControlError('the body is no list of faults; send {"specs": ["…"]}')
        self._organizations.faults.inject(specs)
        return {"faults": self._organizations.faults.state()}

    async def _clear_faults(self, *_: Any) -> Any:
        self._organizations.faults.clear()
        return {"faults": []}

    async def _clock(self, *_: Any) -> Any:
        return {"now": self._organizations.clock.now()}

    async def _advance(self, _scope: Scope, _query: object, body: bytes) -> Any:
        seconds = _object(body, "advance").get("advance")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise _ControlError('the body names no seconds; send {"advance": 60}')
        self._organizations.clock.advance(seconds)
        # What was due in that time is told before the rules on a schedule see it.
        self._announcer.announce()
        self._rules.tick()
        return {"now": self._organizations.clock.now()}

    async def _run_schedules(self, *_: Any) -> Any:
        return {"rules": self._rules.run_schedules()}

    async def _invocations(self, _scope: Scope, query: dict[str, list[str]], _body: bytes) -> Any:
        """Answer what rules have invoked; with `wait`, as soon as none of it runs any more."""
        deadline = time.monotonic() + min(_number(query, "wait"), _PATIENCE)
        # Functions end on threads of their own and tell nobody.
        while self._rules.running() and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_EVERY)
        return self._rules.invocations(_since(query))

    async def _settings(self, *_: Any) -> Any:
        return self._organizations.settings.to_json()

    async def _configure(self, _scope: Scope, _query: object, body: bytes) -> Any:
        self._organizations.configure(_object(body, "throttling"))
        return self._organizations.settings.to_json()

    async def _save(self, *_: Any) -> Any:
        return self._organizations.save()

    async def _load(self, _scope: Scope, _query: object, body: bytes) -> Any:
        self._organizations.load(_object(body, "version"))
        return {"status": "ok"}

    async def _seed(self, _scope: Scope, _query: object, body: bytes) -> Any:
        self._organizations.seed_from(_object(body, "version"))
        return {"status": "ok"}

    async def _add_account(self, _scope: Scope, _query: object, body: bytes) -> Any:
        account = _object(body, "id")
        texts = [account.get(key) for key in ("id", "name", "email")]
        if not all(isinstance(text, str) for text in texts):
            raise _ControlError(
                'the body is no account; send {"id": "…", "name": "…", "email": "…"}'
            )
        self._organizations.add_account(*map(str, texts))
        return {"status": "ok"}


def _since(query: dict[str, list[str]]) -> int:
    since = query.get("since", ["0"])[0]
    if not since.isdecimal():
        raise _ControlError(f"since={since!r} is not a number; give the last n you have")
    return int(since)


def _number(query: dict[str, list[str]], name: str) -> float:
    value = query.get(name, ["0"])[0]
    try:
        return float(value)
    except ValueError:
        raise _ControlError(f"{name}={value!r} is not a number of seconds") from None


def _object(body: bytes, example: str) -> dict[str, Any]:
    try:
        content = json.loads(body or b"{}")
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise _ControlError(f'the body is no JSON object; send one such as {{"{example}": …}}')
    return content
