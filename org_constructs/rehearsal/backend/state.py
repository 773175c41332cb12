"""What exists: organizations with their tree, policies, attachments and tags."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .errors import ApiError

Json = dict[str, Any]

ENABLED = "ENABLED"
PENDING_ENABLE = "PENDING_ENABLE"
PENDING_DISABLE = "PENDING_DISABLE"


@dataclass(slots=True)
class OrganizationalUnit:
    """An OU."""

    id: str
    name: str
    parent_id: str


@dataclass(slots=True)
class Account:
    """An account that is a member of an organization, or manages it."""

    id: str
    name: str
    email: str
    parent_id: str
    joined_method: str
    joined_at: float
    state: str = "ACTIVE"
    # When the closing is done, for an account that is being closed or is closed.
    closes_at: float | None = None


@dataclass(slots=True)
class Outsider:
    """An account that is in no organization, as far as one has seen it."""

    id: str
    name: str
    email: str


@dataclass(slots=True)
class Handshake:
    """A request of an organization to an account, named by its id or its address."""

    id: str
    action: str
    organization_id: str
    arn_prefix: str
    account_id: str | None
    email: str | None
    requested_at: float
    expires_at: float
    state: str = "REQUESTED"
    completed_at: float | None = None
    # Who has accepted an invitation that names an address.
    accepted_by: str | None = None
    notes: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    parent_id: str | None = None

    @property
    def arn(self) -> str:
        """The ARN, which begins with that of the organization."""
        return f"{self.arn_prefix}/{self.id}"

    def finish(self, state: str, now: float) -> None:
        """End it in a state."""
        self.state = state
        self.completed_at = now


@dataclass(slots=True)
class EffectivePolicy:
    """What the policies of one type come to for one account.

    AWS keeps the last valid content while the newest one is invalid.
    """

    account_id: str
    type: str
    content: str | None
    updated_at: float
    evaluated_at: float
    errors: list[Json] = field(default_factory=list)


@dataclass(slots=True)
class Policy:
    """A policy of any type; `aws_managed` ones cannot be changed."""

    id: str
    name: str
    description: str
    type: str
    content: str
    aws_managed: bool = False


@dataclass(slots=True)
class Creation:
    """A request to create an account, which AWS answers before it is done."""

    id: str
    name: str
    email: str
    tags: dict[str, str]
    requested_at: float
    due: float
    state: str = "IN_PROGRESS"
    completed_at: float | None = None
    account_id: str | None = None
    failure_reason: str | None = None
    # Why it will fail when it is due: an injected fault.
    fails_with: str | None = None


@dataclass(slots=True)
class PolicyTypeState:
    """A policy type that is on, or on its way there or back; a type that is off has none."""

    status: str
    due: float


@dataclass(slots=True)
class Organization:
    """One organization: everything in it is found by id."""

    id: str
    root_id: str
    management_account_id: str
    feature_set: str
    partition: str
    units: dict[str, OrganizationalUnit] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    attachments: dict[str, list[str]] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    creations: dict[str, Creation] = field(default_factory=dict)
    policy_types: dict[str, PolicyTypeState] = field(default_factory=dict)
    resource_policy: Policy | None = None
    # When each trusted service got access, by service principal.
    trusted_services: dict[str, float] = field(default_factory=dict)
    # When each account was registered, by service principal and account.
    delegated_administrators: dict[str, dict[str, float]] = field(default_factory=dict)
    # Of central root access, which IAM keeps.
    root_access_features: list[str] = field(default_factory=list)
    created_at: float = 0.0
    # When accounts were closed, for the quota.
    closures: list[float] = field(default_factory=list)
    # By account and type, see `effective_policies`.
    effective: dict[str, EffectivePolicy] = field(default_factory=dict)

    def arn(self, kind: str, suffix: str) -> str:
        """Return the ARN of something that belongs to this organization."""
        account = self.management_account_id
        return f"arn:{self.partition}:organizations::{account}:{kind}/{self.id}/{suffix}"

    def is_container(self, id: str) -> bool:
        """Tell whether an id is that of the root or of an OU here."""
        return id == self.root_id or id in self.units

    def is_target(self, id: str) -> bool:
        """Tell whether a policy can be attached to this id."""
        return self.is_container(id) or id in self.accounts

    def targets(self) -> Iterator[str]:
        """Yield every id to which policies can be attached, root first."""
        yield self.root_id
        yield from self.units
        yield from self.accounts

    def parent_of(self, id: str) -> str:
        """Return the id of the container that holds an OU or account."""
        return self.units[id].parent_id if id in self.units else self.accounts[id].parent_id

    def units_in(self, parent_id: str) -> list[OrganizationalUnit]:
        """Return the OUs directly in a container."""
        return [unit for unit in self.units.values() if unit.parent_id == parent_id]

    def accounts_in(self, parent_id: str) -> list[Account]:
        """Return the accounts directly in a container, closed ones included."""
        return [account for account in self.accounts.values() if account.parent_id == parent_id]

    def depth(self, container_id: str) -> int:
        """Return how many OUs lie between the root and a container, itself included."""
        levels = 0
        while container_id != self.root_id:
            levels += 1
            container_id = self.units[container_id].parent_id
        return levels

    def path(self, id: str) -> str:
        """Return the path of an OU or account in AWS's form, `o-…/r-…/ou-…/`."""
        parts = [id]
        while parts[-1] != self.root_id:
            parts.append(self.parent_of(parts[-1]))
        return "/".join([self.id, *reversed(parts)]) + "/"

    def attached(self, target_id: str, policy_type: str) -> list[Policy]:
        """Return the policies of one type attached directly to a target."""
        policies = (self.policies[key] for key in self.attachments.get(target_id, []))
        return [policy for policy in policies if policy.type == policy_type]

    def is_enabled(self, policy_type: str) -> bool:
        """Tell whether a policy type is on; a pending one is not yet."""
        state = self.policy_types.get(policy_type)
        return state is not None and state.status == ENABLED


