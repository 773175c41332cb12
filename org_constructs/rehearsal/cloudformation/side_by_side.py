"""What CloudFormation does at the same time: AWS Organizations takes one write, refuses the others.

CloudFormation works side by side on resources without a dependency between them (documentation).
Two writes to one organization at the same time end in ConcurrentModificationException for one of
them (documentation: multiple accounts in one template need DependsOn; issues report the same of
OUs and policies). Which one passes, and after how many attempts, is decided by milliseconds; here
it is a rule, so that runs are alike (inference):

- Resources that have equally many writing resources before them are written at the same time: a
  wave. Resources that an operation does not change write nothing and are in none.
- The first of a wave passes. The n-th meets n - 1 refusals, one for each writer before it.
- The SDK's own attempts outlast one other writer, the handler's two further attempts one each: a
  creating call survives in a wave of two, any other write in a wave of three.
- An account in creation keeps its organization busy for longer than the SDK's attempts last, so
  the second CreateAccount of a wave fails.
- CloudFormation does not repeat a resource whose handler has given up (guess: it may).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from org_constructs.rehearsal.backend import ApiError

# The reason in the call log of a conflict that a missing dependency caused; AWS's have none.
SIDE_BY_SIDE = "SIDE_BY_SIDE"


@dataclass(frozen=True, slots=True)
class Writer:
    """A resource that writes to the organization, and the first thing that it writes."""

    logical_id: str
    operation: str


def conflict_with(writer: Writer) -> ApiError:
    """Return the refusal of a write that meets another one."""
    return ApiError(
        "ConcurrentModificationException",
        "AWS Organizations can't complete your request because it conflicts with another attempt "
        "to modify the same entity. Try again later. (Rehearsal: nothing orders this resource and "
        f"'{writer.logical_id}', so CloudFormation works on both at once; add a DependsOn)",
        SIDE_BY_SIDE,
    )


class Waves:
    """The writers of one phase of one operation on a stack.

    Args:
        needs: per logical id those whose work is done before it begins. Resources must join in an
            order that honours it.
    """

    def __init__(self, needs: Mapping[str, Iterable[str]]) -> None:
        self._needs = needs
        self._wave_of: dict[str, int] = {}
        self._waves: dict[int, list[Writer]] = {}

    def join(self, writer: Writer) -> tuple[Writer, ...]:
        """Add a writer and return those of its wave that come before it."""
        wave = self._before(writer.logical_id)
        self._wave_of[writer.logical_id] = wave
        members = self._waves.setdefault(wave, [])
        before = tuple(members)
        members.append(writer)
        return before

    def _before(self, logical_id: str) -> int:
        """Return the length of the longest chain of writers that end before a resource begins."""
        longest = 0
        seen = set()
        waiting = list(self._needs.get(logical_id, ()))
        while waiting:
            need = waiting.pop()
            if need in seen:
                continue
            seen.add(need)
            if need in self._wave_of:
                # What is before a writer is counted in its own wave.
                longest = max(longest, self._wave_of[need] + 1)
            else:
                waiting += self._needs.get(need, ())
        return longest


def reverse(needs: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Return the order of deletions: a resource goes after those that need it."""
    reversed_needs: dict[str, set[str]] = {key: set() for key in needs}
    for key, others in needs.items():
        for other in others:
            reversed_needs.setdefault(other, set()).add(key)
    return reversed_needs
