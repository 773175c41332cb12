"""Errors of the Organizations API, as an SDK sees them: a code, a message, sometimes a reason."""

from __future__ import annotations


class ApiError(Exception):
    """An answer of AWS Organizations that refuses a call.

    Attributes:
        code: AWS's error code, such as `DuplicatePolicyException`.
        message: the text shown to the caller.
        reason: the machine-readable detail that some codes carry, such as
            `OU_DEPTH_LIMIT_EXCEEDED` of a `ConstraintViolationException`.
    """

    def __init__(self, code: str, message: str, reason: str | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.reason = reason


class NotRehearsedError(ApiError):
    """The embedded AWS does not implement the operation; AWS may well do."""

    def __init__(self, operation: str) -> None:
        super().__init__(
            "NotRehearsedException",
            f"{operation} is not rehearsed: the embedded AWS does not implement this operation, "
            "so nothing can be said about what AWS would answer",
        )


def invalid_input(message: str, reason: str) -> ApiError:
    """Return the refusal of a malformed parameter."""
    return ApiError("InvalidInputException", message, reason)


def constraint_violation(message: str, reason: str) -> ApiError:
    """Return the refusal of a call that would break a quota or a rule of the organization."""
    return ApiError("ConstraintViolationException", message, reason)


def handshake_violation(message: str, reason: str) -> ApiError:
    """Return the refusal of a handshake that would break a rule."""
    return ApiError("HandshakeConstraintViolationException", message, reason)
