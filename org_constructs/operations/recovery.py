"""Brings what exists, and no stack holds, under the stack that declares it.

CloudFormation gives up on a new account after a minute and a half while AWS goes on creating it,
and where AWS's answer is lost it never learns of what was made. The next deployment then meets its
own account, OU or policy: the address or the name is taken.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from org_constructs.model.assembly import was_refused
from org_constructs.model.organization import (
    Declared,
    DeclaredAccount,
    DeclaredPolicy,
    DeclaredUnit,
    OrganizationModel,
)
from org_constructs.model.stack_groups import ROOT

from .assembly_copy import LeftOutError, copy_for_import, copy_without
from .stacks import StackState, read_stack

if TYPE_CHECKING:
    from boto3.session import Session

__all__ = ["Orphan", "Recovery", "RecoveryError", "Task", "find_orphans"]

_ACTIVE: Final = "ACTIVE"
# Attempts that are still under way cannot be deployed over.
_BUSY: Final = "_IN_PROGRESS"


class RecoveryError(Exception):
    """There is nothing to recover, or it cannot be; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """An organization, account, OU or policy that exists, that the app declares, and that no stack holds.

    Attributes:
        id: its id.
        name: how it is called: the address of an account, else its name.
        declared: its declaration.
        parent_id: the container that it is in; empty for a policy.
        actual: properties that are otherwise in AWS than they are declared.
    """

    id: str
    name: str
    declared: Declared
    parent_id: str = ""
    actual: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What it is, in words."""
        if isinstance(self.declared, DeclaredAccount):
            return "account"
        if isinstance(self.declared, DeclaredUnit):
            return "OU"
        return "policy" if isinstance(self.declared, DeclaredPolicy) else "organization"

    @property
    def key(self) -> tuple[str, str]:
        """The stack and the logical id that declare it."""
        return self.declared.stack, self.declared.logical_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One step of a recovery.

    Attributes:
        title: what it does.
        command: how it reads as a command.
        run: does it; raises `RecoveryError` when it fails.
    """

    title: str
    command: str
    run: Callable[[], None]


def find_orphans(
    model: OrganizationModel,
    session: Session,
    *,
    email: str | None = None,
    request_id: str | None = None,
) -> tuple[Orphan, ...]:
    """Return what exists, what an app declares, and what no stack holds.

    Args:
        model: what the app declares.
        session: credentials for the management account, and the stacks' Region.
        email: only the account with this address.
        request_id: only the account that this request created, as `car-…`.

    Raises:
        RecoveryError: there is none, or the one that is named cannot be brought under a stack.
    """
    organizations = session.client("organizations")
    live = _accounts(organizations)
    if request_id is not None:
        email = _email_of_request(organizations, request_id, live)
    declared = {account.email.lower(): account for account in model.accounts.values()}
    if email is not None:
        wanted = email.lower()
        if wanted not in declared:
            raise RecoveryError(
                f"no account with the address '{email}' is declared; declare it with this very "
                "address and run this again"
            )
        if wanted not in live:
            raise RecoveryError(
                f"nothing to recover: no account with the address '{email}' exists"
                f"{_pending(organizations, declared[wanted].name)}"
            )
        declared = {wanted: declared[wanted]}
    held = _held(model, session)
    root = organizations.list_roots()["Roots"][0]["Id"]
    found = [
        _orphan(organizations, live[address], account)
        for address, account in declared.items()
        if address in live and account.key not in held
    ]
    if email is None:
        # In an app with several organizations only stacks of this one are found here.
        roots = {model.root_of(key.partition("/")[0]) for key in held}
        known = {**held, **dict.fromkeys(roots, root), ROOT: root}
        tracked = _tracked(model, session)
        found = [
            *_organizations(organizations, model, held),
            *_units(organizations, model, known, tracked),
            *_policies(organizations, model, known, tracked),
            *found,
        ]
        held = known
    first: dict[str, Orphan] = {}
    for orphan in found:
        other = first.setdefault(orphan.id, orphan)
        if other is not orphan:
            raise RecoveryError(
                f"{orphan.kind} {orphan.id} ({orphan.name}) is declared twice, as "
                f"{other.declared.path} and as {orphan.declared.path}; AWS takes a name once, so "
                "remove one of them or give it another name, and run this again"
            )
        if isinstance(orphan.declared, DeclaredAccount):
            key = orphan.declared.parent
            _check_place(orphan, root, key if model.assembly.locate(key) is None else held.get(key))
    if not found:
        raise RecoveryError(
            "nothing to recover: "
            + (
                f"the account with the address '{email}' is held by its stack "
                f"'{next(iter(declared.values())).stack}'"
                if email is not None
                else "whatever is declared is held by its stack, or does not exist"
            )
        )
    return tuple(found)


