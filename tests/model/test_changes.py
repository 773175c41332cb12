"""Gaps of a deployment, for any organization: nothing that stays in force is ever out of force."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from org_constructs.model import Lock, OrganizationModel
from org_constructs.model.changes import UNDECLARED, find_gaps

UNITS = ["U1", "U2"]
ACCOUNTS = ["A1", "A2"]
POLICIES = ["P1", "P2", "P3"]
ACTIONS = ["s3:*", "ec2:*", "iam:*"]


def _template(
    homes: dict[str, str], policies: dict[str, tuple[list[str], list[str]]]
) -> dict[str, Any]:
    """Return a template whose resources are chained as the constructs chain them."""
    resources: dict[str, Any] = {
        unit: {
            "Type": "AWS::Organizations::OrganizationalUnit",
            "Properties": {"Name": unit, "ParentId": "r-ab12"},
        }
        for unit in UNITS
    }
    policy_of = {
        id: {
            "Type": "AWS::Organizations::Policy",
            "Properties": {
                "Name": id,
                "Type": "SERVICE_CONTROL_POLICY",
                "Content": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {"Effect": "Deny", "Action": action, "Resource": "*"} for action in actions
                    ],
                },
                "TargetIds": [
                    "r-ab12" if target == "Root" else {"Ref": target} for target in targets
                ],
            },
        }
        for id, (targets, actions) in policies.items()
    }
    on_accounts = [id for id, (targets, _) in policies.items() if set(targets) & set(ACCOUNTS)]
    resources |= {id: policy for id, policy in policy_of.items() if id not in on_accounts}
    resources |= {
        account: {
            "Type": "AWS::Organizations::Account",
            "Properties": {
                "AccountName": account,
                "Email": f"{account}@corp.com",
                "ParentIds": [{"Ref": home} if home != "Root" else "r-ab12"],
            },
        }
        for account, home in homes.items()
    }
    resources |= {id: policy_of[id] for id in on_accounts}
    ids = list(resources)
    for before, after in pairwise(ids):
        resources[after]["DependsOn"] = [before]
    return {"Resources": resources}


TARGETS = st.one_of(
    st.lists(st.sampled_from(["Root", *UNITS]), unique=True, min_size=1),
    st.lists(st.sampled_from(ACCOUNTS), unique=True, min_size=1),
)
TEMPLATES = st.builds(
    _template,
    st.fixed_dictionaries({account: st.sampled_from(["Root", *UNITS]) for account in ACCOUNTS}),
    st.dictionaries(
        st.sampled_from(POLICIES),
        st.tuples(TARGETS, st.lists(st.sampled_from(ACTIONS), unique=True, min_size=1)),
    ),
)


def _model(template: dict[str, Any]) -> OrganizationModel:
    return OrganizationModel.from_templates({"S": template})


@given(TEMPLATES)
def test_nothing_changed(template: dict[str, Any]) -> None:
    """Deploying what is deployed opens nothing."""
    model = _model(template)
    assert find_gaps(Lock.of(model), model) == []


@given(TEMPLATES)
def test_first_deployment(template: dict[str, Any]) -> None:
    """Accounts that are created after their OU's policies are never bare."""
    assert find_gaps(Lock(), _model(template)) == []


@given(TEMPLATES, TEMPLATES)
def test_through_both_is_safe(before: dict[str, Any], after: dict[str, Any]) -> None:
    """From any organization to any other there is a way without gaps: all of both in between.

    The policies of both are in force in between, under other ids; then what has gone is removed.
    """
    old = {
        id: resource
        for id, resource in before["Resources"].items()
        if resource["Type"].endswith("Policy")
    }
    new = {f"N{id}": r for id, r in after["Resources"].items() if r["Type"].endswith("Policy")}
    homes_before = _homes(before)
    homes_after = _homes(after)
    between = _template(homes_before, _policies({**old, **new}))
    moved = _template(homes_after, _policies({**old, **new}))
    final = _template(homes_after, _policies(new))
    deployed = _model(before)
    for template in (between, moved, final):
        model = _model(template)
        assert find_gaps(Lock.of(deployed), model) == []
        deployed = model


def _homes(template: dict[str, Any]) -> dict[str, str]:
    found = {}
    for account in ACCOUNTS:
        parent = template["Resources"][account]["Properties"]["ParentIds"][0]
        found[account] = parent["Ref"] if isinstance(parent, dict) else "Root"
    return found


