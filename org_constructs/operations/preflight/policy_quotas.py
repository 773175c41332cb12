"""There is room for the policies, in the organization and on every target, as it is now.

What AWS attaches itself counts, and what other tools have attached. New policies are attached
before old ones go, so the most that is attached at a time counts.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from org_constructs.model.quotas import quota
from org_constructs.policies.policy_type import PolicyTypeSpec, policy_type_specs

from ._line import Line, failed, passed
from ._situation import Situation

POSITION = 62


def look(situation: Situation) -> Iterator[Line]:
    """Compare each type that is turned on."""
    for spec in policy_type_specs():
        if spec.policy_type in situation.policy_types:
            yield from _type(situation, spec)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """A target that exists: what is attached now, during the deployment and after it."""

    id: str
    now: frozenset[str]
    during: int
    after: int


def _type(situation: Situation, spec: PolicyTypeSpec) -> Iterator[Line]:
    kind = str(spec.policy_type)
    there = [
        policy
        for policy in situation.policies.values()
        if policy["type"] == kind and not policy["aws_managed"]
    ]
    new = sum(
        policy.type == kind and situation.id_of(key) is None
        for key, policy in situation.app.policies.items()
    )
    most = quota(spec.per_organization, situation.quotas)
    if new and len(there) + new > most:
        yield failed(
            f"{kind}: {len(there)} policies and {new} to come are more than the {most} that are "
            "allowed",
            "delete policies that are attached to nothing",
        )
    limit = quota(spec.per_target, situation.quotas)
    targets = _targets(situation, kind)
    full = [target for target in targets if max(target.during, target.after) > limit]
    for target in full:
        names = ", ".join(
            f"'{situation.policies[id]['name']}'"
            for id in sorted(target.now)
            if id in situation.policies
        )
        where = situation.name_of(target.id)
        if target.after > limit:
            yield failed(
                f"{kind}: '{where}' ({target.id}) would have {target.after} policies, {limit} are "
                f"allowed; attached are {names}",
                "detach one that is not needed, or merge policies",
            )
        else:
            yield failed(
                f"{kind}: '{where}' ({target.id}) would have {target.during} policies during the "
                f"deployment, {limit} are allowed; attached are {names}",
                "deploy twice: first without the old policies, then with the new ones",
            )
    if not full:
        fullest = max(targets, key=lambda target: target.during, default=None)
        slots = (
            f"; the fullest target is '{situation.name_of(fullest.id)}' with {fullest.during} of "
            f"{limit}"
            if fullest
            else ""
        )
        yield passed(f"{kind}: {len(there)} policies and {new} to come of {most}{slots}")


def _targets(situation: Situation, kind: str) -> list[_Target]:
    """Return the targets that exist and that the app attaches policies to."""
    attached: dict[str, set[str]] = {}
    for id, policy in situation.policies.items():
        if policy["type"] == kind:
            for target in policy["targets"]:
                attached.setdefault(target, set()).add(id)
    wanted: dict[str, set[str]] = {}
    for key, declared in situation.app.policies.items():
        if declared.type == kind:
            for node in declared.targets:
                target_id = situation.id_of(node)
                if target_id is not None:
                    wanted.setdefault(target_id, set()).add(situation.id_of(key) or key)
    ours = {situation.id_of(key) for key in situation.app.policies}
    going = _going(situation)
    found = []
    for target_id, policies in sorted(wanted.items()):
        now = attached.get(target_id, set())
        # One that stays and only loses this target may do so before another one comes.
        losing = {id for id in now if id in ours and id not in policies}
        found.append(
            _Target(
                id=target_id,
                now=frozenset(now),
                during=len((now - losing) | policies),
                after=len((now - losing - going) | policies),
            )
        )
    return found


def _going(situation: Situation) -> set[str]:
    """Return the ids of the policies that the stacks hold and their templates no longer have."""
    declared = {
        (stack.name, logical_id)
        for stack in situation.app.assembly.every_stack
        for logical_id in stack.resources
    }
    deployed = {stack.name for stack in situation.app.assembly.every_stack}
    return {id for key, id in situation.held.items() if key not in declared and key[0] in deployed}
