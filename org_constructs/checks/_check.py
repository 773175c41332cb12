"""What a check reads and what it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from org_constructs.model.assembly import StackTemplate
from org_constructs.model.identifiers import ACCOUNT_NAME, ALLOW_LIST
from org_constructs.model.lock import Lock
from org_constructs.model.organization import (
    INVITATION,
    Declared,
    DeclaredPolicy,
    OrganizationModel,
)
from org_constructs.model.quotas import quota
from org_constructs.policies import PolicyType, PolicyTypeSpec, policy_type_spec

if TYPE_CHECKING:
    from ._documents import PolicyDocument


class Locked(Protocol):
    """What every entry of the lock says of itself."""

    @property
    def stack(self) -> str: ...


class LockedResource(Locked, Protocol):
    """A resource of a stack in the lock."""

    @property
    def logical_id(self) -> str: ...


class Severity(StrEnum):
    """How a finding ends a synthesis: the words of CDK's validation report."""

    FATAL = "fatal"
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong with an organization as it would be deployed.

    Attributes:
        code: stable identifier of the rule.
        severity: fatal and error stop the deployment; a warning is advice.
        message: what is wrong, with the value shown.
        remedy: what to do.
        path: construct path of what is wrong, as far as known.
        stack: name of the stack, when one is to blame.
        logical_id: logical id of the resource, when one is to blame.
    """

    code: str
    severity: Severity
    message: str
    remedy: str
    path: str
    stack: str | None = None
    logical_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedGuardrails:
    """Guardrails that an override of `default_guardrails()` leaves out.

    Attributes:
        unit: name of the class that leaves them out.
        base: name of the class whose guardrails they are.
        guardrails: their ids, sorted.
    """

    unit: str
    base: str
    guardrails: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CheckContext:
    """Everything that checks may read.

    Attributes:
        model: the organization as templates declare it.
        lock: what is deployed, or None before the first deployment.
        quotas: quotas that AWS has granted to this organization, by name.
        management_account_ids: what the app says the management account is, by construct
            path of the stack.
        guardrail_sizes: characters per guardrail id, by path of the policy.
        unlisted_regions: Regions that the app says are newer than the library's data.
        own_paths: construct paths of what this library made to manage the organization.
        elsewhere: stacks of other Stages of the app that go to its management account.
        allow_placeholders: whether this synthesis is a rehearsal.
        dropped_guardrails: what a typed OU leaves out of its base class's guardrails, by path.
    """

    model: OrganizationModel
    lock: Lock | None = None
    quotas: Mapping[str, int] = field(default_factory=dict)
    management_account_ids: Mapping[str, frozenset[str]] = field(default_factory=dict)
    guardrail_sizes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    unlisted_regions: frozenset[str] = frozenset()
    own_paths: frozenset[str] = frozenset()
    elsewhere: tuple[StackTemplate, ...] = ()
    allow_placeholders: bool = False
    dropped_guardrails: Mapping[str, DroppedGuardrails] = field(default_factory=dict)

    @cached_property
    def documents(self) -> tuple[PolicyDocument, ...]:
        """What service and resource control policies say, each different document once."""
        if not self.model.policies:
            return ()
        from ._documents import documents_of

        return documents_of(self.model)

    @cached_property
    def policies_by_target(self) -> Mapping[str, Sequence[DeclaredPolicy]]:
        """Policies by the node that they are attached to."""
        found: dict[str, list[DeclaredPolicy]] = {}
        for policy in self.model.policies.values():
            for target in dict.fromkeys(policy.targets):
                found.setdefault(target, []).append(policy)
        return found

    def quota(self, name: str) -> int:
        """Return a quota as it holds for this organization."""
        return quota(name, self.quotas)

    def management_accounts(self, stack: StackTemplate | None = None) -> set[str]:
        """Return the management accounts: of one stack, or all that the app knows of.

        What an organization in the stack says counts first, then what any says, then the account
        in which the organization is created. For the whole app the accounts to which its
        organization stacks go count too.
        """
        declared = self.management_account_ids
        if stack is not None and declared.get(stack.path):
            return set(declared[stack.path])
        created = {organization.stack_id for organization in self.model.organizations.values()}
        known = {account for accounts in declared.values() for account in accounts} or {
            other.account
            for other in self.model.assembly.stacks
            if other.account and other.id in created
        }
        if stack is None:
            known |= {other.account for other in self.organization_stacks() if other.account}
        return known

    def organization_of(self, declared: Declared) -> str:
        """Return what tells the organizations of one app apart: the root of each."""
        return self.model.root_of(declared.stack_id)

    def is_same(self, path: str, locked: LockedResource, declared: Declared) -> bool:
        """Tell whether what the lock has at `path` is the very resource that is declared."""
        identity = (declared.path, declared.stack, declared.logical_id)
        return identity == (path, locked.stack, locked.logical_id)

    def shares_organization(self, path: str, locked: Locked, declared: Declared) -> bool:
        """Tell whether what the lock has at `path` is in the organization of something declared."""
        return self.model.deployed_root(locked.stack, path) == self.organization_of(declared)

    def organization_stacks(self) -> list[StackTemplate]:
        """Return the stacks that declare something of an organization."""
        return [
            stack
            for stack in self.model.assembly.stacks
            if any(
                is_organization_write(str(resource.get("Type", "")))
                for resource in stack.resources.values()
            )
        ]


# The settings of this library, by the type of their custom resource.
SETTINGS = frozenset(
    {
        ACCOUNT_NAME,
        ALLOW_LIST,
        INVITATION,
        "Custom::AlternateContact",
        "Custom::CentralRootAccess",
        "Custom::DelegatedAdministrator",
        "Custom::OrganizationPolicyType",
        "Custom::RootTags",
        "Custom::TrustedService",
    }
)


def is_organization_write(kind: str) -> bool:
    """Tell whether a resource of this type writes to AWS Organizations."""
    return kind.startswith("AWS::Organizations::") or kind in SETTINGS


def about(
    declared: Declared,
    *,
    code: str,
    message: str,
    remedy: str,
    severity: Severity = Severity.FATAL,
) -> Finding:
    """Return a finding about one declared resource."""
    return Finding(
        code=code,
        severity=severity,
        message=message,
        remedy=remedy,
        path=declared.path,
        stack=declared.stack,
        logical_id=declared.logical_id,
    )


def spec_of(policy_type: str) -> PolicyTypeSpec | None:
    """Return what is known of a policy type as a template names it."""
    try:
        return policy_type_spec(PolicyType(policy_type))
    except ValueError:
        return None