def _policies(resources: dict[str, Any]) -> dict[str, tuple[list[str], list[str]]]:
    return {
        id: (
            [t["Ref"] if isinstance(t, dict) else "Root" for t in r["Properties"]["TargetIds"]],
            [s["Action"] for s in r["Properties"]["Content"]["Statement"]],
        )
        for id, r in resources.items()
    }


@given(TEMPLATES, TEMPLATES)
def test_gaps_are_of_accounts_that_keep_a_denial(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Only an account that has a denial before and after can lose it in between, once each."""
    gaps = find_gaps(Lock.of(_model(before)), _model(after))
    names = [gap.account for gap in gaps]
    assert len(names) == len(set(names))
    for gap in gaps:
        account = gap.account.removeprefix(UNDECLARED).removeprefix("S/")
        assert _denied(before, account) & _denied(after, account)
        assert gap.stack == "S"
        assert gap.step


def _denied(template: dict[str, Any], account: str) -> set[str]:
    """Return what an account is denied, or any account that no code declares in a container."""
    nodes = {account, "Root", _homes(template).get(account, account)}
    resources = {id: r for id, r in template["Resources"].items() if r["Type"].endswith("Policy")}
    return {
        action
        for targets, actions in _policies(resources).values()
        if set(targets) & nodes
        for action in actions
    }


@given(TEMPLATES, TEMPLATES)
def test_gaps_agree_with_a_replay(before: dict[str, Any], after: dict[str, Any]) -> None:
    """A second, plainer replay of the deployment finds a gap for the same accounts."""
    moments = _replay(before, after)
    named = {moment for who, moment in moments.items() if who in ACCOUNTS}
    # One that stands for many is named only where no account is that says more.
    expected = {f"S/{who}" for who in moments if who in ACCOUNTS} | {
        f"{UNDECLARED}{'Root' if who == 'Root' else f'S/{who}'}"
        for who, moment in moments.items()
        if who not in ACCOUNTS and moment not in named
    }
    assert {gap.account for gap in find_gaps(Lock.of(_model(before)), _model(after))} == expected


def _replay(before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    """Deploy call by call, as CloudFormation does; return who lacks a lasting denial, and when.

    A container stands for the accounts in it that no code declares.
    """
    everyone = [*ACCOUNTS, "Root", *UNITS]
    kept = {a: _denied(before, a) & _denied(after, a) for a in everyone}
    homes = _homes(before)
    policies = _policies(
        {i: r for i, r in before["Resources"].items() if r["Type"].endswith("Policy")}
    )
    bare: dict[str, str] = {}

    def look(moment: str) -> None:
        for account in everyone:
            nodes = {account, "Root", homes.get(account, account)}
            now = {a for t, actions in policies.values() if set(t) & nodes for a in actions}
            if not kept[account] <= now:
                bare.setdefault(account, moment)

    goal = _policies({i: r for i, r in after["Resources"].items() if r["Type"].endswith("Policy")})
    for id in after["Resources"]:
        if id in ACCOUNTS:
            homes[id] = _homes(after)[id]
        elif id in goal:
            targets, actions = goal[id]
            old = policies.get(id, ([], actions))
            for number, step in enumerate(
                ((old[0], actions), ([*old[0], *targets], actions), (targets, actions))
            ):
                policies[id] = step
                look(f"{id} {number}")
        look(id)
    for id in [*policies]:
        if id not in goal:
            del policies[id]
            look(f"{id} deleted")
    return bare


def test_policies_of_other_stacks_stay() -> None:
    """A stack that is not part of this synthesis is left as it is deployed."""
    template = _template({"A1": "U1", "A2": "U2"}, {"P1": (["Root"], ["s3:*"])})
    policy = {"Resources": {"P1": template["Resources"].pop("P1")}}
    del policy["Resources"]["P1"]["DependsOn"]
    template["Resources"]["A1"]["DependsOn"] = ["U2"]
    lock = Lock.of(OrganizationModel.from_templates({"Policies": policy, "S": template}))
    assert find_gaps(lock, _model(template)) == []


@pytest.mark.parametrize("targets", [["U1"], ["U1", "U2"]])
def test_a_gap_names_its_moment(targets: list[str]) -> None:
    """A gap names account, step and the resource to blame."""
    before = _model(_template({"A1": "U1", "A2": "Root"}, {"P1": (targets, ["s3:*"])}))
    after = _model(_template({"A1": "U2", "A2": "Root"}, {"P1": (["U2"], ["s3:*"])}))
    gap = find_gaps(Lock.of(before), after)[0]
    assert (gap.account, gap.path, gap.stack, gap.logical_id) == ("S/A1", "S/P1", "S", "P1")
    assert gap.step == "'S/P1' is detached from 'S/U1'"
