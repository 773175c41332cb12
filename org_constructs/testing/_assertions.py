"""Assertions on what the policies of a synthesized organization mean, for tests of apps.

They evaluate the templates that would be deployed, and none of them looks for patterns in them. A
failed one is an `AssertionError` whose text is the explanation: level, policy and statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from org_constructs.evaluation import Level, Request
from org_constructs.evaluation.organization import OrganizationDecision, decide_for, levels_of
from org_constructs.model import OrganizationModel, OrgError, check_region
from org_constructs.model.organization import DeclaredAccount, DeclaredUnit
from org_constructs.model.partitions import partition_of, partitions
from org_constructs.model.unknowns import UnknownValue

if TYPE_CHECKING:
    import aws_cdk as cdk

    from org_constructs.evaluation.action_set import ActionSet

# Stands for every Region that AWS opens tomorrow: a list of denied Regions does not have it.
_NEW_REGION = "xx-future-1"
_SHOWN = 8
# Shown as the example where it is one.
_WELL_KNOWN = ("ec2:RunInstances", "s3:PutObject", "lambda:CreateFunction")


@dataclass(frozen=True, eq=False)
class OrganizationAssertions:
    """What is asserted of an organization.

    Attributes:
        model: the organization as its templates declare it.
    """

    model: OrganizationModel

    @classmethod
    def from_stack(cls, stack: cdk.Stack) -> OrganizationAssertions:
        """Synthesize the app of a stack and read the organization of the stack's Stage.

        Other stacks are read as well, since stacks refer to each other. Nothing may be declared
        afterwards.

        Raises:
            RuntimeError: the app is refused at synthesis.
        """
        import aws_cdk as cdk

        _synthesize(stack)
        stage = cdk.Stage.of(stack)
        # A stack without an app has got one of its own.
        return cls.from_assembly(stage.outdir if stage else _synthesize(stack))

    @classmethod
    def from_app(cls, app: cdk.Stage) -> OrganizationAssertions:
        """Synthesize an app, or one Stage of it, and read its organization.

        Raises:
            RuntimeError: the app is refused at synthesis.
        """
        _synthesize(app)
        return cls.from_assembly(app.outdir)

    @classmethod
    def from_assembly(
        cls, folder: str | Path, *, parameters: Mapping[str, Mapping[str, Any]] | None = None
    ) -> OrganizationAssertions:
        """Read the organization from a cloud assembly (`cdk.out`).

        Args:
            folder: where `cdk synth` wrote it.
            parameters: values of a stack's parameters, by the stack's name; others have their
                default.

        Raises:
            OrgError: `ORG016` when the folder holds no readable assembly; `ORG017` for a stack or
                parameter that is not there.
        """
        return cls(OrganizationModel.from_assembly(folder, parameters=parameters))

    @classmethod
    def from_file(
        cls, path: str | Path, *, parameters: Mapping[str, Mapping[str, Any]] | None = None
    ) -> OrganizationAssertions:
        """Read the organization from templates that nobody synthesized.

        Args:
            path: a template in JSON or YAML, or a folder of them.
            parameters: as for `from_assembly`.

        Raises:
            OrgError: `ORG016` when something cannot be read or is no template; `ORG017` for a stack
                or parameter that is not there.
        """
        return cls(OrganizationModel.from_file(path, parameters=parameters))

    def account(self, name: str) -> TargetAssertions:
        """Return what can be asserted of an account.

        Args:
            name: its path of names, its name if unique, its construct path, or its id where a
                policy names it or it is the management account. One that is invited is named by
                its id in code, its account id or its address, and is asserted of as if it had
                been placed.

        Raises:
            OrgError: `ORG017` or `ORG018` when no, or no single, account is meant.
        """
        invited = self.model.invited(name)
        if invited is not None:
            return TargetAssertions(self.model, invited.key, f"invited account '{invited.name}'")
        known = name in self.model.management_account_ids or name in self.model.attached
        if name.isdigit() and known:
            return TargetAssertions(self.model, name, f"account '{name}'")
        return self._of(self.model.account(name))

    def organizational_unit(self, name: str) -> TargetAssertions:
        """Return what can be asserted of any account in an OU, whatever its own policies are.

        Args:
            name: its path of names, its name if unique, its construct path, or its id.

        Raises:
            OrgError: `ORG017` or `ORG018` when no, or no single, OU is meant.
        """
        if name.startswith("ou-") and name in _known_ids(self.model):
            return TargetAssertions(self.model, name, f"organizational unit '{name}'")
        return self._of(self.model.organizational_unit(name))

    @property
    def accounts(self) -> list[TargetAssertions]:
        """All accounts by path of names; made for `pytest.mark.parametrize`."""
        return self._all(self.model.accounts.values())

    @property
    def organizational_units(self) -> list[TargetAssertions]:
        """All OUs by path of names, likewise."""
        return self._all(self.model.organizational_units.values())

    def _all(self, nodes: Iterable[DeclaredAccount | DeclaredUnit]) -> list[TargetAssertions]:
        return sorted((self._of(node) for node in nodes), key=str)

    def _of(self, node: DeclaredAccount | DeclaredUnit) -> TargetAssertions:
        what = "account" if isinstance(node, DeclaredAccount) else "organizational unit"
        name = self.model.name_path(node.key)
        return TargetAssertions(self.model, node.key, f"{what} '{name}'")

    def __repr__(self) -> str:
        """Say how large the organization is."""
        return (
            f"<organization of {len(self.model.accounts)} accounts, "
            f"{len(self.model.organizational_units)} organizational units>"
        )


@dataclass(frozen=True, repr=False)
class TargetAssertions:
    """What is asserted of one account, or of any account of an OU.

    Attributes:
        model: the organization.
        key: key of the account or OU in the model, or its id.
        label: what it is called in messages.
    """

    model: OrganizationModel = field(compare=False)
    key: str
    label: str

    def denies(
        self,
        action: str,
        *,
        region: str | None = None,
        principal: str | None = None,
        resource: str = "*",
        context: Mapping[str, Any] | None = None,
        resource_account: str | None = None,
    ) -> OrganizationDecision:
        """Assert that the organization's policies deny a request.

        What the request does not give is missing, as for AWS: without `principal=` an exemption
        of principals does not apply, and a denial of the root user does not either.

        Args:
            action: such as `ec2:RunInstances`.
            region: Region of the endpoint that is called.
            principal: ARN of who calls; for a session of a role it is the ARN of the role.
            resource: ARN of the resource.
            context: further condition keys.
            resource_account: whose the resource is, by name or path; by default this account's.

        Returns:
            The decision.

        Raises:
            AssertionError: it is allowed, or what the templates leave open could allow it.
        """
        __tracebackhide__ = True
        decision = self._decide(
            Request(
                action=action,
                region=region,
                principal_arn=principal,
                resource=resource,
                context=context or {},
            ),
            resource_account,
        )
        if decision.allowed:
            raise AssertionError(f"{self.label} allows it\n{decision.explanation}")
        if not decision.is_certain:
            raise AssertionError(
                f"{self.label}: it cannot be told whether it denies it\n{decision.explanation}"
            )
        return decision

    def allows(
        self,
        action: str,
        *,
        region: str | None = None,
        principal: str | None = None,
        resource: str = "*",
        context: Mapping[str, Any] | None = None,
        resource_account: str | None = None,
    ) -> OrganizationDecision:
        """Assert that the organization's policies leave a request allowed.

        They never grant anything: a policy of IAM has to. Policies that somebody attached to OUs
        above, which are not declared here, are not known.

        Args:
            action: such as `ec2:RunInstances`.
            region: Region of the endpoint that is called.
            principal: ARN of who calls; for a session of a role it is the ARN of the role.
            resource: ARN of the resource.
            context: further condition keys.
            resource_account: whose the resource is, by name or path; by default this account's.

        Returns:
            The decision.

        Raises:
            AssertionError: it is denied, or what the templates leave open could deny it.
        """
        __tracebackhide__ = True
        decision = self._decide(
            Request(
                action=action,
                region=region,
                principal_arn=principal,
                resource=resource,
                context=context or {},
            ),
            resource_account,
        )
        if not decision.allowed:
            raise AssertionError(f"{self.label} denies it\n{decision.explanation}")
        if not decision.is_certain:
            raise AssertionError(
                f"{self.label}: it cannot be told whether it allows it\n{decision.explanation}"
            )
        return decision

    def is_confined_to_regions(
        self,
        regions: Sequence[str],
        *,
        principal: str | None = None,
        context: Mapping[str, Any] | None = None,
        except_actions: Sequence[str] = (),
    ) -> None:
        """Assert that every known action is denied in every other Region.

        It is proved by evaluating all actions of the catalogue in all Regions of the partition,
        and in one that does not exist yet. The actions that `RegionDeny` exempts, since global
        services answer in one Region whatever is allowed, may be allowed. A principal that the
        policies exempt is not looked at unless it is given.

        Args:
            regions: the Regions that stay usable; nothing is said of what is allowed in them.
            principal: ARN of who calls.
            context: further condition keys.
            except_actions: patterns of further actions that may be allowed, such as `bedrock:*`.

        Raises:
            AssertionError: something is allowed elsewhere; the text names Regions and actions.
            OrgError: `ORG006` or `ORG008` for Regions that are none.
        """
        __tracebackhide__ = True
        from org_constructs.evaluation.action_set import ActionSet
        from org_constructs.evaluation.permissions import EffectivePermissions

        exempt = ActionSet.matching(*_global_actions(regions), *except_actions)
        outside = _other_regions(regions)
        found = EffectivePermissions(self._levels()).matrix(
            outside, principals=[principal], context=context
        )
        named = ", ".join(sorted(regions))
        for places, allowed in found.grouped():
            escaping = allowed - exempt
            if escaping:
                where = [str(place.region) for place in places]
                known = (action for action in _WELL_KNOWN if action in escaping)
                example = self._decide(
                    Request(
                        action=next(known, None) or next(iter(escaping)),
                        region=where[0],
                        principal_arn=principal,
                        context=context or {},
                    )
                )
                raise AssertionError(
                    f"{self.label} is not confined to {named}: in {_some(where)} it is allowed "
                    f"{len(escaping)} actions: {_some(escaping.patterns())}\n{example.explanation}"
                )
        self._check_contents(f"whether it is confined to {named}")

    def cannot_do_more_than(self, other: TargetAssertions | str) -> None:
        """Assert that everything that is allowed here is allowed there, whatever is asked.

        It is proved over all requests that the policies of both can tell apart, or refuted by one.

        Args:
            other: an account or OU; a name or path means an account, or else an OU.

        Raises:
            AssertionError: something is allowed here only, which the text names, or it could not
                be told.
        """
        __tracebackhide__ = True
        from org_constructs.evaluation.equivalence import AtMost, NotDecided, is_at_most

        target = self._other(other)
        verdict = is_at_most(self._levels(), target._levels())  # noqa: SLF001 - of one class
        if isinstance(verdict, AtMost):
            self._check_contents(f"whether it can do more than {target.label}")
            target._check_unknowns(f"whether {self.label} can do more", self)  # noqa: SLF001
            return
        if isinstance(verdict, NotDecided):
            raise AssertionError(  # noqa: TRY004 - nothing is of a wrong type
                f"{self.label}: it cannot be told whether it can do more than {target.label}: "
                f"{verdict.why}"
            )
        request = verdict.counterexample.request
        more = self._more_than(target, request)
        listed = f"; in the same circumstances {_some(more.patterns())}" if more else ""
        there = decide_for(self.model, target.key, request)
        raise AssertionError(
            f"{self.label} can do more than {target.label}: {verdict.counterexample}{listed}\n"
            f"{there.explanation}"
        )

    @property
    def levels(self) -> list[Level]:
        """The service control policies on the path, root first, for questions of your own."""
        return self._levels()

    def _levels(self) -> list[Level]:
        return levels_of(self.model, self.key)

    def _decide(
        self, request: Request, resource_account: str | None = None
    ) -> OrganizationDecision:
        return decide_for(self.model, self.key, request, resource_account=resource_account)

    def _more_than(self, other: TargetAssertions, request: Request) -> ActionSet:
        """Return the known actions that are allowed here only, asked like a request."""
        from org_constructs.evaluation.permissions import EffectivePermissions

        ours, theirs = (
            EffectivePermissions(target._levels()).allowed(  # noqa: SLF001 - of one class
                region=request.region,
                principal_arn=request.principal_arn,
                resource=request.resource,
                context=request.context,
            )
            for target in (self, other)
        )
        return ours - theirs

    def _other(self, other: TargetAssertions | str) -> TargetAssertions:
        if isinstance(other, TargetAssertions):
            return other
        organization = OrganizationAssertions(self.model)
        try:
            return organization.account(other)
        except OrgError as error:
            if error.code != "ORG017":
                raise
            return organization.organizational_unit(other)

    def _unknowns(self) -> tuple[UnknownValue, ...]:
        request = Request(action="sts:GetCallerIdentity")
        return decide_for(self.model, self.key, request).unknowns

    def _check_contents(self, what: str) -> None:
        """Fail if what denies here is not known in full."""
        __tracebackhide__ = True
        unknown = [value for value in self._unknowns() if value.is_of_policy]
        if unknown:
            raise AssertionError(
                f"{self.label}: it cannot be told {what}, for want of "
                f"{_some([str(value) for value in unknown])}"
            )

    def _check_unknowns(self, what: str, other: TargetAssertions) -> None:
        """Fail if more may be denied here than is known, unless it is so for another one, too."""
        __tracebackhide__ = True
        shared = set(other._unknowns())
        unknown = [value for value in self._unknowns() if value not in shared]
        if unknown:
            raise AssertionError(
                f"{self.label}: it cannot be told {what}, for want of "
                f"{_some([str(value) for value in unknown])}"
            )

    def __str__(self) -> str:
        """Return its path of names, as ids of parametrised tests."""
        return self.label.partition("'")[2].removesuffix("'")

    @property
    def __name__(self) -> str:
        """What pytest calls a parametrised test of it."""
        return str(self)

    def __repr__(self) -> str:
        """Return what it is called in messages."""
        return f"<{self.label}>"


def _synthesize(scope: Any) -> str:
    """Synthesize the app around a construct; return the folder of its assembly."""
    import aws_cdk as cdk

    root = scope.node.root
    if not cdk.Stage.is_stage(root):
        raise OrgError("ORG016", f"'{scope.node.path}' is in no app; give a stack of an app")
    return str(root.synth().directory)


def _known_ids(model: OrganizationModel) -> set[str]:
    """Return the ids of OUs that exist and that something declared refers to."""
    parents = {node.parent for node in model.organizational_units.values()}
    parents |= {node.parent for node in model.accounts.values()}
    return {node for node in (*parents, *model.attached) if node.startswith("ou-")}


def _global_actions(regions: Sequence[str]) -> Sequence[str]:
    """Return the actions that `RegionDeny` exempts for some Regions."""
    from org_constructs.guardrails import RegionDeny

    statement = RegionDeny(allowed_regions=regions).statements()[0].to_json()
    return [str(action) for action in statement["NotAction"]]


def _other_regions(regions: Sequence[str]) -> list[str]:
    """Return all Regions of a partition but some, and one that does not exist yet."""
    for region in regions:
        check_region(region, what="is_confined_to_regions: regions")
    partition = partition_of(regions[0])
    known = partition.regions if partition else partitions()["aws"].regions
    return [*(region for region in known if region not in regions), _NEW_REGION]


def _some(names: Sequence[str]) -> str:
    """Return some of many names, and how many there are besides."""
    more = len(names) - _SHOWN
    text = ", ".join(names[:_SHOWN])
    return f"{text} and {more} more" if more > 0 else text
