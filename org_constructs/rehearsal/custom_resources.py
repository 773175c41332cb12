"""Custom resources whose function ends without an answer: CloudFormation waits until its timeout.

The wait is real time at AWS, up to an hour. Here the clock is moved instead, as soon as it is
certain that no answer comes any more.
"""

# The emulator has no public way in; the names taken stand in `emulator.TAKEN_NAMES`.
# ruff: noqa: SLF001

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import Any

from .backend import Organizations
from .backend.faults import LAMBDA, Effect
from .emulator import CLOUDFORMATION, module

# Whether the function that a custom resource waits for has ended with an error. AWS would start it
# twice more, after one and two minutes, because CloudFormation invokes it asynchronously
# (documentation); what kills it once is taken to kill it again (guess).
_has_died: ContextVar[bool | None] = ContextVar("custom_resource_has_died", default=None)


class _Answer(threading.Event):
    """The answer to a custom resource, for which nobody waits in vain."""

    def __init__(self, organizations: Organizations) -> None:
        super().__init__()
        self._organizations = organizations

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the answer, or skip the time until the timeout when none can come."""
        if _has_died.get() and not self.is_set():
            self._organizations.clock.advance(timeout or 0.0)
            return False
        return super().wait(timeout)


def mend_custom_resources(organizations: Organizations) -> None:
    """Let functions die that are meant to, and let nobody wait for what has died."""
    custom_resource = module(f"{CLOUDFORMATION}.custom_resource")
    functions = module("ministack.services.lambda_svc")
    invoke = custom_resource.invoke_custom_resource
    execute = functions._execute_function_with_config_scope

    def invoke_custom_resource(*args: Any, **kwargs: Any) -> Any:
        token = _has_died.set(False)
        try:
            return invoke(*args, **kwargs)
        finally:
            _has_died.reset(token)

    def execute_function(function: dict[str, Any], event: dict[str, Any]) -> Any:
        if _has_died.get() is None:
            # Something else than a custom resource has invoked it.
            return execute(function, event)
        met = organizations.faults.meet(LAMBDA)
        if any(fault.effect is Effect.DIES for fault in met):
            _has_died.set(True)
            return {"error": True, "body": {"errorMessage": "the process has ended (injected)"}}
        result = execute(function, event)
        _has_died.set(bool(result.get("error")))
        return result

    def register_token(token: str) -> threading.Event:
        answer = _Answer(organizations)
        with custom_resource._lock:
            custom_resource._pending[token] = {"event": answer, "result": None}
        return answer

    custom_resource.invoke_custom_resource = invoke_custom_resource
    custom_resource.register_token = register_token
    functions._execute_function_with_config_scope = execute_function
