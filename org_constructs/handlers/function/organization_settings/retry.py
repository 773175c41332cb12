"""Patience: repeat what may yet succeed, with back-off and full jitter, until a deadline."""

from __future__ import annotations

import logging
import random
import time
from typing import TYPE_CHECKING, Final, TypeVar

from .errors import error_code, explain

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")

_LOGGER = logging.getLogger(__name__)

# AWS serialises the changes of an organization, so these mean "not now".
_TRANSIENT: Final = frozenset(
    {
        "ConcurrentModificationException",
        "InternalFailure",
        "InternalServerException",
        "PolicyChangesInProgressException",
        "RequestLimitExceeded",
        "ServiceException",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)

# These are refusals in the end, but in the first seconds they are also how a role or an
# organization looks that the same deployment has just created.
_UNSETTLED: Final = frozenset(
    {
        "AWSOrganizationsNotInUseException",
        "AccessDenied",
        "AccessDeniedException",
        "FinalizingOrganizationException",
        "RootNotFoundException",
    }
)

_FIRST_DELAY_SECONDS: Final = 1.0
_LONGEST_DELAY_SECONDS: Final = 15.0
_GRACE_SECONDS: Final = 30.0


class DeadlineError(Exception):
    """The time is up, and what was waited for has not happened."""


def is_transient(error: Exception) -> bool:
    """Tell whether an error of AWS, or on the way to AWS, passes by itself."""
    if error_code(error) in _TRANSIENT:
        return True
    from botocore.exceptions import ConnectionError as BotocoreConnectionError
    from botocore.exceptions import HTTPClientError

    return isinstance(error, BotocoreConnectionError | HTTPClientError)


def is_unsettled(error: Exception) -> bool:
    """Tell whether an error may only mean that something new is not known everywhere yet."""
    return error_code(error) in _UNSETTLED


def never(_: Exception) -> bool:
    """Say that no error is of this kind."""
    return False


class Patience:
    """A deadline, and how to wait for it.

    Args:
        seconds: how long to go on.
        clock: seconds that only grow.
        sleep: waits so many seconds.
        jitter: a random number between two bounds.
    """

    def __init__(
        self,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._start = clock()

    @property
    def settling(self) -> bool:
        """Whether what was created together with this setting may not be known everywhere yet."""
        return self._clock() - self._start < min(_GRACE_SECONDS, self._seconds)

    def pause(self, attempt: int, *, awaited: str) -> None:
        """Wait before the next attempt.

        Args:
            attempt: how many pauses came before; each may be twice as long as the one before.
            awaited: what is waited for, for the message.

        Raises:
            DeadlineError: no time is left.
        """
        remaining = self._start + self._seconds - self._clock()
        if remaining <= 0:
            raise DeadlineError(
                f"waited {self._seconds:.0f} seconds for {awaited}; deploy again, and if that "
                "does not help look for another change in progress in the organization"
            )
        # Beyond 2^10 the longest delay rules anyway, and the power must stay a small number.
        longest = min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2 ** min(attempt, 10))
        self._sleep(min(self._jitter(0.0, longest), remaining))

    def call(
        self,
        operation: Callable[[], _Result],
        *,
        awaited: str,
        transient: Callable[[Exception], bool] = is_transient,
        unsettled: Callable[[Exception], bool] = is_unsettled,
    ) -> _Result:
        """Return the result of `operation`, repeated while its errors are worth it.

        Args:
            operation: what to do; safe to repeat.
            awaited: what is waited for, for the log and the message.
            transient: errors to repeat until the deadline.
            unsettled: errors to repeat only while something new may not be known everywhere.

        Raises:
            DeadlineError: no time is left; the last error is its cause and in its text.
        """
        attempt = 0
        while True:
            try:
                return operation()
            except Exception as error:
                if not transient(error) and not (self.settling and unsettled(error)):
                    raise
                _LOGGER.info("%s: %s; trying again", awaited, explain(error))
                try:
                    self.pause(attempt, awaited=awaited)
                except DeadlineError as late:
                    raise DeadlineError(f"{late}; the last answer: {explain(error)}") from error
                attempt += 1
