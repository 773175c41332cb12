"""The service: one entry for every call, and the rules that hold for all of them."""

from __future__ import annotations

import threading
from typing import Any

from . import (
    accounts,
    hierarchy,
    organization,
    policies,
    policy_types,
    resource_policy,
    tags,
    trusted_access,
    units,
)
from .api_model import operations
from .call_log import SERVICE, CallLog
from .callers import check_caller
from .clock import Clock
from .errors import ApiError, NotRehearsedError
from .ids import Ids
from .operation import Call, Operation
from .parameters import check_parameters
from .settings import Settings
from .state import Json, World

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
}


class Organizations:
    """AWS Organizations in memory, with AWS's rules."""

    def __init__(self, settings: Settings | None = None, clock: Clock | None = None) -> None:
        self.settings = settings or Settings()
        self.clock = clock or Clock()
        # CloudFormation's handlers call from their own threads while clients call over HTTP.
        self._lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Forget everything: the same calls give the same ids again."""
        with self._lock:
            self._world = World()
            self._ids = Ids(self.settings.seed)
            self._log = CallLog()

    def calls(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the call log after entry number `since`."""
        with self._lock:
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
        with self._lock:
            self._settle()
            known = OPERATIONS.get(operation)
            result: Json | None = None
            error: ApiError | None = None
            try:
                if refusal is not None:
                    raise refusal
                if known is None:
                    raise NotRehearsedError(operation)
                result = self._run(operation, known, params, account_id)
            except ApiError as refused:
                error = refused
                raise
            finally:
                self._log.record(
                    time=self.clock.now(),
                    caller=account_id,
                    operation=operation,
                    params=params,
                    read=known is not None and known.read,
                    result=result,
                    error=error,
                )
            return result

    def _run(self, name: str, operation: Operation, params: Json, account_id: str) -> Json:
        model = operations()[name]
        check_parameters(params, model)
        check_caller(name, model, self._world, account_id, read=operation.read)
        call = Call(account_id, params, self._world, self.clock, self._ids, self.settings)
        return operation.run(call)

    def _settle(self) -> None:
        now = self.clock.now()
        for own in self._world.organizations.values():
            policy_types.settle(own, now)
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
