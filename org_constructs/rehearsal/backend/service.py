"""The service: one entry for every call, and the rules that hold for all of them."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any

from . import (
    account_management,
    accounts,
    closing,
    delegated_administrators,
    effective_answers,
    handshakes,
    hierarchy,
    membership,
    organization,
    persistence,
    policies,
    policy_types,
    resource_policy,
    root_access,
    seeding,
    tags,
    trusted_access,
    units,
)
from .api_model import operations
from .call_log import SERVICE, CallLog
from .callers import check_caller
from .clock import Clock
from .conflicts import Write, Writes
from .errors import ApiError, NotRehearsedError
from .faults import Effect, Fault, FaultPlan
from .ids import Ids
from .operation import Call, Operation
from .parameters import check_parameters
from .settings import Settings
from .state import Json, World
from .throttling import Throttle

OPERATIONS: dict[str, Operation] = {
    **organization.OPERATIONS,
    **units.OPERATIONS,
    **hierarchy.OPERATIONS,
    **accounts.OPERATIONS,
    **policies.OPERATIONS,
    **policy_types.OPERATIONS,
    **tags.OPERATIONS,
    **resource_policy.OPERATIONS,
    **trusted_access.OPERATIONS,
    **delegated_administrators.OPERATIONS,
    **handshakes.OPERATIONS,
    **membership.OPERATIONS,
    **closing.OPERATIONS,
    **effective_answers.OPERATIONS,
}

# Of services of their own, with parameters, callers and errors of their own.
OTHER_OPERATIONS: dict[str, Operation] = {
    **account_management.OPERATIONS,
    **root_access.OPERATIONS,
}


class Organizations:
    """AWS Organizations in memory, with AWS's rules."""

    def __init__(self, settings: Settings | None = None, clock: Clock | None = None) -> None:
        self._settings_at_start = settings or Settings()
        self.clock = clock or Clock()
        # CloudFormation's handlers call from their own threads while clients call over HTTP.
        self._lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Forget everything: the same calls give the same ids again."""
        with self._lock:
            self.settings = self._settings_at_start
            self.clock.reset()
            self.faults = FaultPlan()
            self._world = World()
            self._ids = Ids(self.settings.seed)
            self._log = CallLog()
            self._throttle = Throttle()
            self._writes = Writes(self.clock)

    def save(self) -> Json:
        """Return everything that exists as plain data; see `persistence`."""
        with self._lock:
            self._settle()
            return persistence.save(self._world, self._ids.state(), self.clock.now())

    def load(self, document: Mapping[str, Any]) -> None:
        """Take over what `save` returned, in place of everything that exists.

        Time goes on from the saved one, unless the clock is later already.

        Raises:
            ValueError: the document is none that `save` made.
        """
        world, ids, saved_at = persistence.load(document)
        with self._lock:
            self._world = world
            self._ids.restore(ids)
            self.clock.advance(max(0.0, saved_at - self.clock.now()))

    def seed_from(self, snapshot: Mapping[str, Any]) -> None:
        """Add a copy of a live organization; see `seeding` for the snapshot.

        Raises:
            ValueError: the snapshot is incomplete, or an account of it exists already.
        """
        with self._lock:
            seeded = seeding.organization_from(snapshot, self.settings, self._ids, self.clock.now())
            world = self._world
            taken = [id for id in seeded.accounts if world.find(id) or id in world.closed]
            if taken:
                raise ValueError(
                    f"account '{taken[0]}' of the snapshot exists already; seed an AWS that is empty"
                )
            world.organizations[seeded.id] = seeded
            for id in seeded.accounts:
                world.outsiders.pop(id, None)

    def add_account(self, account_id: str, name: str, email: str) -> None:
        """Let there be an account outside of any organization.

        Raises:
            ValueError: it cannot be one, or exists already.
        """
        if re.fullmatch(r"[0-9]{12}", account_id) is None:
            raise ValueError(f"{account_id!r} is not an account id; give 12 digits")
        if not name or "@" not in email:
            raise ValueError(f"name {name!r} and address {email!r} are not those of an account")
        with self._lock:
            self._world.add_outsider(account_id, name, email)

    def configure(self, changes: Mapping[str, Any]) -> None:
        """Change settings until the next reset.

        Raises:
            ValueError: a setting does not exist or its value is none.
        """
        with self._lock:
            self.settings = self.settings.changed(changes)

    def calls(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the call log after entry number `since`, with what the clock has finished."""
        with self._lock:
            self._settle()
            return self._log.since(since)

    def call(
        self, operation: str, params: Json, account_id: str, *, refusal: ApiError | None = None
    ) -> Json:
        """Make one call as a principal of an account.

        Args:
            operation: the name in the API, such as `CreateAccount`.
            params: the parameters in the API's form.
            account_id: the account whose credentials sign the call.
            refusal: why the principal may not make it, as judged by its own permissions.

        Returns:
            The answer in the API's form; times are seconds since the epoch.

        Raises:
            ApiError: AWS would refuse the call, or it is not rehearsed.
        """
        result: Json | None = None
        error: ApiError | None = None
        write: Write | None = None
        with self._lock:
            self._settle()
            known = OPERATIONS.get(operation)
            seconds = 0.0 if known is None or known.read else self.settings.write_seconds
            known = known or OTHER_OPERATIONS.get(operation)
            faults = self.faults.meet(operation)
            try:
                _raise_fault(faults, after=False)
                if refusal is not None:
                    raise refusal
                if known is None:
                    raise NotRehearsedError(operation)
                self._admit(operation, account_id, seconds)
                result = self._run(operation, known, params, account_id)
                write = self._begin_write(account_id, seconds)
                self._plan_creation(faults, result, account_id)
                _raise_fault(faults, after=True)
            except ApiError as refused:
                error = refused
            self._log.record(
                time=self.clock.now(),
                caller=account_id,
                operation=operation,
                params=params,
                read=known is not None and known.read,
                result=result,
                error=error,
                fault=" ".join(fault.spec for fault in faults) or None,
            )
        if write is not None:
            self._writes.finish(write, seconds)
        if error is not None:
            raise error
        return result or {}

    def _admit(self, operation: str, account_id: str, seconds: float) -> None:
        """Refuse a call that comes too often or meets another one."""
        if self.settings.throttling:
            self._throttle.take(account_id, operation, self.clock.now())
        own = self._world.find(account_id)
        if seconds and own is not None:
            self._writes.check(own.id)

    def _begin_write(self, account_id: str, seconds: float) -> Write | None:
        own = self._world.find(account_id)
        return self._writes.begin(own.id, seconds) if seconds and own is not None else None

    def _plan_creation(self, faults: list[Fault], result: Json, account_id: str) -> None:
        for fault in faults:
            if fault.effect in (Effect.FAILED, Effect.SLOW):
                own = self._world.of(account_id)
                creation = own.creations[result["CreateAccountStatus"]["Id"]]
                if fault.effect is Effect.SLOW:
                    creation.due = creation.requested_at + fault.seconds
                else:
                    creation.fails_with = fault.detail

    def _run(self, name: str, operation: Operation, params: Json, account_id: str) -> Json:
        if name not in OTHER_OPERATIONS:
            model = operations()[name]
            check_parameters(params, model)
            check_caller(name, params, model, self._world, account_id, read=operation.read)
        call = Call(account_id, params, self._world, self.clock, self._ids, self.settings)
        return operation.run(call)

    def _settle(self) -> None:
        now = self.clock.now()
        handshakes.settle(self._world, now)
        for own in self._world.organizations.values():
            policy_types.settle(own, now)
            for account_id, time in closing.settle(own, self._world, self.settings, now):
                self._log.record(
                    time=time,
                    caller=SERVICE,
                    operation="CloseAccountResult",
                    params={},
                    read=False,
                    result={"AccountId": account_id, "State": "SUSPENDED"},
                )
            for status in accounts.settle(own, self._world, self._ids, now):
                # CloudTrail reports the end of a creation as an event of the service.
                self._log.record(
                    time=status["CompletedTimestamp"],
                    caller=SERVICE,
                    operation="CreateAccountResult",
                    params={},
                    read=False,
                    result={"CreateAccountStatus": status},
                )


def _raise_fault(faults: list[Fault], *, after: bool) -> None:
    for fault in faults:
        if fault.effect is Effect.ERROR and fault.after is after:
            raise fault.error()
