"""What a rehearsal has shown: whether live equals declared, and what it took to get there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from org_constructs.model.assembly import StackTemplate
from org_constructs.model.denials import Judge, as_documents
from org_constructs.model.identifiers import ACCOUNT_NAME
from org_constructs.model.organization import Declared, OrganizationModel

from .gaps import Doubt, Gap, Tree, find_gaps, took_effect

__all__ = [
    "CallCount",
    "Difference",
    "Orphan",
    "Stack",
    "Verdict",
    "count_calls",
    "judge",
    "pending_creations",
]

# What AWS answers to a call that would have passed a moment later.
_CONFLICTS: Final = frozenset(
    {"ConcurrentModificationException", "PolicyChangesInProgressException"}
)
_THROTTLES: Final = frozenset({"TooManyRequestsException"})
_PASSING: Final = _CONFLICTS | _THROTTLES | {"ServiceException", "FinalizingOrganizationException"}
_SERVICE: Final = "organizations.amazonaws.com"
_RETAINING: Final = ("Retain", "RetainExceptOnCreate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A stack that exists.

    Attributes:
        status: its status.
        held: the ids in AWS of what it holds, by logical id.
        failed: why the last operation failed, by logical id.
    """

    status: str
    held: Mapping[str, str]
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that is not as declared.

    Attributes:
        path: construct path, or the name of a stack.
        what: how it differs.
    """

    path: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """Something that the rehearsal made and that no stack holds.

    Attributes:
        kind: `organization`, `account`, `organizational unit`, `policy` or `account creation`.
        id: its id in AWS; that of the request while an account is being created.
        name: its name.
        email: the address of an account.
    """

    kind: str
    id: str
    name: str
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCount:
    """The calls to Organizations.

    Attributes:
        writes: calls that changed something.
        reads: calls that did not.
        refused: refused calls by error code.
        conflicts: refused since something else was being written.
        throttled: refused since there were too many.
        retried: refused calls that were made again.
    """

    writes: int = 0
    reads: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    conflicts: int = 0
    throttled: int = 0
    retried: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a step of a rehearsal has shown.

    Attributes:
        differences: what is not as declared; none when it converged.
        gaps: stretches in which a denial did not bind an account.
        doubts: calls after which that could not be told.
        calls: the calls it took.
        orphans: what it made and no stack holds.
        retained: construct paths that outlive their stack.
        removed: construct paths that are deleted with their stack.
        unresolved: construct paths of which something could not be compared.
    """

    differences: tuple[Difference, ...] = ()
    gaps: tuple[Gap, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    calls: CallCount = CallCount()
    orphans: tuple[Orphan, ...] = ()
    retained: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()

    @property
    def converged(self) -> bool:
        """Whether live equals declared and nothing was left over."""
        return not self.differences and not self.orphans

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        plain = asdict(self)
        plain["gaps"] = [{**asdict(gap), "denial": json.loads(gap.denial)} for gap in self.gaps]
        return {"converged": self.converged, **plain}


def judge(
    model: OrganizationModel,
    *,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    stacks: Mapping[str, Stack | None],
    calls: Sequence[Mapping[str, Any]],
    destroyed: Mapping[str, Mapping[str, str]] | None = None,
    denials: Judge = as_documents,
) -> Verdict:
    """Compare an organization with what a model declares.

    Args:
        model: what was to be deployed, or destroyed.
        before: snapshot of the organization at the beginning; None when there was none.
        after: snapshot of what there is now, with tags; None when there is none.
        stacks: the stacks by name; None for one that does not exist.
        calls: the calls that were made meanwhile.
        destroyed: what the stacks held before they were destroyed, as ids by stack and logical id;
            None when they were deployed. Then organization, OUs and accounts have to be there
            still, and policies only where a template retains them.
        denials: compares what is denied before, after and at a moment; as documents by default.
    """
    comparison = _Comparison(model, after, stacks)
    if destroyed is None:
        comparison.deployed()
    else:
        comparison.destroyed(destroyed, before)
    held = {id for state in stacks.values() if state for id in state.held.values()}
    existing = set(_ids(before)) | held
    retained, removed = _outlive(model)
    replay = find_gaps(calls, Tree.of(before), denials)
    return Verdict(
        differences=tuple(comparison.differences),
        gaps=replay.gaps,
        doubts=replay.doubts,
        calls=count_calls(calls),
        orphans=(*_organization(model, after, existing), *_orphans(after, existing, calls)),
        retained=retained,
        removed=removed,
        unresolved=tuple(dict.fromkeys(comparison.unresolved)),
    )


def count_calls(calls: Sequence[Mapping[str, Any]]) -> CallCount:
    """Count the calls of a log; what AWS did by itself is no call."""
    made = [call for call in calls if call["caller"] != _SERVICE]
    refused: dict[str, int] = {}
    retried = 0
    for index, call in enumerate(made):
        if not call.get("error"):
            continue
        code = call["error"]["code"]
        refused[code] = refused.get(code, 0) + 1
        if code in _PASSING:
            retried += any(_same(call, later) for later in made[index + 1 :])
    return CallCount(
        writes=sum(took_effect(call) for call in made),
        reads=sum(bool(call["read"]) for call in made),
        refused=refused,
        conflicts=sum(refused.get(code, 0) for code in _CONFLICTS),
        throttled=sum(refused.get(code, 0) for code in _THROTTLES),
        retried=retried,
    )


def _same(call: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(call["operation"] == other["operation"] and call["params"] == other["params"])


class _Comparison:
    """Declared against live, resource by resource."""

    def __init__(
        self,
        model: OrganizationModel,
        after: Mapping[str, Any] | None,
        stacks: Mapping[str, Stack | None],
    ) -> None:
        self._model = model
        self._live = after or {}
        self._stacks = stacks
        self._by_id = {
            kind: {entry["id"]: entry for entry in self._live.get(kind, ())}
            for kind in ("organizational_units", "accounts", "policies")
        }
        # Which path holds an id: each thing is one declaration's.
        self._holders: dict[str, str] = {}
        self.differences: list[Difference] = []
        self.unresolved: list[str] = []

    def deployed(self) -> None:
        """Every stack is complete and every declared thing is there, as declared."""
        for stack in self._model.assembly.stacks:
            state = self._stacks.get(stack.name)
            if state is None:
                self._differs(stack.name, "the stack does not exist")
            elif not state.status.endswith("_COMPLETE") or "ROLLBACK" in state.status:
                self._differs(stack.name, f"the stack is {state.status}")
                for logical_id, reason in state.failed.items():
                    self._differs(stack.id_path(logical_id), reason)
        for organization in self._model.organizations.values():
            id = self._id_of(organization)
            if id and id != self._live.get("organization_id"):
                self._differs(organization.path, f"is held as {id}, live is another organization")
        for unit in self._model.organizational_units.values():
            live = self._find(unit, "organizational_units")
            if live is not None:
                self._compare(unit, "name", unit.name, live["name"])
                self._compare_node(unit, "parent", unit.parent, live["parent_id"])
                self._compare_tags(unit, live)
        renamed = dict(self._renamed())
        for account in self._model.accounts.values():
            live = self._find(account, "accounts")
            if live is not None:
                self._compare(account, "name", renamed.get(account.key, account.name), live["name"])
                self._compare(account, "email", account.email.lower(), live["email"].lower())
                self._compare_node(account, "parent", account.parent, live["parent_id"])
                self._compare(account, "state", "ACTIVE", live["state"])
                self._compare_tags(account, live)
        for policy in self._model.policies.values():
            live = self._find(policy, "policies")
            if live is not None:
                self._compare(policy, "name", policy.name, live["name"])
                self._compare(policy, "type", policy.type, live["type"])
                self._compare_description(policy, live)
                self._compare_content(policy, policy.content, live["content"])
                self._compare_targets(policy, policy.targets, live["targets"])
                self._compare_tags(policy, live)

    def destroyed(
        self, held: Mapping[str, Mapping[str, str]], before: Mapping[str, Any] | None
    ) -> None:
        """No stack is left; organization, OUs and accounts are, policies where they are retained."""
        for stack in self._model.assembly.stacks:
            state = self._stacks.get(stack.name)
            if state is not None:
                self._differs(stack.name, f"the stack is still there ({state.status})")
        was_open = {
            account["id"]
            for account in (before or {}).get("accounts", ())
            if account["state"] == "ACTIVE"
        }
        live = set(_ids(self._live))
        for kind in (
            self._model.organizations,
            self._model.organizational_units,
            self._model.accounts,
        ):
            for declared in kind.values():
                id = held.get(declared.stack, {}).get(declared.logical_id)
                if id is not None and id not in live:
                    self._differs(declared.path, f"{id} is gone")
                elif id in was_open and self._by_id["accounts"][id]["state"] != "ACTIVE":
                    self._differs(declared.path, f"account {id} is closed")
        for policy in self._model.policies.values():
            id = held.get(policy.stack, {}).get(policy.logical_id)
            if id is not None and (id in live) != policy.retained:
                self._differs(policy.path, f"{id} is {'still there' if id in live else 'gone'}")

    def _differs(self, path: str, what: str) -> None:
        self.differences.append(Difference(path=path, what=what))

    def _definition(self, declared: Declared) -> Mapping[str, Any]:
        return self._stack(declared).resources[declared.logical_id]

    def _stack(self, declared: Declared) -> StackTemplate:
        return self._model.stack_of(declared)

    def _id_of(self, declared: Declared) -> str | None:
        state = self._stacks.get(declared.stack)
        held = state.held.get(declared.logical_id) if state else None
        if held is None and self._stack(declared).around is not None:
            # AWS makes up the name of a nested stack, so it is not looked at.
            self.unresolved.append(declared.path)
            return None
        # A condition may leave it out; nothing says so but CloudFormation itself.
        if held is None and "Condition" not in self._definition(declared):
            self._differs(declared.path, "its stack does not hold it")
        if held is not None:
            other = self._holders.setdefault(held, declared.path)
            if other != declared.path:
                self._differs(declared.path, f"is held as {held}, which is {other} already")
        return held

    def _find(self, declared: Declared, kind: str) -> Mapping[str, Any] | None:
        id = self._id_of(declared)
        if id is None:
            return None
        live = self._by_id[kind].get(id)
        if live is None:
            self._differs(declared.path, f"its stack holds it as {id}, which does not exist")
        return live

    def _compare(self, declared: Declared, what: str, expected: str, found: str) -> None:
        if expected.startswith("?"):
            self.unresolved.append(declared.path)
        elif expected != found:
            self._differs(declared.path, f"{what} is '{found}', declared is '{expected}'")

    def _compare_node(self, declared: Declared, what: str, key: str, found: str) -> None:
        expected = self._node(key)
        if expected is None:
            self.unresolved.append(declared.path)
        elif expected != found:
            self._differs(declared.path, f"{what} is {found}, declared is {expected}")

    def _compare_targets(self, declared: Declared, keys: Sequence[str], found: list[str]) -> None:
        expected = [self._node(key) for key in keys]
        if None in expected:
            self.unresolved.append(declared.path)
            return
        missing = sorted({str(id) for id in expected} - set(found))
        further = sorted(set(found) - {str(id) for id in expected})
        if missing:
            self._differs(declared.path, f"is not attached to {', '.join(missing)}")
        if further:
            self._differs(declared.path, f"is also attached to {', '.join(further)}")

    def _compare_description(self, policy: Declared, live: Mapping[str, Any]) -> None:
        expected = self._stack(policy).properties_of(policy.logical_id).get("Description") or ""
        if not isinstance(expected, str):
            self.unresolved.append(policy.path)
        elif live.get("description", expected) != expected:
            found = live["description"]
            self._differs(policy.path, f"description is '{found}', declared is '{expected}'")

    def _renamed(self) -> Iterator[tuple[str, str]]:
        """Yield the names that settings give to accounts, by the account's key."""
        for stack in self._model.assembly.stacks:
            for logical_id, resource in stack.resources.items():
                if resource.get("Type") == ACCOUNT_NAME:
                    properties = stack.properties_of(logical_id)
                    key = self._model.node(properties.get("AccountId", "?"), stack)
                    name = properties.get("Name")
                    # What only AWS resolves is not compared.
                    yield key, name if isinstance(name, str) else "?"

    def _compare_content(self, declared: Declared, content: Any, found: str) -> None:
        if isinstance(content, str):
            try:
                content = json.loads(content)
            except ValueError:
                self.unresolved.append(declared.path)
                return
        if _has_intrinsics(content):
            self.unresolved.append(declared.path)
        if not _matches(content, json.loads(found)):
            self._differs(declared.path, "the content is not the declared one")

    def _compare_tags(self, declared: Declared, live: Mapping[str, Any]) -> None:
        tags = self._definition(declared).get("Properties", {}).get("Tags") or ()
        found = live.get("tags")
        if found is None or not isinstance(tags, list):
            return
        for tag in tags:
            key, value = tag.get("Key"), tag.get("Value")
            if isinstance(key, str) and isinstance(value, str) and found.get(key) != value:
                self._differs(declared.path, f"tag '{key}' is '{found.get(key)}', not '{value}'")

    def _node(self, key: str) -> str | None:
        """Return the id in AWS of a declared node, None where nothing says it."""
        if self._model.is_root(key):
            return str(self._live.get("root_id"))
        if key.startswith("?"):
            return None
        located = self._model.assembly.locate(key)
        if located is None:
            return key
        stack, logical_id = located
        state = self._stacks.get(stack.name)
        return state.held.get(logical_id) if state else None


def _matches(declared: Any, found: Any) -> bool:
    """Tell whether a live value is the declared one; what only AWS resolves matches anything."""
    if isinstance(declared, Mapping):
        if _is_intrinsic(declared):
            return True
        return (
            isinstance(found, Mapping)
            and declared.keys() == found.keys()
            and all(_matches(value, found[key]) for key, value in declared.items())
        )
    if isinstance(declared, list):
        return (
            isinstance(found, list)
            and len(declared) == len(found)
            and all(_matches(*pair) for pair in zip(declared, found, strict=True))
        )
    # CloudFormation turns numbers and booleans of properties into text.
    return bool(declared == found or str(declared).lower() == str(found).lower())


def _is_intrinsic(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and all(key == "Ref" or key.startswith("Fn::") for key in value)


def _has_intrinsics(value: Any) -> bool:
    if isinstance(value, Mapping):
        return _is_intrinsic(value) or any(_has_intrinsics(item) for item in value.values())
    return isinstance(value, list) and any(_has_intrinsics(item) for item in value)


def _ids(snapshot: Mapping[str, Any] | None) -> Iterator[str]:
    if not snapshot:
        return
    yield snapshot["organization_id"]
    for kind in ("organizational_units", "accounts", "policies"):
        yield from (entry["id"] for entry in snapshot[kind])


def _organization(
    model: OrganizationModel, after: Mapping[str, Any] | None, existing: set[str]
) -> Iterator[Orphan]:
    """Yield the organization where it was made and no stack holds it."""
    id = (after or {}).get("organization_id")
    if model.organizations and id is not None and id not in existing:
        yield Orphan(kind="organization", id=id, name=id)


def _orphans(
    after: Mapping[str, Any] | None, existing: set[str], calls: Sequence[Mapping[str, Any]]
) -> Iterator[Orphan]:
    kinds = {
        "organizational_units": "organizational unit",
        "accounts": "account",
        "policies": "policy",
    }
    manager = (after or {}).get("management_account_id")
    for key, kind in kinds.items():
        for entry in (after or {}).get(key, ()):
            # What AWS makes with an organization belongs to no stack.
            if entry["id"] in existing or entry["id"] == manager or entry.get("aws_managed"):
                continue
            yield Orphan(
                kind=kind, id=entry["id"], name=entry["name"], email=entry.get("email", "")
            )
    yield from pending_creations(calls)


def needs_recovery(verdict: Verdict, *, is_repeated: bool) -> bool:
    """Tell whether something has to be brought under its stack before a deployment can succeed.

    Args:
        verdict: what there is after a deployment that failed.
        is_repeated: whether the same deployment has been repeated already: CloudFormation removes
            by itself what it knows to have failed, but no account.
    """
    kinds = {orphan.kind for orphan in verdict.orphans}
    return "account" in kinds or (is_repeated and bool(kinds - {"account creation"}))


def pending_creations(calls: Sequence[Mapping[str, Any]]) -> list[Orphan]:
    """Return the accounts that AWS is still creating."""
    ended = {
        call["result"]["CreateAccountStatus"]["Id"]
        for call in calls
        if call["operation"] == "CreateAccountResult"
    }
    return [
        Orphan(
            kind="account creation",
            id=call["result"]["CreateAccountStatus"]["Id"],
            name=call["params"]["AccountName"],
            email=call["params"]["Email"],
        )
        for call in calls
        if call["operation"] == "CreateAccount"
        and took_effect(call)
        and call["result"]["CreateAccountStatus"]["Id"] not in ended
    ]


def _outlive(model: OrganizationModel) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the paths of what outlives its stack, and of what does not."""
    kept: list[str] = []
    gone: list[str] = []
    for kind in (
        model.organizations,
        model.organizational_units,
        model.accounts,
        model.policies,
    ):
        for declared in kind.values():
            definition = model.stack_of(declared).resources[declared.logical_id]
            # Documentation: accounts are retained unless the template says Delete.
            default = "Retain" if declared.key in model.accounts else "Delete"
            retained = definition.get("DeletionPolicy", default) in _RETAINING
            (kept if retained else gone).append(declared.path)
    return tuple(kept), tuple(gone)
