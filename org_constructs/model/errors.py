"""The one error that this library raises for a wrong value."""

from __future__ import annotations


class OrgError(ValueError):
    """A value that AWS would reject, or that this library refuses to deploy.

    Raised where the value is written, so that the traceback ends at the user's line.

    Attributes:
        code: stable identifier of the rule, such as `ORG001`; safe to match on. The text is not.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        # Shown under the message in a traceback; the message itself stays what it says.
        self.add_note(f"{code}: see docs/reference/refusals.md of org-constructs")
