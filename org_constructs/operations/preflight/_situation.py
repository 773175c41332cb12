"""What a preflight looks at: what is declared, locked and live, each read once and when asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from org_constructs.model import Lock, OrganizationModel
from org_constructs.model.alignment import align
from org_constructs.model.assembly import StackTemplate
from org_constructs.model.organization import DeclaredAccount
from org_constructs.model.partitions import partition_of
from org_constructs.operations.snapshot import read_policies, read_tree
from org_constructs.operations.stacks import StackState, read_stack

from ._line import NotKnownError

if TYPE_CHECKING:
    from boto3.session import Session

__all__ = ["Situation"]

_Result = TypeVar("_Result")


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What is declared, what was locked, and the AWS that a session reaches.

    What AWS is asked for is read when it is first used, and once.

    Attributes:
        model: what the app declares.
        session: credentials of who is going to deploy, and the Region of the stacks.
        lock: what was deployed last, None when nothing was ever locked.
        acknowledged: reasons for which a look's failures are let pass, by the look's name.
        quotas: quotas that AWS has granted to this organization, by name.
        clock: the time, in seconds since the epoch.
    """

    model: OrganizationModel
    session: Session
    lock: Lock | None = None
    acknowledged: Mapping[str, str] = field(default_factory=dict)
    quotas: Mapping[str, int] = field(default_factory=dict)
    clock: Callable[[], float] = time.time

    def ask(self, action: str, operation: Callable[[], _Result]) -> _Result:
        """Return what AWS answers.

        Raises:
            NotKnownError: it does not, which names the action that is missing.
        """
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        try:
            return operation()
        except NoCredentialsError:
            raise
        except (BotoCoreError, ClientError) as error:
            # Reading takes several actions; AWS tells which one it was.
            called = getattr(error, "operation_name", None)
            asked = f"{action.partition(':')[0]}:{called}" if called else action
            raise NotKnownError(
                f"{asked} does not answer: {str(error).rstrip('.')}",
                f"allow {asked} to the caller, or see for yourself",
            ) from error

    def client(self, service: str) -> Any:
        """Return a client of a service."""
        return self.ask(f"{service}:Connect", lambda: self.session.client(service))  # type: ignore[call-overload]

    @cached_property
    def identity(self) -> Mapping[str, Any]:
        """The caller, as STS tells it."""
        return self.ask("sts:GetCallerIdentity", lambda: self.client("sts").get_caller_identity())

    @cached_property
    def organizations(self) -> Any:
        """A client of Organizations."""
        return self.client("organizations")

    @cached_property
    def organization(self) -> Mapping[str, Any] | None:
        """The organization of the caller, None when it is in none."""

        def describe() -> Mapping[str, Any] | None:
            client = self.organizations
            try:
                return dict(client.describe_organization()["Organization"])
            except client.exceptions.AWSOrganizationsNotInUseException:
                return None

        return self.ask("organizations:DescribeOrganization", describe)

    @cached_property
    def _root(self) -> Mapping[str, Any]:
        if self.organization is None:
            return {"Id": "", "PolicyTypes": []}
        return self.ask(
            "organizations:ListRoots", lambda: dict(self.organizations.list_roots()["Roots"][0])
        )

    @property
    def root_id(self) -> str:
        """The id of the live root; empty when there is no organization."""
        return str(self._root["Id"])

    @cached_property
    def policy_types(self) -> frozenset[str]:
        """The policy types that are turned on."""
        return frozenset(
            entry["Type"] for entry in self._root["PolicyTypes"] if entry["Status"] == "ENABLED"
        )

    @cached_property
    def _tree(self) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
        if self.organization is None:
            return {}, {}
        units, accounts = self.ask(
            "organizations:ListAccountsForParent",
            lambda: read_tree(self.organizations, self.root_id),
        )
        return {unit["id"]: unit for unit in units}, {entry["id"]: entry for entry in accounts}

    @property
    def units(self) -> Mapping[str, Mapping[str, Any]]:
        """The live OUs by id, in the form of a snapshot."""
        return self._tree[0]

    @property
    def accounts(self) -> Mapping[str, Mapping[str, Any]]:
        """The live accounts by id, in the form of a snapshot."""
        return self._tree[1]

    @cached_property
    def policies(self) -> Mapping[str, Mapping[str, Any]]:
        """The live policies of all types that are turned on, by id, without their documents."""
        return self.ask(
            "organizations:ListPolicies",
            lambda: {
                policy["id"]: policy
                for policy_type in sorted(self.policy_types)
                for policy in read_policies(self.organizations, policy_type, contents=False)
            },
        )

    @cached_property
    def invitations(self) -> tuple[Mapping[str, Any], ...]:
        """The invitations that wait for their owners."""
        if self.organization is None:
            return ()

        def read() -> tuple[Mapping[str, Any], ...]:
            pages = self.organizations.get_paginator("list_handshakes_for_organization").paginate(
                Filter={"ActionType": "INVITE"}
            )
            return tuple(
                handshake
                for page in pages
                for handshake in page["Handshakes"]
                if handshake["State"] in ("REQUESTED", "OPEN")
            )

        return self.ask("organizations:ListHandshakesForOrganization", read)

    @cached_property
    def creations(self) -> Mapping[str, str]:
        """The requests for accounts that AWS is still at, by the account's name."""
        if self.organization is None:
            return {}

        def read() -> dict[str, str]:
            pages = self.organizations.get_paginator("list_create_account_status").paginate(
                States=["IN_PROGRESS"]
            )
            return {
                str(status["AccountName"]): str(status["Id"])
                for page in pages
                for status in page["CreateAccountStatuses"]
            }

        return self.ask("organizations:ListCreateAccountStatus", read)

    @cached_property
    def app(self) -> OrganizationModel:
        """What the app declares for the caller's account; it may have other organizations too."""
        others = self._other_stacks
        if not others:
            return self.model
        assembly = self.model.assembly
        return OrganizationModel.of(
            replace(
                assembly,
                stacks=tuple(stack for stack in assembly.stacks if stack not in others),
                nested=tuple(stack for stack in assembly.nested if stack not in others),
            )
        )

    @cached_property
    def _other_stacks(self) -> tuple[StackTemplate, ...]:
        """The stacks of the app that go to other accounts."""
        account = self.identity["Account"]
        return tuple(
            stack
            for stack in self.model.assembly.every_stack
            if stack.account not in (None, account)
        )

    @cached_property
    def management_stacks(self) -> tuple[StackTemplate, ...]:
        """The stacks of the app that go to the caller's account, and to the organization's."""
        return tuple(self.app.assembly.stacks)

    @cached_property
    def region(self) -> str:
        """The Region of the organization's stacks, the session's where the app names none."""
        regions = {stack.region for stack in self.management_stacks if stack.region}
        return regions.pop() if len(regions) == 1 else str(self.session.region_name or "")

    @cached_property
    def organizations_region(self) -> str:
        """The Region in which AWS keeps what belongs to organizations."""
        partition = partition_of(self.region)
        return partition.organizations_region if partition else self.region

    @cached_property
    def aligned_lock(self) -> Lock | None:
        """The lock in the words of the code as it is now, without other organizations."""
        if self.lock is None:
            return None
        others = tuple(f"{stack.path}/" for stack in self._other_stacks if stack.path)
        return align(self.lock, self.model).within(lambda path: not path.startswith(others))

    @cached_property
    def stacks(self) -> Mapping[str, StackState | None]:
        """The live stacks by name: those of the app, and those that the lock still knows."""
        names = {stack.name: stack.region for stack in self.management_stacks}
        locked = self.aligned_lock
        for entries in (locked.organizational_units, locked.accounts) if locked else ():
            names |= {entry.stack: None for entry in entries.values() if entry.stack not in names}

        def read(name: str, region: str | None) -> StackState | None:
            client = self.session.client("cloudformation", region_name=region or self.region)
            return read_stack(client, name)

        def asked(name: str, region: str | None) -> StackState | None:
            return self.ask("cloudformation:DescribeStacks", lambda: read(name, region))

        found = {name: asked(name, region) for name, region in sorted(names.items())}
        # A nested stack is known to its parent, by an ARN.
        for nested in self.app.assembly.nested:
            around = self.app.assembly.locate(nested.around or "")
            parent = found.get(around[0].name) if around else None
            arn = parent.held().get(around[1]) if around and parent else None
            if arn is not None:
                found[nested.name] = asked(arn, nested.region)
        return found

    @cached_property
    def held(self) -> Mapping[tuple[str, str], str]:
        """Ids of what live stacks hold, by the stack's name and the logical id."""
        return {
            (name, logical_id): id
            # By the name that the model knows: a nested stack was read by its ARN.
            for name, state in self.stacks.items()
            if state
            for logical_id, id in state.held().items()
        }

    @cached_property
    def account_by_email(self) -> Mapping[str, str]:
        """Ids of live accounts by address."""
        return {str(entry["email"]).lower(): id for id, entry in self.accounts.items()}

    def id_of(self, key: str) -> str | None:
        """Return the id in AWS of what a key of the model names, None when it is still to be made."""
        if self.app.is_root(key):
            return self.root_id or None
        located = self.app.assembly.locate(key)
        if located is None:
            return None if key.startswith("?") else key
        stack, logical_id = located
        found = self.held.get((stack.name, logical_id))
        account = self.app.accounts.get(key)
        if found is None and account is not None:
            return self.account_by_email.get(account.email.lower())
        return found

    def locked_id(self, path: str) -> str | None:
        """Return the id in AWS of what a path of the lock names; an id stands for itself."""
        lock = self.aligned_lock or Lock()
        entry = lock.organizational_units.get(path) or lock.accounts.get(path)
        if entry is not None:
            return self.held.get((entry.stack, entry.logical_id))
        return (self.root_id or None) if self.app.is_root(path) else path

    @cached_property
    def new_accounts(self) -> tuple[DeclaredAccount, ...]:
        """The accounts that this deployment creates."""
        return tuple(
            account for account in self.app.accounts.values() if self.id_of(account.key) is None
        )

    @cached_property
    def invited(self) -> frozenset[str]:
        """Ids and addresses of the accounts that the app invites."""
        return self.app.invited_names

    @cached_property
    def declared_account_ids(self) -> frozenset[str]:
        """Ids of the live accounts that the app declares or invites."""
        created = {self.id_of(key) for key in self.app.accounts}
        return frozenset(
            id
            for id, entry in self.accounts.items()
            if id in created or id in self.invited or str(entry["email"]).lower() in self.invited
        )

    def name_of(self, id: str) -> str:
        """Return how a live node is called in a line: names from below the root, or its id."""
        if id == self.root_id:
            return "Root"
        names: list[str] = []
        while (entry := self.units.get(id) or self.accounts.get(id)) is not None:
            names.append(str(entry["name"]))
            id = str(entry["parent_id"])
        return "/".join(reversed(names)) or id

    def accounts_below(self, unit: str) -> Iterator[Mapping[str, Any]]:
        """Yield the live accounts in an OU and in all that are in it."""
        for entry in self.accounts.values():
            id = str(entry["parent_id"])
            while id != unit and id in self.units:
                id = str(self.units[id]["parent_id"])
            if id == unit:
                yield entry
