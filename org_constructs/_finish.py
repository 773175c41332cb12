"""What happens to a Stage's organization resources when CDK synthesizes it: policies, chain, tags."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from itertools import pairwise
from threading import Thread
from typing import Any, Literal, cast

import aws_cdk as cdk
from constructs import IConstruct

from ._order import CycleError, OrderStage, Position, chain
from ._references import referred_by
from ._registry import Finisher, Item, Registry, is_touched, items_by_l1
from ._render import is_token
from .model.errors import OrgError
from .policy import Policy
from .settings import AllowList

# Above the priority of any Tags.of(...): what is dropped stays dropped.
_TAG_PRIORITY = 10_000
_TRUST_NEEDED = (OrderStage.SETTING, OrderStage.ORGANIZATION_SETTING, OrderStage.CONTACT)


def finish(registry: Registry) -> None:
    """Complete every resource of the Stage and put them all into one chain."""
    # What one target's default guardrails declare or attach elsewhere counts too.
    collected = 0
    while collected < len(registry.finishers):
        _guarded(registry, registry.finishers[collected], "collect")
        collected += 1
    registry.seal()
    for finisher in registry.finishers:
        _guarded(registry, finisher, "finish")
    if registry.retain_policies:
        # Only now: the organization that asks for it may be declared after a policy.
        for item in registry.items:
            if isinstance(item.owner, Policy | AllowList):
                item.owner.retain_by_default()
    nested = _refuse_nested_stacks(registry)
    by_stack: dict[str, list[Item]] = {}
    for item in registry.items:
        by_stack.setdefault(item.place.stack_path, []).append(item)
    users = _dependencies_of_users(registry)
    for items in by_stack.values():
        _chain_stack(registry, items, users)
    _chain_stacks({path: by_stack[path] for path in by_stack if path not in nested}, users)
    for items in by_stack.values():
        _drop_stack_tags(registry, items)
    # Node is about to write the templates, while Python would only wait.
    judged = any(isinstance(item.owner, Policy) for item in registry.items)
    Thread(target=_load_checks, args=(judged,), daemon=True).start()


def _load_checks(with_policies: bool) -> None:  # noqa: FBT001 - the argument of a thread
    # What fails here fails again where the plugin needs it, and is reported there.
    with suppress(Exception):
        from .checks import rules

        import_module(f"{__package__}._findings")
        rules()
        if with_policies:
            # The rules load these themselves where there is a policy to judge.
            from .policies.policy_type import policy_type_specs

            policy_type_specs()
            for name in ("_syntax", "_conditions", "catalogue"):
                import_module(f"{__package__}.evaluation.{name}")


def _guarded(registry: Registry, finisher: Finisher, step: Literal["collect", "finish"]) -> None:
    """Run a step of a finisher; what it raises is reported with the user's line."""
    try:
        getattr(finisher, step)()
    except Exception as error:  # noqa: BLE001 - an exception through jsii loses its type
        registry.report(error, path=finisher.path)


def _refuse_nested_stacks(registry: Registry) -> set[str]:
    """Refuse organization resources in nested stacks; return the paths of these."""
    seen: set[str] = set()
    nested: set[str] = set()
    for item in registry.items:
        place = item.place
        if place.stack_path in seen:
            continue
        seen.add(place.stack_path)
        if place.stack.nested_stack_parent is not None:
            nested.add(place.stack_path)
            registry.report(
                OrgError(
                    "ORG118",
                    f"'{place.path}' is in the nested stack '{place.stack_path}', whose resources "
                    "no check reads before deployment",
                ),
                path=place.path,
                remedy="declare organization resources in a stack of their own",
            )
    return nested


def _chain_stack(registry: Registry, items: list[Item], users: dict[Item, list[Item]]) -> None:
    """Make each resource of one stack wait for the one before it."""
    needs = {item: [*item.needs, *users.get(item, ())] for item in items}
    positions: dict[Item, Position] = {item: item.position for item in items}
    try:
        ordered = chain(positions, needs)
    except CycleError as error:
        cycle = cast("CycleError[Item]", error).cycle
        steps = " -> ".join(f"'{item.place.path}'" for item in (*cycle, cycle[0]))
        registry.report(
            OrgError("ORG112", f"dependencies form a cycle: {steps}"),
            path=cycle[0].place.path,
            remedy="remove the dependency that was added by hand: parents come before what they "
            "hold, and an OU's policies before its accounts",
        )
        return
    for before, after in pairwise(ordered):
        after.l1.add_resource_dependency(before.l1)


