"""Whether a deployment ever took a denial away: the call log, replayed and judged after every write.

A denial is a Deny statement of an authorization policy on the path from an account to the root.
What is denied to an account before and after the deployment has to be denied at every moment
between; what binds a new account's OU in the end has to bind it when the account enters. A judge
tells what a moment lacks: by documents, or by decisions where it is given one that can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from org_constructs.model.denials import Judge, Lost, as_documents, denials_of, in_short

__all__ = ["Doubt", "Gap", "Replay", "Tree", "find_gaps", "took_effect"]

_ROOT: Final = "r-"
# Documentation: only these two kinds of policy deny requests.
_AUTHORIZATION: Final = frozenset({"SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"})

# What is denied, each as the JSON of a statement of one action.
Bound = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch of a deployment in which a denial did not bind an account.

    Attributes:
        account: the account's id.
        denial: what was denied before and not, or not all of it, in the stretch: the JSON of a
            Deny statement of one action.
        call: number of the call that opened it.
        operation: that call's operation.
        until: number of the call that closed it.
        entered: whether the account is new and entered its OU too early.
        example: a request that passed, where one is known.
        undecided: why documents were compared instead of decisions; empty when they were not.
    """

    account: str
    denial: str
    call: int
    operation: str
    until: int
    entered: bool = False
    example: str = ""
    undecided: str = ""

    @property
    def what(self) -> str:
        """The denial in short."""
        return in_short(self.denial)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A call after which it could not be told whether a denial still bound an account.

    Attributes:
        account: the account's id.
        call: number of the first such call.
        operation: that call's operation.
        why: what stood in the way.
    """

    account: str
    call: int
    operation: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What the replay of a call log has shown.

    Attributes:
        gaps: where a denial did not bind an account.
        doubts: where that could not be told, and no document was lacking.
    """

    gaps: tuple[Gap, ...] = ()
    doubts: tuple[Doubt, ...] = ()


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
    denials: dict[str, Bound] = field(default_factory=dict)
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

    def binding(self) -> dict[str, Bound]:
        """Return what is denied to each account that policies bind."""
        at = self._attached()
        containers: dict[str, Bound] = {}
        found: dict[str, Bound] = {}
        for account in self.bound():
            inherited = self._inherited(self.parents.get(account, _ROOT), at, containers)
            # One object for all accounts of a container, so that they are soon told to be alike.
            found[account] = inherited | at[account] if account in at else inherited
        return found

    def inherited(self, container: str) -> Bound:
        """Return what is denied to whoever is in a container."""
        return self._inherited(_container(container), self._attached(), {})

    def _attached(self) -> dict[str, Bound]:
        found: dict[str, Bound] = {}
        for policy, targets in self.attachments.items():
            for target in targets:
                found[target] = found.get(target, frozenset()) | self.denials.get(
                    policy, frozenset()
                )
        return found

    def _inherited(
        self,
        container: str,
        at: Mapping[str, Bound],
        known: dict[str, Bound],
    ) -> Bound:
        if container not in known:
            above = (
                self._inherited(self.parents[container], at, known)
                if container in self.parents
                else Bound()
            )
            known[container] = above | at.get(container, frozenset())
        return known[container]

    def set_policy(self, policy: str, policy_type: str, content: Any) -> None:
        """Create a policy or give it new content."""
        self.types[policy] = policy_type
        denied = denials_of(content) if policy_type in _AUTHORIZATION else ()
        self.denials[policy] = frozenset(denied)

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


def find_gaps(
    calls: Sequence[Mapping[str, Any]], start: Tree | None = None, judge: Judge = as_documents
) -> Replay:
    """Return where a deployment did not deny what it denied before and denies after.

    Args:
        calls: the call log, oldest first, as `EmbeddedAws.calls()` returns it.
        start: the organization before the first of these calls; none by default.
        judge: compares what is denied before, after and at a moment; as documents by default.
    """
    before = start or Tree()
    writes = [call for call in calls if took_effect(call)]
    end = before.copy()
    for call in writes:
        end.apply(call)
    watch = _Watch(_required(before, end), judge)
    if not watch.required:
        return Replay()
    entries = _entries(writes, end, before)
    now = before.copy()
    for call in writes:
        if not now.apply(call):
            continue
        binding = now.binding()
        for account in watch.required:
            entered = entries.get(account)
            if entered is None or call["n"] >= entered:
                watch.look(
                    account, binding.get(account, Bound()), call, entered=entered is not None
                )
    # Whatever is required is in force in the end, so every gap has been closed.
    return watch.seen()


class _Watch:
    """What has been seen of the accounts that something is required for."""

    def __init__(self, required: Mapping[str, tuple[Bound, Bound]], judge: Judge) -> None:
        self.required = required
        self._judge = judge
        # Accounts of one path share a judgement.
        self._judged: dict[tuple[Bound, Bound, Bound], Lost[str]] = {}
        self._open: dict[str, dict[str, Gap]] = {}
        self._gaps: list[Gap] = []
        self._doubts: dict[tuple[str, str], Doubt] = {}

    def look(self, account: str, now: Bound, call: Mapping[str, Any], *, entered: bool) -> None:
        """Compare what binds an account after a call with what has to."""
        number, operation = call["n"], call["operation"]
        lost = self._lost(*self.required[account], now)
        is_open = self._open.setdefault(account, {})
        for denial, example in lost.denials.items():
            if denial not in is_open:
                is_open[denial] = Gap(
                    account=account,
                    denial=denial,
                    call=number,
                    operation=operation,
                    until=number,
                    entered=entered,
                    example=example,
                    undecided="" if example else lost.undecided,
                )
        for denial in is_open.keys() - lost.denials.keys():
            self._gaps.append(replace(is_open.pop(denial), until=number))
        if lost.undecided and not lost.denials:
            doubt = Doubt(account=account, call=number, operation=operation, why=lost.undecided)
            self._doubts.setdefault((account, lost.undecided), doubt)

    def seen(self) -> Replay:
        """Return the gaps, and the doubts, in the order of their beginning."""
        return Replay(
            gaps=tuple(sorted(self._gaps, key=lambda gap: (gap.call, gap.account, gap.denial))),
            doubts=tuple(sorted(self._doubts.values(), key=lambda d: (d.call, d.account))),
        )

    def _lost(self, before: Bound, after: Bound, now: Bound) -> Lost[str]:
        if before <= now or after <= now:
            return _NOTHING
        key = (before, after, now)
        if key not in self._judged:
            sides = ({denial: denial for denial in side} for side in key)
            self._judged[key] = self._judge(*sides)
        return self._judged[key]


_NOTHING: Final[Lost[str]] = Lost()


def took_effect(call: Mapping[str, Any]) -> bool:
    """Tell whether a call of the log changed something; its answer may have been lost all the same."""
    return not call["read"] and call.get("result") is not None


def _required(before: Tree, end: Tree) -> dict[str, tuple[Bound, Bound]]:
    """Return what is denied to each account at first and in the end, where something is."""
    first, last = before.binding(), end.binding()
    required = {account: (first[account], last[account]) for account in first if account in last}
    for account in last:
        if account not in first:
            # Its own policies can only follow it; what its OU brings has to be there before.
            required[account] = (end.inherited(end.parents.get(account, _ROOT)),) * 2
    return {account: sides for account, sides in required.items() if all(sides)}


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


def _container(id: str) -> str:
    # An organization has one root; calls name it by an id that no write returns.
    return _ROOT if id.startswith(_ROOT) else id


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