class Recovery:
    """How orphans are brought under their stacks: leave out, deploy, move, import, deploy.

    Args:
        assembly: the folder of the synthesized app.
        orphans: what `find_orphans` returned.
        session: credentials for the management account, and the stacks' Region.
        folder: an empty folder for edited copies of the assembly.
        cdk: runs the CDK CLI with these arguments and returns its exit code.

    Raises:
        RecoveryError: the assembly cannot be deployed, or not without the accounts.
    """

    def __init__(
        self,
        assembly: Path,
        orphans: Sequence[Orphan],
        session: Session,
        folder: Path,
        cdk: Callable[[Sequence[str]], int],
    ) -> None:
        if was_refused(assembly):
            raise RecoveryError(
                f"'{assembly}' was refused at synthesis; correct what it says first"
            )
        self._assembly = assembly
        self._model = OrganizationModel.from_assembly(assembly)
        self._orphans = tuple(orphans)
        self._session = session
        self._cdk = cdk
        self._without = folder / "without"
        self._importing = folder / "import"
        self._mappings = folder
        keys = {orphan.key: orphan.actual for orphan in orphans}
        held = {(state.name, logical_id) for state in self._states() for logical_id in state.held()}
        try:
            self.left_out = copy_without(assembly, self._without, keys, held)
        except LeftOutError as error:
            raise RecoveryError(str(error)) from error
        copy_for_import(assembly, self._importing, self._without, keys)

    def tasks(self) -> tuple[Task, ...]:
        """Return what is to be done, in order."""
        names = ", ".join(orphan.declared.path for orphan in self._orphans)
        tasks = [
            self._deployment(f"complete the stacks without {names}", self._without),
            *self._moves(),
            *self._imports(),
            self._deployment("deploy the app as it is declared", self._assembly),
        ]
        return tuple(tasks)

    def _deployment(
        self, title: str, assembly: Path, selection: Sequence[str] = ("--all",)
    ) -> Task:
        arguments = ("deploy", *selection, "--no-rollback", "--require-approval", "never")
        return self._command(title, (*arguments, "--app", str(assembly)))

    def _imports(self) -> Iterator[Task]:
        """Import stack by stack, since each stack has its own import.

        A stack may read an output of the one before it, and an import changes no outputs: so each
        is deployed as it is declared before the next one's import.
        """
        concerned = [
            (stack, orphans)
            for stack in self._model.assembly.stacks
            if (orphans := [o for o in self._orphans if self._model.stack_of(o.declared) == stack])
        ]
        for index, (stack, orphans) in enumerate(concerned):
            selected = stack.path or stack.name
            if index:
                previous = concerned[index - 1][0]
                yield self._deployment(
                    f"deploy stack {previous.name} as it is declared",
                    self._assembly,
                    ("--exclusively", previous.path or previous.name),
                )
            mapping = self._mappings / f"{stack.name}.mapping.json"
            ids = {
                orphan.declared.logical_id: {
                    "AccountId" if orphan.kind == "account" else "Id": orphan.id
                }
                for orphan in orphans
            }
            mapping.write_text(json.dumps(ids, indent=2), "utf-8")
            arguments = ("import", selected, "--resource-mapping", str(mapping), "--force")
            title = f"import {', '.join(orphan.id for orphan in orphans)} into stack {stack.name}"
            yield self._command(title, (*arguments, "--app", str(self._importing)))

    def _command(self, title: str, arguments: Sequence[str]) -> Task:
        def run() -> None:
            code = self._cdk(arguments)
            if code:
                raise RecoveryError(
                    f"`cdk {arguments[0]}` ended with {code}; correct what it names and run this "
                    "again, what is done already is found done"
                )

        return Task(title=title, command=f"cdk {' '.join(arguments)}", run=run)

    def _moves(self) -> Iterator[Task]:
        """Move accounts to their OUs, whose policies are attached by then; an import does not."""
        for orphan in self._orphans:
            if isinstance(orphan.declared, DeclaredAccount) and not self._model.is_root(
                orphan.declared.parent
            ):
                yield self._move(orphan, orphan.declared.parent)

    def _move(self, orphan: Orphan, key: str) -> Task:
        path = self._model.shown(key)

        def run() -> None:
            destination = self._node(key)
            if orphan.parent_id != destination:
                self._session.client("organizations").move_account(
                    AccountId=orphan.id,
                    SourceParentId=orphan.parent_id,
                    DestinationParentId=destination,
                )

        return Task(
            title=f"move {orphan.id} to {path}, unless it is there",
            command=f"aws organizations move-account --account-id {orphan.id} "
            f"--source-parent-id {orphan.parent_id} --destination-parent-id <{path}>",
            run=run,
        )

    def _node(self, key: str) -> str:
        located = self._model.assembly.locate(key)
        if located is None:
            return key
        stack, logical_id = located
        for orphan in self._orphans:
            if orphan.declared.key == key:
                return orphan.id
        for state in self._states():
            if state.name == stack.name and logical_id in state.held():
                return state.held()[logical_id]
        raise RecoveryError(
            f"no stack holds '{self._model.shown(key)}', into which the account belongs; deploy it "
            "first"
        )

    def _states(self) -> Iterator[StackState]:
        client = self._session.client("cloudformation")
        for stack in self._model.assembly.stacks:
            state = read_stack(client, stack.name)
            if state is None:
                continue
            if state.status.endswith(_BUSY):
                raise RecoveryError(
                    f"stack '{state.name}' is {state.status}; wait until it is over"
                )
            yield state