@dataclass(slots=True)
class World:
    """Every organization of the embedded AWS, found by its members."""

    organizations: dict[str, Organization] = field(default_factory=dict)
    # Accounts that are in no organization, once one has been heard of them.
    outsiders: dict[str, Outsider] = field(default_factory=dict)
    handshakes: dict[str, Handshake] = field(default_factory=dict)
    # The addresses of accounts that are closed for good, by id.
    closed: dict[str, str] = field(default_factory=dict)
    # Of Account Management, by account: whatever organization it is in, they stay its own.
    contact_information: dict[str, Json] = field(default_factory=dict)
    # The same by account and type.
    alternate_contacts: dict[str, dict[str, Json]] = field(default_factory=dict)

    def find(self, account_id: str) -> Organization | None:
        """Return the organization that an account manages or belongs to."""
        for organization in self.organizations.values():
            if account_id in organization.accounts:
                return organization
        return None

    def of(self, account_id: str) -> Organization:
        """Return the organization of an account.

        Raises:
            ApiError: `AWSOrganizationsNotInUseException`.
        """
        organization = self.find(account_id)
        if organization is None:
            raise ApiError(
                "AWSOrganizationsNotInUseException",
                "Your account is not a member of an organization.",
            )
        return organization

    def see(self, account_id: str) -> Outsider:
        """Return what is known about an account outside, which exists once it is named."""
        default = Outsider(
            account_id, f"Account {account_id}", f"account+{account_id}@rehearsal.internal"
        )
        return self.outsiders.setdefault(account_id, default)

    def add_outsider(self, account_id: str, name: str, email: str) -> None:
        """Let there be an account outside of any organization.

        Raises:
            ValueError: there is one with this id or address already.
        """
        if self.knows_account(account_id):
            raise ValueError(f"account {account_id!r} exists already")
        if self.knows_email(email):
            raise ValueError(f"address {email!r} belongs to another account")
        self.outsiders[account_id] = Outsider(account_id, name, email)

    def knows_account(self, account_id: str) -> bool:
        """Tell whether an account id is taken anywhere."""
        known = account_id in self.outsiders or account_id in self.closed
        return known or self.find(account_id) is not None

    def knows_email(self, email: str) -> bool:
        """Tell whether an address belongs to an account anywhere: AWS wants them unique.

        That of a closed account stays taken (documentation).
        """
        taken = email.lower() in (closed.lower() for closed in self.closed.values())
        return taken or self.account_of_email(email) is not None

    def account_of_email(self, email: str) -> str | None:
        """Return the id of the account that has an address."""
        for account in self._accounts():
            if account.email.lower() == email.lower():
                return account.id
        return None

    def email_of(self, account_id: str) -> str | None:
        """Return the address of an account, when it is known."""
        organization = self.find(account_id)
        if organization is not None:
            return organization.accounts[account_id].email
        outsider = self.outsiders.get(account_id)
        return None if outsider is None else outsider.email

    def _accounts(self) -> Iterator[Account | Outsider]:
        for organization in self.organizations.values():
            yield from organization.accounts.values()
        yield from self.outsiders.values()
