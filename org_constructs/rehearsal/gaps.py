"""Whether a deployment ever took a denial away: the call log, replayed and judged after every write.

A denial is a Deny statement of an authorization policy on the path from an account to the root,
compared as a document. One that binds an account before and after the deployment has to bind it at
every moment between; what binds a new account's OU in the end has to bind it when the account
enters.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

__all__ = ["Denial", "Gap", "Tree", "denials_of", "find_gaps", "took_effect"]

_ROOT: Final = "r-"
# Documentation: only these two kinds of policy deny requests.
_AUTHORIZATION: Final = frozenset({"SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"})


@dataclass(frozen=True, slots=True, order=True)
class Denial:
    """One action that a Deny statement denies.

    Attributes:
        policy_type: the type of policy that says it.
        statement: the statement as canonical JSON, without its Sid and with this action alone.
    """

    policy_type: str
    statement: str

    def __str__(self) -> str:
        """Return the statement in short."""
        body = json.loads(self.statement)
        what = next(
            (f"{key} {_short(body[key])}" for key in ("Action", "NotAction") if key in body),
            self.statement,
        )
        return f"{what} under a condition" if body.get("Condition") else what


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch of a deployment in which a denial did not bind an account.

    Attributes:
        account: the account's id.
        denial: what was not denied.
        call: number of the call that opened it.
        operation: that call's operation.
        until: number of the call that closed it.
        entered: whether the account is new and entered its OU too early.
    """

    account: str
    denial: Denial
    call: int
    operation: str
    until: int
    entered: bool = False


@dataclass(slots=True, kw_only=True)
class Tree:
    """What binds which account: a state of the organization, changed by applying writes.

    Attributes:
        management_account_id: the account that no authorization policy binds; None when unknown.
        parents: the container of each OU and account; that of the root's children begins with `r-`.
        accounts: the accounts that are open.
        denials: what each policy denies, by policy id.
        attachments: the targets of each policy, by policy id.
        types: the type of each policy, by policy id.
    """

    management_account_id: str | None = None
    parents: dict[str, str] = field(default_factory=dict)
    accounts: set[str] = field(default_factory=set)
    denials: dict[str, frozenset[Denial]] = field(default_factory=dict)
    attachments: dict[str, set[str]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, snapshot: Mapping[str, Any] | None) -> Self:
        """Return the state that a snapshot of an organization describes; None is no organization.

        Args:
            snapshot: `management_account_id`, and lists `organizational_units` and `accounts` (each
                with `id` and `parent_id`) and `policies` (`id`, `type`, `content`, `targets`).
        """
        tree = cls()
        if snapshot is None:
            return tree
        tree.management_account_id = snapshot.get("management_account_id")
        for unit in snapshot.get("organizational_units", ()):
            tree.parents[unit["id"]] = _container(unit["parent_id"])
        for account in snapshot.get("accounts", ()):
            tree.parents[account["id"]] = _container(account["parent_id"])
            if account.get("state", "ACTIVE") == "ACTIVE":
                tree.accounts.add(account["id"])
        for policy in snapshot.get("policies", ()):
            tree.set_policy(policy["id"], policy["type"], policy["content"])
            tree.attachments[policy["id"]] = {_container(target) for target in policy["targets"]}
        return tree

    def copy(self) -> Self:
        """Return a state of its own."""
        return type(self)(
            management_account_id=self.management_account_id,
            parents=dict(self.parents),
            accounts=set(self.accounts),
            denials=dict(self.denials),
            attachments={key: set(value) for key, value in self.attachments.items()},
            types=dict(self.types),
        )

    def bound(self) -> Iterator[str]:
        """Yield the accounts that policies bind."""
        yield from (account for account in self.accounts if account != self.management_account_id)

    def apply(self, call: Mapping[str, Any]) -> bool:
        """Apply one write that succeeded; return whether it can change what binds an account."""
        apply = _WRITES.get(call["operation"])
        if apply is None:
            return False
        apply(self, call["params"], call.get("result") or {})
        return True

    def binding(self) -> dict[str, frozenset[Denial]]:
        """Return what is denied to each account that policies bind."""
        at = self._attached()
        containers: dict[str, frozenset[Denial]] = {}
        nothing: frozenset[Denial] = frozenset()
        return {
            account: at.get(account, nothing)
            | self._inherited(self.parents.get(account, _ROOT), at, containers)
            for account in self.bound()
        }

    def inherited(self, container: str) -> frozenset[Denial]:
        """Return what is denied to whoever is in a container."""
        return self._inherited(_container(container), self._attached(), {})

    def _attached(self) -> dict[str, frozenset[Denial]]:
        found: dict[str, frozenset[Denial]] = {}
        for policy, targets in self.attachments.items():
            for target in targets:
                found[target] = found.get(target, frozenset()) | self.denials.get(
                    policy, frozenset()
                )
        return found

    def _inherited(
        self,
        container: str,
        at: Mapping[str, frozenset[Denial]],
        known: dict[str, frozenset[Denial]],
    ) -> frozenset[Denial]:
        if container not in known:
            above = (
                self._inherited(self.parents[container], at, known)
                if container in self.parents
                else frozenset[Denial]()
            )
            known[container] = above | at.get(container, frozenset())
        return known[container]

    def set_policy(self, policy: str, policy_type: str, content: Any) -> None:
        """Create a policy or give it new content."""
        self.types[policy] = policy_type
        self.denials[policy] = frozenset(denials_of(content, policy_type))

    def join(self, account: str) -> None:
        """Let an account become a member."""
        # Documentation: a new account is in the root until it is moved.
        self.parents[account] = _ROOT
        self.accounts.add(account)

    def leave(self, account: str) -> None:
        """Let an account be closed, or leave."""
        self.accounts.discard(account)

    def drop(self, policy: str) -> None:
        """Delete a policy."""
        self.attachments.pop(policy, None)
        self.denials.pop(policy, None)

    def turn_off(self, policy_type: str) -> None:
        """Turn a policy type off."""
        # Documentation: turning a type off detaches all its policies, for good.
        for policy, kind in self.types.items():
            if kind == policy_type:
                self.attachments.pop(policy, None)