def _accounts(client: Any) -> dict[str, Any]:
    """Return the accounts of the organization by address."""
    try:
        pages = list(client.get_paginator("list_accounts").paginate())
    except client.exceptions.AWSOrganizationsNotInUseException:
        raise RecoveryError(
            "nothing to recover: there is no organization; deploy to create it, or sign in to the "
            "account that manages it"
        ) from None
    return {account["Email"].lower(): account for page in pages for account in page["Accounts"]}


def _orphan(client: Any, account: Mapping[str, Any], declared: DeclaredAccount) -> Orphan:
    id, email = account["Id"], account["Email"]
    state = account.get("State") or account.get("Status", "?")
    if state != _ACTIVE:
        raise RecoveryError(
            f"account {id} ('{email}') is {state}; CloudFormation imports open accounts only: "
            "give the declared account another address, or let AWS Support reopen this one"
        )
    parent = client.list_parents(ChildId=id)["Parents"][0]
    return Orphan(id=id, name=email, parent_id=parent["Id"], declared=declared)


def _organizations(
    client: Any, model: OrganizationModel, held: Collection[str]
) -> Iterator[Orphan]:
    """Yield the organization that a stack has made and does not hold; an account has only one."""
    missing = [found for found in model.organizations.values() if found.key not in held]
    if len(missing) == 1:
        id = client.describe_organization()["Organization"]["Id"]
        yield Orphan(id=id, name=id, declared=missing[0])


def _units(
    client: Any, model: OrganizationModel, known: dict[str, str], tracked: Collection[str]
) -> list[Orphan]:
    """Return the OUs that no stack holds, and add them to what is known, parents first."""
    found: list[Orphan] = []
    for _ in model.organizational_units:
        before = len(found)
        for unit in model.organizational_units.values():
            unknown = "/" in unit.parent or model.is_root(unit.parent)
            parent = known.get(unit.parent, "" if unknown else unit.parent)
            if unit.key in known or not parent or parent.startswith("?"):
                continue
            pages = client.get_paginator("list_organizational_units_for_parent").paginate(
                ParentId=parent
            )
            for live in (live for page in pages for live in page["OrganizationalUnits"]):
                if live["Name"] == unit.name and live["Id"] not in tracked:
                    known[unit.key] = live["Id"]
                    orphan = Orphan(id=live["Id"], name=unit.name, parent_id=parent, declared=unit)
                    found.append(orphan)
        if len(found) == before:
            break
    return found


def _policies(
    client: Any, model: OrganizationModel, known: Mapping[str, str], tracked: Collection[str]
) -> Iterator[Orphan]:
    """Return the policies that no stack holds, with what they say and where they are attached."""
    missing = [policy for policy in model.policies.values() if policy.key not in known]
    for policy_type in sorted({policy.type for policy in missing}):
        if policy_type.startswith("?"):
            continue
        pages = client.get_paginator("list_policies").paginate(Filter=policy_type)
        live = {found["Name"]: found for page in pages for found in page["Policies"]}
        for policy in missing:
            summary = live.get(policy.name)
            if policy.type != policy_type or summary is None or summary["AwsManaged"]:
                continue
            if summary["Id"] not in tracked:
                yield _policy(client, summary, policy, known)


