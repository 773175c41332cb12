"""What a deployment does step by step, and whether a denial is ever out of force meanwhile.

CloudFormation updates a policy's content, attaches it to new targets, then detaches it from
removed ones; it moves an account in place; it deletes what has gone after everything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from .alignment import align
from .denials import Judge, Lost, as_documents, statements_by_hash
from .lock import Lock, LockedPolicy
from .organization import DeclaredPolicy, OrganizationModel
from .stack_groups import ROOT

# Marks the account that stands for those of a container that no code declares.
UNDECLARED = "any account in "

Attachments = dict[str, tuple[frozenset[str], frozenset[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A moment of a deployment in which a denial does not bind an account.

    Attributes:
        account: path of the account.
        step: what has just been done, in words.
        path: construct path of the resource that the step belongs to.
        stack: its stack.
        logical_id: its logical id.
        example: a request that passes at this moment, where one is known.
        undecided: why denials were compared as documents; empty when they were not.
        is_open: whether there is a gap; otherwise it could not be told, and as documents nothing
            is lacking.
    """

    account: str
    step: str
    path: str
    stack: str
    logical_id: str
    example: str = ""
    undecided: str = ""
    is_open: bool = True


def find_gaps(lock: Lock, model: OrganizationModel, judge: Judge = as_documents) -> list[Gap]:
    """Return the moments at which a denial that holds before and after does not hold.

    Accounts that do not exist yet are watched from their creation: the policies of the OU that
    they enter must be attached by then.

    Args:
        lock: what is deployed.
        model: what is to be deployed.
        judge: compares what is denied before, after and at a moment; as documents by default.
    """
    state = _State(align(lock, model), model, judge)
    gaps: dict[str, Gap] = {}
    for step in state.steps():
        for account, lost in state.unguarded(step.account):
            known = gaps.get(account)
            # A gap says more than the doubt whether there is one.
            if known is not None and (known.is_open or not lost.denials):
                continue
            gaps[account] = Gap(
                account=account,
                step=step.done,
                path=step.path,
                stack=step.stack,
                logical_id=step.logical_id,
                example=lost.example,
                undecided="" if lost.example else lost.undecided,
                is_open=bool(lost.denials),
            )
    # An account that is named says more than one that stands for many.
    named = {gap.step for gap in gaps.values() if not gap.account.startswith(UNDECLARED)}
    return [
        gap
        for gap in gaps.values()
        if not (gap.account.startswith(UNDECLARED) and gap.step in named)
    ]


@dataclass(frozen=True, slots=True)
class _Step:
    """One call to AWS; `account` is the only account that it touches, None when it may be any."""

    done: str
    path: str
    stack: str
    logical_id: str
    account: str | None = None