def find_gaps(calls: Sequence[Mapping[str, Any]], start: Tree | None = None) -> list[Gap]:
    """Return where a deployment did not deny what it denied before and denies after.

    Args:
        calls: the call log, oldest first, as `EmbeddedAws.calls()` returns it.
        start: the organization before the first of these calls; none by default.
    """
    before = start or Tree()
    writes = [call for call in calls if took_effect(call)]
    end = before.copy()
    for call in writes:
        end.apply(call)
    required = _required(before, end)
    if not any(required.values()):
        return []
    entries = _entries(writes, end, before)
    now = before.copy()
    open_since: dict[tuple[str, Denial], tuple[int, str, bool]] = {}
    gaps: list[Gap] = []
    for call in writes:
        if not now.apply(call):
            continue
        binding = now.binding()
        for account, needed in required.items():
            entered = entries.get(account)
            if entered is not None and call["n"] < entered:
                continue
            missing = needed - binding.get(account, frozenset())
            for denial in sorted(missing):
                moment = (call["n"], call["operation"], entered is not None)
                open_since.setdefault((account, denial), moment)
            closed = [k for k in open_since if k[0] == account and k[1] not in missing]
            gaps += [_gap(key, open_since.pop(key), call["n"]) for key in closed]
    # Whatever is required is in force in the end, so every gap has been closed.
    return sorted(gaps, key=lambda gap: (gap.call, gap.account, gap.denial))


def took_effect(call: Mapping[str, Any]) -> bool:
    """Tell whether a call of the log changed something; its answer may have been lost all the same."""
    return not call["read"] and call.get("result") is not None


def denials_of(content: Any, policy_type: str = "SERVICE_CONTROL_POLICY") -> Iterator[Denial]:
    """Yield what a policy document denies, an action at a time."""
    if policy_type not in _AUTHORIZATION:
        return
    if isinstance(content, str):
        try:
            content = json.loads(content)
        except ValueError:
            return
    statements = content.get("Statement", []) if isinstance(content, Mapping) else []
    for statement in [statements] if isinstance(statements, Mapping) else statements:
        if not isinstance(statement, Mapping) or statement.get("Effect") != "Deny":
            continue
        bare = {key: value for key, value in statement.items() if key != "Sid"}
        actions = bare.get("Action")
        # An action may pass from one statement to another without ceasing to be denied.
        for action in actions if isinstance(actions, list) else [actions]:
            single = bare if action is None else {**bare, "Action": action}
            yield Denial(policy_type, _canonical(single))


