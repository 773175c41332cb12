"""Faults: what goes wrong at AWS on some days, at a call that is named in advance."""

from __future__ import annotations

import math
import random
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any

from .api_model import creation_failures, operations, reasons
from .conflicts import concurrent_modification
from .errors import ApiError
from .other_services import ACCOUNT_MANAGEMENT, IAM
from .throttling import too_many_requests

ANY = "*"
LAMBDA = "Lambda"
CLI = "CLI"
_CREATIONS = ("CreateAccount", "CreateGovCloudAccount")
_GRAMMAR = (
    "write OPERATION:WHEN:ERROR, CreateAccount:WHEN:FAILED=REASON, CreateAccount:WHEN:SLOW=SECONDS, "
    "Lambda:WHEN:dies or CLI:OPERATION:WHEN:kill; WHEN is a number such as 3 for the third call, "
    "3-5 for the third to the fifth, or a probability such as 0.05"
)
# The model declares them for no operation, because every service answers them (documentation:
# common errors): the session of a long deployment ends, a front end is overloaded.
_COMMON_ERRORS = {
    "ExpiredTokenException": "The security token included in the request is expired",
    "ThrottlingException": "Rate exceeded",
}
# The same in IAM's older protocol.
_COMMON_IAM_ERRORS = {
    "ExpiredToken": "The security token included in the request is expired",
    "Throttling": "Rate exceeded",
}


class FaultError(ValueError):
    """A fault that cannot happen, or is not written as one."""