class _State:
    """The organization while it is being deployed; nodes are roots, construct paths or ids."""

    def __init__(self, lock: Lock, model: OrganizationModel, judge: Judge) -> None:
        self._model = model
        self._lock = lock
        self._judge = judge
        self._judged: dict[tuple[frozenset[str], ...], Lost[str]] = {}
        # What a container's accounts inherit now, and will in the end, by container.
        self._inherited: dict[str, frozenset[str]] = {}
        self._destinations: dict[str, frozenset[str]] = {}
        self._policies: Attachments = {
            path: (
                frozenset(self._was(target, policy.stack, path) for target in policy.targets),
                frozenset(policy.denials),
            )
            for path, policy in lock.policies.items()
        }
        self._parents: dict[str, str] = {
            **{p: self._was(u.parent, u.stack, p) for p, u in lock.organizational_units.items()},
            **{p: self._was(a.parent, a.stack, p) for p, a in lock.accounts.items()},
            **{p: self._was(i.parent, i.stack, p) for p, i in lock.invitations.items()},
        }
        final: Attachments = {
            policy.path: (frozenset(self._is(target) for target in policy.targets), policy.denials)
            for policy in model.policies.values()
        }
        kept = {
            path: value
            for path, value in self._policies.items()
            if path not in final and self._stack_of(path, lock.policies[path]) is None
        }
        parents = {
            **{unit.path: self._is(unit.parent) for unit in model.organizational_units.values()},
            **{account.path: self._is(account.parent) for account in model.accounts.values()},
            **{invited.path: self._is(invited.parent) for invited in model.invitations.values()},
        }
        self._final = {**kept, **final}
        self._final_parents = {**self._parents, **parents}
        # What is denied to an account before and after.
        self._watched = {
            path: (
                _denials(path, self._policies, self._parents),
                _denials(path, self._final, self._final_parents),
            )
            # Whether an invited account has joined is not known: if it has, it is to be guarded.
            for path in (*lock.accounts, *lock.invitations)
        }
        # Accounts that no code declares live in the same containers: one stands for all of them.
        containers = {ROOT, *lock.organizational_units} | {
            target
            for targets, _ in self._policies.values()
            for target in targets
            if target not in lock.accounts and not target.isdigit()
        }
        for container in sorted(containers):
            undeclared = f"{UNDECLARED}{container}"
            self._parents[undeclared] = self._final_parents[undeclared] = container
            self._watched[undeclared] = (
                _denials(container, self._policies, self._parents),
                _denials(container, self._final, self._final_parents),
            )

    def _is(self, key: str) -> str:
        """Return what a node of the model is called here."""
        return key if self._model.is_root(key) else self._model.shown(key)

    def _was(self, node: str, stack: str, path: str) -> str:
        """Return what a node of the lock is called here: the lock calls every root the same."""
        return self._model.deployed_root(stack, path) if node == ROOT else node

    def _stack_of(self, path: str, policy: LockedPolicy) -> str | None:
        """Return the id of the stack that holds a deployed policy, if it is deployed again."""
        stack = self._model.assembly.find(policy.stack, path)
        return stack.id if stack else None

    def steps(self) -> Iterator[_Step]:
        """Deploy stack after stack, one call to AWS at a time."""
        for stack in self._model.assembly.stacks:
            waited_for: dict[str, frozenset[str]] = {}
            for logical_id in stack.deployment_order:
                needs = stack.needs_of[logical_id]
                behind = (
                    frozenset().union(*(waited_for[need] for need in needs))
                    if len(needs) != 1
                    else waited_for[next(iter(needs))]
                )
                key = stack.key_of(logical_id)
                if key in self._model.policies:
                    yield from self._deploy_policy(self._model.policies[key])
                    behind |= {self._model.policies[key].path}
                elif key in self._model.organizational_units:
                    unit = self._model.organizational_units[key]
                    self._parents[unit.path] = self._is(unit.parent)
                    self._inherited.clear()
                elif key in self._model.accounts:
                    yield from self._deploy_account(key, behind)
                elif key in self._model.invitations:
                    yield from self._place_invited(key)
                waited_for[logical_id] = behind
            yield from self._clean_up(stack.id)

    def unguarded(self, account: str | None) -> Iterator[tuple[str, Lost[str]]]:
        """Return the accounts that lack now what is denied to them before and after."""
        for candidate in [account] if account else self._watched:
            before, after = self._watched[candidate]
            if not before or not after:
                continue
            parent = self._parents.get(candidate, "")
            if parent not in self._inherited:
                self._inherited[parent] = _denials(parent, self._policies, self._parents)
            now = self._inherited[parent]
            if before <= now or after <= now:
                continue
            now |= _denials_at(candidate, self._policies)
            if before <= now or after <= now:
                continue
            lost = self._lost(before, after, now)
            if lost.denials or lost.undecided:
                yield candidate, lost

    def _lost(
        self, before: frozenset[str], after: frozenset[str], now: frozenset[str]
    ) -> Lost[str]:
        key = (before, after, now)
        if key not in self._judged:
            known = self._statements
            self._judged[key] = self._judge(*({d: known.get(d) for d in side} for side in key))
        return self._judged[key]

    @cached_property
    def _statements(self) -> dict[str, str]:
        """The statements of all denials by hash, as far as they are known."""
        found = self._lock.denials()
        for policy in self._model.policies.values():
            found |= statements_by_hash(policy.content)
        return found

    def _deploy_policy(self, policy: DeclaredPolicy) -> Iterator[_Step]:
        where = (policy.path, policy.stack, policy.logical_id)
        self._inherited.clear()
        targets, denials = self._final[policy.path]
        old_targets, old_denials = self._policies.get(policy.path, (frozenset(), denials))
        if (old_targets, old_denials) == (targets, denials):
            return
        self._policies[policy.path] = (old_targets, denials)
        if denials != old_denials:
            yield _Step(f"'{policy.path}' has its new content", *where)
            self._inherited.clear()
        # New targets come before removed ones go; only the second can take a denial away.
        self._policies[policy.path] = (targets, denials)
        if old_targets - targets:
            gone = ", ".join(f"'{target}'" for target in sorted(old_targets - targets))
            yield _Step(f"'{policy.path}' is detached from {gone}", *where)

    def _deploy_account(self, key: str, behind: frozenset[str]) -> Iterator[_Step]:
        """Create or move an account; `behind` are the policies that it waits for in its stack."""
        account = self._model.accounts[key]
        where = (account.path, account.stack, account.logical_id)
        parent = self._is(account.parent)
        if account.path not in self._lock.accounts:
            self._parents[account.path] = parent
            if parent not in self._destinations:
                self._destinations[parent] = _denials(parent, self._final, self._final_parents)
            self._watched[account.path] = (self._destinations[parent],) * 2
            # What nothing makes it wait for may come later, whatever the template's order.
            side_by_side = {
                policy.path: self._policies[policy.path]
                for policy in self._model.policies.values()
                if policy.stack_id == account.stack_id
                and policy.path not in behind
                and policy.path not in self._lock.policies
                and policy.path in self._policies
            }
            for path in side_by_side:
                del self._policies[path]
            if side_by_side:
                self._inherited.clear()
            yield _Step(f"'{account.path}' is created in '{parent}'", *where, account.path)
            if side_by_side:
                self._policies.update(side_by_side)
                self._inherited.clear()
        elif self._parents[account.path] != parent:
            self._parents[account.path] = parent
            yield _Step(f"'{account.path}' is moved to '{parent}'", *where, account.path)

    def _place_invited(self, key: str) -> Iterator[_Step]:
        """Move an invited account; until it joins, none of these policies is about it."""
        invited = self._model.invitations[key]
        parent = self._is(invited.parent)
        if invited.path in self._lock.invitations and self._parents[invited.path] != parent:
            self._parents[invited.path] = parent
            where = (invited.path, invited.stack, invited.logical_id)
            yield _Step(f"'{invited.path}' is moved to '{parent}'", *where, invited.path)

    def _clean_up(self, stack_id: str) -> Iterator[_Step]:
        for path, policy in self._lock.policies.items():
            gone = path not in self._final and path in self._policies
            if gone and self._stack_of(path, policy) == stack_id:
                del self._policies[path]
                self._inherited.clear()
                yield _Step(f"'{path}' is deleted", path, policy.stack, policy.logical_id)


def _denials_at(node: str, policies: Attachments) -> frozenset[str]:
    return frozenset().union(
        *(denials for targets, denials in policies.values() if node in targets)
    )


def _denials(node: str, policies: Attachments, parents: Mapping[str, str]) -> frozenset[str]:
    found = _denials_at(node, policies)
    seen = {node}
    while node in parents and parents[node] not in seen:
        node = parents[node]
        seen.add(node)
        found |= _denials_at(node, policies)
    return found
