"""The steps of a rehearsal: what is done with the CDK CLI, and what is judged afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

from org_constructs.model import Lock, OrganizationModel
from org_constructs.model.denials import Judge, as_documents

from .cdk_cli import CdkCli
from .cdk_cli import Step as Run
from .embedded import EmbeddedAws
from .pace import seconds_at_documented_rates
from .verdict import Stack, Verdict, judge, needs_recovery, pending_creations

__all__ = ["Outcome", "Reader", "Rehearsal", "StepName"]

# AWS may take that long for an account at most, as far as a rehearsal waits (guess).
_HOURS: Final = 48


class StepName(StrEnum):
    """What can be rehearsed."""

    DEPLOY = "deploy"
    CHANGE = "change"
    FAIL = "fail"
    DESTROY = "destroy"


class Reader(Protocol):
    """Reads what there is in AWS."""

    def snapshot(self) -> Mapping[str, Any] | None:
        """Return the organization with its tags, None when there is none."""

    def stacks(self, names: Iterable[str]) -> Mapping[str, Stack | None]:
        """Return the stacks of these names, None for one that does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one step ended.

    Attributes:
        name: the step.
        runs: the runs of the CDK CLI, in order.
        verdict: what was judged; None when the app could not be synthesized.
        faults: the faults that happened.
        seconds: how long it took here.
        seconds_at_aws: the least it takes at AWS's documented rates.
    """

    name: StepName
    runs: tuple[Run, ...]
    verdict: Verdict | None = None
    faults: tuple[Mapping[str, Any], ...] = ()
    seconds: float = 0.0
    seconds_at_aws: float = 0.0

    @property
    def converged(self) -> bool:
        """Whether live equals what was wanted."""
        return self.verdict is not None and self.verdict.converged

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        runs = [
            {"command": run.name, "exit_code": run.exit_code, "seconds": round(run.seconds, 2)}
            for run in self.runs
        ]
        return {
            "step": self.name.value,
            "runs": runs,
            "seconds": round(self.seconds, 2),
            "seconds_at_documented_rates": round(self.seconds_at_aws, 1),
            "faults": [dict(fault) for fault in self.faults],
            "verdict": self.verdict.to_json() if self.verdict else None,
        }


@dataclass(slots=True, kw_only=True)
class Rehearsal:
    """One app on one embedded AWS, step after step.

    Attributes:
        aws: the embedded AWS.
        cdk: the app.
        changed: the app as it is to be deployed by the step `change`; None without that step.
        faults: what goes wrong in the step `fail`.
        reader: reads what there is.
        bootstrap: prepares the account for the CDK CLI.
        recover: brings what no stack holds under the stacks of an app.
        denials: compares what is denied before, after and at a moment; as documents by default.
        announce: takes what is about to be done.
        on_synthesized: takes the folder of an assembly that has been written, before it is deployed.
    """

    aws: EmbeddedAws
    cdk: CdkCli
    changed: CdkCli | None
    faults: Sequence[str]
    reader: Reader
    bootstrap: Callable[[], Run]
    recover: Callable[[CdkCli], Run]
    denials: Judge = as_documents
    announce: Callable[[str], None] = lambda _: None
    on_synthesized: Callable[[Path], None] = lambda _: None
    _bootstrapped: bool = field(default=False, init=False)
    _deployed: CdkCli | None = field(default=None, init=False)
    _own: list[range] = field(default_factory=list, init=False)

    def run(self, step: StepName) -> Outcome:
        """Do one step; it ends with the first command that fails, unless failing is its purpose."""
        if step is StepName.DESTROY:
            return self._destroy()
        app = self.cdk
        if self.changed is not None and self._deployed is not None:
            app = self.changed
        return self._deploy(step, app)

    @property
    def app(self) -> CdkCli:
        """The app whose assembly was deployed last."""
        return self._deployed or self.cdk

    def prepare(self, app: CdkCli) -> tuple[Run, ...]:
        """Synthesize an app, and bootstrap once; the last run tells whether that worked."""
        self.announce("cdk synth")
        runs = [app.synth()]
        if not runs[-1].exit_code:
            self.on_synthesized(app.assembly)
        if not runs[-1].exit_code and not self._bootstrapped:
            self.announce("cdk bootstrap")
            runs.append(self.bootstrap())
            self._bootstrapped = not runs[-1].exit_code
        return tuple(runs)

    def _deploy(self, step: StepName, app: CdkCli) -> Outcome:
        began = time.monotonic()
        runs = [*self.prepare(app)]
        if runs[-1].exit_code:
            return Outcome(name=step, runs=tuple(runs), seconds=time.monotonic() - began)
        model = OrganizationModel.from_assembly(app.assembly)
        before, seen = self._snapshot(), self._seen()
        happened: tuple[Mapping[str, Any], ...] = ()
        if step is StepName.FAIL:
            known = len(self.aws.faults()["events"])
            runs.append(self._failing(app))
            happened = tuple(self.aws.faults(known)["events"])
            self._wait_for_accounts(seen)
            verdict = self._judge(model, before, seen)
            for is_repeated in (False, True):
                if verdict.converged:
                    break
                runs.append(self._repair(app, verdict, is_repeated=is_repeated))
                verdict = self._judge(model, before, seen)
        else:
            self.announce("cdk deploy")
            runs.append(app.deploy_synthesized())
        self._deployed = app
        verdict = self._judge(model, before, seen)
        if verdict.converged:
            # What comes next is compared with it, as after `make deploy`.
            Lock.of(model).write(app.lock_file)
        return Outcome(
            name=step,
            runs=tuple(runs),
            verdict=verdict,
            faults=happened,
            seconds=time.monotonic() - began,
            seconds_at_aws=seconds_at_documented_rates(self._calls(seen)),
        )

    def _judge(
        self,
        model: OrganizationModel,
        before: Mapping[str, Any] | None,
        seen: int,
        destroyed: Mapping[str, Mapping[str, str]] | None = None,
    ) -> Verdict:
        calls = self._calls(seen)
        return judge(
            model,
            before=before,
            after=self._snapshot(),
            stacks=self.reader.stacks(_names(model)),
            calls=calls,
            destroyed=destroyed,
            denials=self.denials,
        )

    def _wait_for_accounts(self, seen: int) -> None:
        """Let AWS finish the accounts on which a deployment has given up."""
        for _ in range(_HOURS):
            if not pending_creations(self._calls(seen)):
                return
            self.announce("an hour passes")
            self.aws.advance(3600)
            # AWS finishes what is due when it is asked for anything.
            self._snapshot()

    def _repair(self, app: CdkCli, verdict: Verdict, *, is_repeated: bool) -> Run:
        """Do what the failed deployment says is to be done."""
        if needs_recovery(verdict, is_repeated=is_repeated):
            self.announce("orgctl recover")
            return self.recover(app)
        self.announce("cdk deploy again")
        return app.deploy_synthesized()

    def _failing(self, app: CdkCli) -> Run:
        self.announce("cdk deploy, with faults")
        self.aws.inject(*self.faults)
        try:
            return app.deploy_synthesized()
        finally:
            self.aws.clear_faults()

    def _destroy(self) -> Outcome:
        began = time.monotonic()
        app = self.app
        if not (app.assembly / "manifest.json").is_file():
            runs = self.prepare(app)
            if runs[-1].exit_code:
                return Outcome(name=StepName.DESTROY, runs=runs)
        model = OrganizationModel.from_assembly(app.assembly)
        stacks = self.reader.stacks(_names(model))
        before, seen = self._snapshot(), self._seen()
        self._unprotect(stacks)
        self.announce("cdk destroy")
        run = app.destroy_synthesized()
        held = {name: state.held for name, state in stacks.items() if state}
        verdict = self._judge(model, before, seen, held)
        return Outcome(
            name=StepName.DESTROY,
            runs=(run,),
            verdict=verdict,
            seconds=time.monotonic() - began,
            seconds_at_aws=seconds_at_documented_rates(self._calls(seen)),
        )

    def _unprotect(self, stacks: Mapping[str, Stack | None]) -> None:
        """Turn termination protection off, as a person has to before `cdk destroy`."""
        client = self.aws.client("cloudformation")
        for name, state in stacks.items():
            if state is not None:
                client.update_termination_protection(
                    StackName=name, EnableTerminationProtection=False
                )

    def _snapshot(self) -> Mapping[str, Any] | None:
        first = self._seen() + 1
        found = self.reader.snapshot()
        self._own.append(range(first, self._seen() + 1))
        return found

    def _calls(self, since: int) -> list[dict[str, Any]]:
        """Return the calls after a number, without what was read for the verdict alone."""
        return [
            call
            for call in self.aws.calls(since)
            if not (call["read"] and any(call["n"] in own for own in self._own))
        ]

    def _seen(self) -> int:
        return max((int(call["n"]) for call in self.aws.calls()), default=0)


def _names(model: OrganizationModel) -> list[str]:
    return [stack.name for stack in model.assembly.stacks]