def _chain_stacks(by_stack: dict[str, list[Item]], users: dict[Item, list[Item]]) -> None:
    """Make the stacks of one organization deploy one after another."""
    stacks = {path: items[0].place.stack for path, items in by_stack.items()}
    if len(stacks) < 2:  # noqa: PLR2004 - nothing to order
        return
    path_of = {id(stack): path for path, stack in stacks.items()}
    needs: dict[str, set[str]] = {path: set() for path in stacks}
    settings = {
        path
        for path, items in by_stack.items()
        if any(item.position.stage is OrderStage.SETTING for item in items)
    }
    trusting = {
        path
        for path, items in by_stack.items()
        if any(item.position.stage is OrderStage.TRUSTED_ACCESS for item in items)
    }
    for path, items in by_stack.items():
        if path not in trusting and any(item.position.stage in _TRUST_NEEDED for item in items):
            needs[path] |= trusting
        if any(item.position.stage >= OrderStage.CONTAINER_POLICY for item in items):
            # A policy attaches only when its type is on, whichever stack sees to that.
            needs[path] |= settings - {path}
        needs[path] |= {path_of[id(s)] for s in _stacks_behind(stacks[path]) if id(s) in path_of}
        for item in items:
            needs[path] |= {n.place.stack_path for n in (*item.needs, *users.get(item, ()))}
            needs[path] |= {path_of[id(s)] for s in item.stacks_needed if id(s) in path_of}
    positions = {
        path: Position(min(i.position.stage for i in items), (path,), path)
        for path, items in by_stack.items()
    }
    try:
        ordered = chain(positions, needs)
    except CycleError:
        # CDK names the two stacks and the reference itself, better than could be done here.
        return
    # Organizations of different management accounts have nothing to wait for.
    accounts = {path: stacks[path].account for path in ordered}
    if len({account for account in accounts.values() if not is_token(account)}) < 2:  # noqa: PLR2004
        accounts = dict.fromkeys(ordered, "")
    last: dict[str, str] = {}
    for path in ordered:
        before = last.get(accounts[path])
        if before is not None:
            stacks[path].add_stack_dependency(
                stacks[before], "AWS takes an organization's writes one by one"
            )
        last[accounts[path]] = path


def _stacks_behind(stack: cdk.Stack) -> list[cdk.Stack]:
    """Return all stacks that a stack waits for, others between them followed."""
    found: dict[int, cdk.Stack] = {}
    waiting = list(stack.dependencies)
    while waiting:
        other = waiting.pop()
        if id(other) not in found:
            found[id(other)] = other
            waiting += other.dependencies
    return list(found.values())


def _dependencies_of_users(registry: Registry) -> dict[Item, list[Item]]:
    """Return what user code made organization resources depend on, other resources followed."""
    l1s = items_by_l1(registry.items)
    found: dict[Item, list[Item]] = {}
    for item in registry.items:
        roots: list[IConstruct] = []
        if is_touched(item.owner):
            roots += item.owner.node.dependencies
        if is_touched(item.owner) or is_touched(item.l1):
            roots += item.l1.node.dependencies
            roots += cast("list[IConstruct]", item.l1.obtain_dependencies())
        if roots:
            found.setdefault(item, []).extend(_items_behind(roots, registry, l1s))
    for path, scope in _scopes_and_around(registry).items():
        roots = list(scope.node.dependencies)
        if not roots:
            continue
        behind = _items_behind(roots, registry, l1s)
        for item in registry.items:
            if item.place.path.startswith(f"{path}/"):
                # A scope's dependency on something inside itself constrains only the others.
                found.setdefault(item, []).extend(
                    other for other in behind if not other.place.path.startswith(f"{path}/")
                )
    return found


def _scopes_and_around(registry: Registry) -> dict[str, IConstruct]:
    """Return the scopes that hold organization resources, and those that hold these, by path."""
    found = dict(registry.scopes)
    seen = {id(scope) for scope in found.values()}
    for scope in registry.scopes.values():
        for around in scope.node.scopes:
            if id(around) not in seen:
                seen.add(id(around))
                found[around.node.path] = around
    return found


def _items_behind(
    roots: list[IConstruct], registry: Registry, l1s: Any, seen: set[int] | None = None
) -> list[Item]:
    """Return the organization resources that `roots` are or wait for themselves."""
    seen = set() if seen is None else seen
    found: list[Item] = []
    for root in roots:
        if id(root) in seen:
            continue
        seen.add(id(root))
        if id(root) in l1s:
            found.append(l1s[id(root)])
            continue
        path = root.node.path
        inside = [
            i for i in registry.items if i.place.path == path or i.place.path.startswith(f"{path}/")
        ]
        found += inside
        if inside:
            continue
        for construct in root.node.find_all():
            further = list(construct.node.dependencies)
            if cdk.CfnResource.is_cfn_resource(construct):
                resource = cast("cdk.CfnResource", construct)
                further += cast("list[IConstruct]", resource.obtain_dependencies())
                further += referred_by(resource)
            found += _items_behind(further, registry, l1s, seen)
    return found


def _drop_stack_tags(registry: Registry, items: list[Item]) -> None:
    """Drop resource tags that the stack sets too.

    CloudFormation adds the stack's tags to each resource, and the handler of accounts does not
    merge them with the resource's own: a key in both lists fails the creation.
    """
    stack_tags = items[0].place.stack.tags.tag_values()
    if not stack_tags:
        return
    for item in items:
        manager = cdk.TagManager.of(item.l1)
        if manager is None:
            continue
        own = manager.tag_values()
        for key in sorted(own.keys() & stack_tags.keys()):
            if own[key] == stack_tags[key]:
                manager.remove_tag(key, _TAG_PRIORITY)
            else:
                registry.report(
                    OrgError(
                        "ORG115",
                        f"'{item.place.path}': tag '{key}' is '{own[key]}' here and "
                        f"'{stack_tags[key]}' on its stack; AWS refuses a key that comes twice",
                    ),
                    path=item.place.path,
                    remedy="set the tag on the stack or on the resources, not on both",
                )
