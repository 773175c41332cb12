"""Every way in which a deployment can fail, one after another: whether it always converges.

A fault is injected at one write, the deployment stops, and what its message says is done: the same
deployment again, or the recovery of an account. Then live has to equal declared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from org_constructs.model import OrganizationModel
from org_constructs.model.denials import Judge, as_documents

from .embedded import EmbeddedAws
from .gaps import took_effect
from .steps import Reader
from .verdict import Verdict, judge, needs_recovery, pending_creations
from .without_cli import deploy, publish_assets

__all__ = ["ANY_WRITE", "CREATION", "Survival", "Sweep"]

# What can happen to any write: the answer, or `:after` where only the answer is lost.
ANY_WRITE: Final = (
    "ConcurrentModificationException",
    "TooManyRequestsException",
    "ServiceException",
    "ServiceException:after",
    "AccessDeniedException",
)
# What can happen to the creation of an account besides.
CREATION: Final = (
    "SLOW=3600",
    "FAILED=INTERNAL_FAILURE",
    "FAILED=ACCOUNT_LIMIT_EXCEEDED",
    "FinalizingOrganizationException",
)
_SERVICE: Final = "organizations.amazonaws.com"
_HOURS: Final = 3
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival:
    """How a deployment with one fault ended.

    Attributes:
        fault: what was injected.
        happened: whether it was met at all.
        stopped: whether the deployment stopped by it.
        repairs: what was done then, in order: `deploy` or `recover`.
        verdict: what there was in the end.
    """

    fault: str
    happened: bool
    stopped: bool
    repairs: tuple[str, ...]
    verdict: Verdict


class Sweep:
    """Deploys one assembly again and again, each time to an AWS that has forgotten everything.

    Args:
        aws: the embedded AWS; it is reset before each deployment.
        assembly: the folder of the assembly.
        reader: reads what there is.
        recover: brings what no stack holds under the stacks.
        base: the folder of an assembly that is deployed first, without faults; None for nothing.
        denials: compares what is denied before, after and at a moment; as documents by default.
    """

    def __init__(
        self,
        aws: EmbeddedAws,
        assembly: Path,
        reader: Reader,
        recover: Callable[[], None],
        *,
        base: Path | None = None,
        denials: Judge = as_documents,
    ) -> None:
        self._aws = aws
        self._assembly = assembly
        self._base = base
        self._before: Mapping[str, Any] | None = None
        self._seen = 0
        self._model = OrganizationModel.from_assembly(assembly)
        self._reader = reader
        self._recover = recover
        self._denials = denials

    def writes(self) -> list[str]:
        """Return the operations of the writes that a deployment without faults makes, in order."""
        self._begin()
        deploy(self._aws, self._assembly)
        return [
            call["operation"]
            for call in self._aws.calls(self._seen)
            if took_effect(call) and call["caller"] != _SERVICE
        ]

    def faults(self, possible: Callable[[str], bool]) -> list[str]:
        """Return each fault that can happen to one write of the deployment.

        Args:
            possible: tells whether a fault, as written, is one that AWS knows.
        """
        counted: dict[str, int] = {}
        found: list[str] = []
        for operation in self.writes():
            number = counted[operation] = counted.get(operation, 0) + 1
            kinds = (*ANY_WRITE, *(CREATION if operation == "CreateAccount" else ()))
            found += [f"{operation}:{number}:{kind}" for kind in kinds]
        return [fault for fault in found if possible(fault)]

    def run(self, fault: str, *, rollback: bool = False) -> Survival:
        """Deploy with a fault, repair what it stopped, and judge.

        Args:
            fault: the fault, as `EmbeddedAws.inject` takes it.
            rollback: whether CloudFormation undoes what fails.
        """
        self._begin()
        self._aws.inject(fault)
        stopped = deploy(self._aws, self._assembly, rollback=rollback) is not None
        happened = bool(self._aws.faults()["events"])
        self._aws.clear_faults()
        repairs: list[str] = []
        while not (verdict := self._judge()).converged and len(repairs) < _ATTEMPTS:
            if self._wait_for_accounts():
                continue
            if needs_recovery(verdict, is_repeated="deploy" in repairs) and not rollback:
                repairs.append("recover")
                self._recover()
            else:
                repairs.append("deploy")
                deploy(self._aws, self._assembly, rollback=rollback)
        return Survival(
            fault=fault,
            happened=happened,
            stopped=stopped,
            repairs=tuple(repairs),
            verdict=verdict,
        )

    def _begin(self) -> None:
        self._aws.reset()
        self._before, self._seen = None, 0
        publish_assets(self._aws, self._assembly)
        if self._base is not None:
            publish_assets(self._aws, self._base)
            deploy(self._aws, self._base)
            self._before = self._reader.snapshot()
            self._seen = len(self._aws.calls())

    def _wait_for_accounts(self) -> bool:
        """Let AWS finish accounts that are still being created; tell whether there were any."""
        for _ in range(_HOURS):
            if not pending_creations(self._aws.calls(self._seen)):
                return False
            self._aws.advance(3600)
            # AWS finishes what is due when it is asked for anything.
            self._reader.snapshot()
            if not pending_creations(self._aws.calls(self._seen)):
                return True
        return False

    def _judge(self) -> Verdict:
        calls: Sequence[dict[str, Any]] = self._aws.calls(self._seen)
        return judge(
            self._model,
            before=self._before,
            after=self._reader.snapshot(),
            stacks=self._reader.stacks(stack.name for stack in self._model.assembly.stacks),
            calls=calls,
            denials=self._denials,
        )