def _policy(
    client: Any, summary: Mapping[str, Any], declared: DeclaredPolicy, known: Mapping[str, str]
) -> Orphan:
    pages = client.get_paginator("list_targets_for_policy").paginate(PolicyId=summary["Id"])
    targets = sorted(target["TargetId"] for page in pages for target in page["Targets"])
    expected = {known.get(key, key) for key in declared.targets}
    if further := sorted(set(targets) - expected):
        raise RecoveryError(
            f"policy {summary['Id']} ('{summary['Name']}') is attached to {', '.join(further)}, "
            "which the app does not declare, and would be detached there; give the declared policy "
            "another name, or declare these targets"
        )
    content = client.describe_policy(PolicyId=summary["Id"])["Policy"]["Content"]
    return Orphan(
        id=summary["Id"],
        name=summary["Name"],
        declared=declared,
        actual={
            "Content": json.loads(content),
            "Description": summary["Description"],
            "TargetIds": targets,
        },
    )


def _tracked(model: OrganizationModel, session: Session) -> set[str]:
    """Return the ids of what failed and CloudFormation itself removes in its next operation."""
    client = session.client("cloudformation")
    states = (read_stack(client, stack.name) for stack in model.assembly.stacks)
    return {
        resource.physical_id
        for state in states
        if state
        for resource in state.resources.values()
        if resource.physical_id
    }


def _check_place(orphan: Orphan, root_id: str, destination: str | None) -> None:
    """Refuse an account that somebody has put elsewhere on purpose; AWS leaves it in the root."""
    if orphan.parent_id in (root_id, destination):
        return
    raise RecoveryError(
        f"account {orphan.id} ('{orphan.name}') is in {orphan.parent_id}, neither in the root nor "
        f"in {destination or 'the OU'} that it is declared in; declare it where it is, or move it "
        f"back: aws organizations move-account --account-id {orphan.id} "
        f"--source-parent-id {orphan.parent_id} --destination-parent-id {root_id}"
    )


def _held(model: OrganizationModel, session: Session) -> dict[str, str]:
    """Return the ids in AWS of what stacks hold, by key."""
    client = session.client("cloudformation")
    states = ((stack, read_stack(client, stack.name)) for stack in model.assembly.stacks)
    return {
        stack.key_of(logical_id): id
        for stack, state in states
        if state
        for logical_id, id in state.held().items()
    }


def _email_of_request(client: Any, request_id: str, live: Mapping[str, Any]) -> str:
    """Return the address of the account that a request created."""
    found = {
        status["Id"]: status
        for page in client.get_paginator("list_create_account_status").paginate()
        for status in page["CreateAccountStatuses"]
    }
    status = found.get(request_id)
    if status is None:
        raise RecoveryError(
            f"there is no account creation '{request_id}'; AWS forgets them after 90 days, name "
            "the account by --email"
        )
    if status["State"] == "IN_PROGRESS":
        raise RecoveryError(
            f"account '{status['AccountName']}' is still being created; wait until AWS has "
            "finished it and run this again"
        )
    if status["State"] != "SUCCEEDED":
        raise RecoveryError(
            f"nothing to recover: the creation of account '{status['AccountName']}' failed "
            f"({status.get('FailureReason')}); correct that and deploy again"
        )
    emails = [email for email, account in live.items() if account["Id"] == status["AccountId"]]
    if not emails:
        raise RecoveryError(
            f"account {status['AccountId']} of '{request_id}' is no longer in the organization"
        )
    return emails[0]


def _pending(client: Any, name: str) -> str:
    """Return what to say about a creation of this name that is under way, if there is one."""
    pages = client.get_paginator("list_create_account_status").paginate(States=["IN_PROGRESS"])
    statuses = (status for page in pages for status in page["CreateAccountStatuses"])
    pending = [cast("str", s["Id"]) for s in statuses if s["AccountName"] == name]
    if not pending:
        return "; deploy again to create it"
    return f" yet, AWS is still creating it ({pending[0]}); wait and run this again"