class Effect(Enum):
    """What a fault does."""

    ERROR = "the call is answered with an error"
    FAILED = "the account that the call creates fails later"
    SLOW = "the account that the call creates takes long"
    DIES = "a function dies without an answer: of a custom resource, or of a rule of EventBridge"
    KILL = "the CDK CLI is killed while the call arrives"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault, as `parse` reads it.

    Attributes:
        spec: the text it was written as.
        subject: the operation at whose calls it happens, `*` or `Lambda`.
        effect: what it does.
        first: the number of the first call that meets it, counted from its injection.
        last: the number of the last one.
        probability: how likely a call meets it, in place of numbers.
        seed: what the probability's choices are a function of.
        detail: the error's code or the reason of a failed creation.
        reason: the error's own reason.
        seconds: how long a slow creation takes.
        after: whether the call takes effect and only its answer is lost.
    """

    spec: str
    subject: str
    effect: Effect
    first: int = 0
    last: int = 0
    probability: float | None = None
    seed: int = 0
    detail: str = ""
    reason: str | None = None
    seconds: float = 0.0
    after: bool = False

    @classmethod
    def parse(cls, spec: str) -> Fault:
        """Read a fault such as `AttachPolicy:3:TooManyRequestsException`.

        Raises:
            FaultError: it is not written as one, or AWS never does this.
        """
        parts = spec.split(":")
        after = parts[-1] == "after" and len(parts) > 1
        if after:
            parts.pop()
        is_cli = parts[0] == CLI
        if len(parts) != (4 if is_cli else 3):
            raise FaultError(f"fault '{spec}' is not written as one; {_GRAMMAR}")
        subject, when, what = parts[1:] if is_cli else parts
        what, _, seed = what.partition("@")
        known: dict[str, Any] = {
            "spec": spec,
            "subject": subject,
            "after": after,
            **_read_when(spec, when, seed),
        }
        if is_cli:
            _check_operation(spec, subject)
            _check_only(spec, what, "kill", after=after)
            return cls(**known, effect=Effect.KILL)
        if subject == LAMBDA:
            _check_only(spec, what, "dies", after=after)
            return cls(**known, effect=Effect.DIES)
        _check_operation(spec, subject)
        name, has_value, value = what.partition("=")
        if name in ("FAILED", "SLOW"):
            return _creation_fault(known, name, value)
        _check_error(spec, subject, name, value if has_value else None)
        return cls(**known, effect=Effect.ERROR, detail=name, reason=value or None)

    def concerns(self, subject: str) -> bool:
        """Tell whether the fault can happen at a call: `*` is every operation with that error."""
        if self.subject != ANY or subject == LAMBDA:
            return subject == self.subject
        return self.effect is Effect.KILL or self.detail in _errors_of(subject)

    def error(self) -> ApiError:
        """Return the error that the caller gets."""
        known = {
            error.code: error.message for error in (too_many_requests(), concurrent_modification())
        } | {**_COMMON_ERRORS, **_COMMON_IAM_ERRORS}
        message = known.get(self.detail, "The call was refused.")
        return ApiError(self.detail, f"{message} (injected: {self.spec})", self.reason)


def _read_when(spec: str, when: str, seed: str) -> dict[str, Any]:
    if seed and not seed.isdecimal():
        raise FaultError(f"fault '{spec}': seed '{seed}' is no number; write @7")
    if numbers := re.fullmatch(r"(\d+)(?:-(\d+))?", when):
        first, last = int(numbers[1]), int(numbers[2] or numbers[1])
        if seed:
            raise FaultError(
                f"fault '{spec}': only a probability takes a seed; leave '@{seed}' out"
            )
        if not 1 <= first <= last:
            raise FaultError(
                f"fault '{spec}': '{when}' names no call; the first one has number 1, and a range "
                "goes upward as 3-5"
            )
        return {"first": first, "last": last}
    if re.fullmatch(r"[01]?\.\d+", when) and 0 < float(when) <= 1:
        return {"probability": float(when), "seed": int(seed or 0)}
    raise FaultError(
        f"fault '{spec}': '{when}' says not when; write 3 for the third call, 3-5, or a probability "
        "above 0 and up to 1.0 such as 0.05"
    )


def _check_only(spec: str, what: str, effect: str, *, after: bool) -> None:
    if what != effect or after:
        raise FaultError(f"fault '{spec}' can only end in ':{effect}'")


def _check_operation(spec: str, operation: str) -> None:
    if operation not in (ANY, *ACCOUNT_MANAGEMENT, *IAM) and operation not in operations():
        raise FaultError(
            f"fault '{spec}': AWS Organizations has no operation '{operation}'; name one such as "
            f"AttachPolicy, or * for all, or {LAMBDA} or {CLI}:AttachPolicy"
        )


def _creation_fault(known: Mapping[str, Any], name: str, value: str) -> Fault:
    spec, subject = known["spec"], known["subject"]
    if subject not in _CREATIONS or known["after"]:
        raise FaultError(
            f"fault '{spec}': {name} happens to an account that is being created; write "
            f"CreateAccount:1:{name}=… without ':after'"
        )
    if name == "SLOW":
        try:
            seconds = float(value)
        except ValueError:
            seconds = -1.0
        if not 0 < seconds < math.inf:
            raise FaultError(f"fault '{spec}': '{value}' is no time; write seconds as SLOW=3600")
        return Fault(**known, effect=Effect.SLOW, seconds=seconds)
    if value not in creation_failures():
        raise FaultError(
            f"fault '{spec}': an account never fails with '{value}'; give one of "
            f"{', '.join(creation_failures())}"
        )
    return Fault(**known, effect=Effect.FAILED, detail=value)


def _check_error(spec: str, operation: str, code: str, reason: str | None) -> None:
    errors = _errors_of(operation)
    if code not in errors:
        raise FaultError(
            f"fault '{spec}': {operation} never answers '{code}'; give one of "
            f"{', '.join(sorted(errors))}"
        )
    known = reasons(code)
    if reason is not None and reason not in known:
        remedy = f"give one of {', '.join(known)}" if known else f"write {code} alone"
        raise FaultError(f"fault '{spec}': {code} has no reason '{reason}'; {remedy}")


@cache
def _errors_of(operation: str) -> frozenset[str]:
    if operation in ACCOUNT_MANAGEMENT:
        return ACCOUNT_MANAGEMENT[operation] | frozenset(_COMMON_ERRORS)
    if operation in IAM:
        return IAM[operation] | frozenset(_COMMON_IAM_ERRORS)
    known = operations()
    models = known.values() if operation == ANY else filter(None, [known.get(operation)])
    return frozenset(_COMMON_ERRORS).union(*(model.errors for model in models))


@dataclass(slots=True)
class _Injected:
    fault: Fault
    seen: int = 0
    happened: int = 0
    choices: random.Random = field(default_factory=random.Random)

    def meets(self) -> bool:
        self.seen += 1
        if self.fault.probability is None:
            happens = self.fault.first <= self.seen <= self.fault.last
        else:
            happens = self.choices.random() < self.fault.probability
        self.happened += happens
        return happens


class FaultPlan:
    """The faults that are to happen, and what has happened of them."""

    def __init__(self) -> None:
        self._injected: list[_Injected] = []
        self._events: list[dict[str, Any]] = []
        # Functions die and clients ask on threads of their own.
        self._lock = threading.Lock()

    def inject(self, specs: Iterable[str]) -> None:
        """Add faults; each counts calls from now on.

        Raises:
            FaultError: one of them cannot be; none is added.
        """
        faults = [Fault.parse(spec) for spec in specs]
        with self._lock:
            self._injected += [
                # Repeatable on purpose: nothing secret depends on it.
                _Injected(fault, choices=random.Random(fault.seed))  # noqa: S311
                for fault in faults
            ]

    def clear(self) -> None:
        """Let nothing more go wrong; events stay."""
        with self._lock:
            self._injected.clear()

    def meet(self, subject: str) -> list[Fault]:
        """Count a call, or a run of a function, and return the faults that it meets."""
        with self._lock:
            met = [
                injected.fault
                for injected in self._injected
                if injected.fault.concerns(subject) and injected.meets()
            ]
            self._events += [
                {"n": n, "effect": fault.effect.name, "fault": fault.spec}
                for n, fault in enumerate(met, start=len(self._events) + 1)
            ]
        return met

    def events(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the faults that happened after event number `since`."""
        with self._lock:
            return [dict(event) for event in self._events[max(since, 0) :]]

    def state(self) -> list[dict[str, Any]]:
        """Return every fault with the calls it has counted and how often it happened."""
        with self._lock:
            return [
                {"fault": one.fault.spec, "seen": one.seen, "happened": one.happened}
                for one in self._injected
            ]
