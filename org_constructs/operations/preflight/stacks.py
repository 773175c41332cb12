"""Every stack is in a state in which it can be deployed, and is not rolled back."""

from __future__ import annotations

from collections.abc import Iterator

from ._line import Line, failed, passed, unknown
from ._situation import Situation

POSITION = 40

# CloudFormation takes another deployment in these: a failure stops and is repaired forward.
_REPAIRABLE = frozenset({"CREATE_FAILED", "UPDATE_FAILED", "REVIEW_IN_PROGRESS"})


def look(situation: Situation) -> Iterator[Line]:
    """Look at the status of each stack of the app."""
    names = [stack.name for stack in situation.management_stacks]
    told: list[str] = []
    for name in names:
        state = situation.stacks[name]
        status = state.status if state else "to be created"
        reason = f" ({state.reason})" if state and state.reason else ""
        if status.endswith("_IN_PROGRESS") and status not in _REPAIRABLE:
            yield failed(f"stack '{name}' is {status}", "wait until that is over")
        elif status == "ROLLBACK_COMPLETE":
            # The CDK CLI deletes what is left of it and creates it anew.
            yield unknown(
                f"stack '{name}' was rolled back{reason}; what it had created may exist, and no "
                "stack holds it",
                "run `make recover`, which shows it",
            )
        elif status == "UPDATE_ROLLBACK_FAILED":
            yield failed(
                f"stack '{name}' is {status}{reason}",
                f"aws cloudformation continue-update-rollback --stack-name {name}, with "
                "--resources-to-skip for what cannot go back; then deploy again",
            )
        elif status.endswith(("ROLLBACK_FAILED", "DELETE_FAILED")):
            yield failed(
                f"stack '{name}' is {status}{reason}",
                "delete it with --retain-resources for what it cannot delete, and run "
                "`make recover`, which brings what exists under it again",
            )
        else:
            told.append(f"{name} {status}")
    if told or not names:
        yield passed(f"can be deployed: {', '.join(told) or 'no stack'}")