def _required(before: Tree, end: Tree) -> dict[str, frozenset[Denial]]:
    """Return what has to be denied to each account all the while."""
    first, last = before.binding(), end.binding()
    required = {account: first[account] & last[account] for account in first if account in last}
    for account in last:
        if account not in first:
            # Its own policies can only follow it; what its OU brings has to be there before.
            required[account] = end.inherited(end.parents.get(account, _ROOT))
    return required


def _entries(writes: Sequence[Mapping[str, Any]], end: Tree, before: Tree) -> dict[str, int]:
    """Return the call with which each new account entered the container it stays in."""
    fresh = set(end.bound()) - before.accounts
    found: dict[str, int] = {}
    now = before.copy()
    for call in writes:
        now.apply(call)
        for account in fresh:
            if account not in now.accounts:
                continue
            at_home = now.parents.get(account) == end.parents.get(account)
            if at_home:
                found.setdefault(account, call["n"])
            else:
                found.pop(account, None)
    return found


def _gap(key: tuple[str, Denial], moment: tuple[int, str, bool], until: int) -> Gap:
    account, denial = key
    call, operation, entered = moment
    return Gap(
        account=account,
        denial=denial,
        call=call,
        operation=operation,
        until=until,
        entered=entered,
    )


def _container(id: str) -> str:
    # An organization has one root; calls name it by an id that no write returns.
    return _ROOT if id.startswith(_ROOT) else id


def _canonical(statement: Mapping[str, Any]) -> str:
    """Return a statement's JSON without what makes no difference: order, lists of one."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: plain(value[key]) for key in sorted(value)}
        if isinstance(value, list):
            parts = sorted({json.dumps(plain(item), sort_keys=True) for item in value})
            items = [json.loads(part) for part in parts]
            return items[0] if len(items) == 1 else items
        return value

    return json.dumps(plain(statement), separators=(",", ":"))


def _short(value: Any) -> str:
    if not isinstance(value, list):
        return str(value)
    return f"{value[0]} and {len(value) - 1} more"


def _create_organization(tree: Tree, _params: Any, result: Any) -> None:
    tree.management_account_id = result["Organization"]["MasterAccountId"]


def _create_unit(tree: Tree, params: Any, result: Any) -> None:
    tree.parents[result["OrganizationalUnit"]["Id"]] = _container(params["ParentId"])


def _account_created(tree: Tree, _params: Any, result: Any) -> None:
    account = result["CreateAccountStatus"].get("AccountId")
    if account:
        tree.join(account)


def _account_accepted(tree: Tree, _params: Any, result: Any) -> None:
    for party in result["Handshake"].get("Parties", ()):
        if party.get("Type") == "ACCOUNT":
            tree.join(party["Id"])


def _move(tree: Tree, params: Any, _result: Any) -> None:
    tree.parents[params["AccountId"]] = _container(params["DestinationParentId"])


def _create_policy(tree: Tree, params: Any, result: Any) -> None:
    policy = result["Policy"]["PolicySummary"]["Id"]
    tree.set_policy(policy, params["Type"], params["Content"])


def _update_policy(tree: Tree, params: Any, _result: Any) -> None:
    if "Content" in params:
        policy = params["PolicyId"]
        kind = tree.types.get(policy, "SERVICE_CONTROL_POLICY")
        tree.set_policy(policy, kind, params["Content"])


def _attach(tree: Tree, params: Any, _result: Any) -> None:
    tree.attachments.setdefault(params["PolicyId"], set()).add(_container(params["TargetId"]))


def _detach(tree: Tree, params: Any, _result: Any) -> None:
    tree.attachments.get(params["PolicyId"], set()).discard(_container(params["TargetId"]))


_WRITES: Final[dict[str, Callable[[Tree, Any, Any], None]]] = {
    "CreateOrganization": _create_organization,
    "CreateOrganizationalUnit": _create_unit,
    "CreateAccountResult": _account_created,
    "AcceptHandshake": _account_accepted,
    "MoveAccount": _move,
    "CloseAccount": lambda tree, params, _: tree.leave(params["AccountId"]),
    "RemoveAccountFromOrganization": lambda tree, params, _: tree.leave(params["AccountId"]),
    "CreatePolicy": _create_policy,
    "UpdatePolicy": _update_policy,
    "DeletePolicy": lambda tree, params, _: tree.drop(params["PolicyId"]),
    "AttachPolicy": _attach,
    "DetachPolicy": _detach,
    "DisablePolicyType": lambda tree, params, _: tree.turn_off(params["PolicyType"]),
}
