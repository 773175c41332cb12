"""The verdict compares what templates declare with what there is, resource by resource."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from org_constructs.model import OrganizationModel
from org_constructs.rehearsal.pace import seconds_at_documented_rates
from org_constructs.rehearsal.verdict import Stack, Verdict, count_calls, judge, needs_recovery

SCP = "SERVICE_CONTROL_POLICY"
CONTENT = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Deny",
            "Action": "s3:*",
            "Resource": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::*"]]},
        }
    ],
}
TEMPLATE = {
    "Resources": {
        "Unit": {
            "Type": "AWS::Organizations::OrganizationalUnit",
            "DeletionPolicy": "Retain",
            "Properties": {
                "Name": "Apps",
                "ParentId": "r-ab12",
                "Tags": [{"Key": "team", "Value": "a"}],
            },
        },
        "Deny": {
            "Type": "AWS::Organizations::Policy",
            "Properties": {
                "Name": "deny",
                "Type": SCP,
                "Content": CONTENT,
                "TargetIds": [{"Ref": "Unit"}],
            },
        },
        "App": {
            "Type": "AWS::Organizations::Account",
            "Properties": {
                "AccountName": "app",
                "Email": "App@corp.com",
                "ParentIds": [{"Fn::GetAtt": ["Unit", "Id"]}],
            },
        },
    }
}
MODEL = OrganizationModel.from_templates({"Org": TEMPLATE})
IDS = {"Unit": "ou-ab12-11111111", "Deny": "p-11111111", "App": "222222222222"}
LIVE: dict[str, Any] = {
    "organization_id": "o-a1b2c3d4e5",
    "root_id": "r-ab12",
    "management_account_id": "111111111111",
    "organizational_units": [
        {"id": IDS["Unit"], "name": "Apps", "parent_id": "r-ab12", "tags": {"team": "a"}}
    ],
    "accounts": [
        {
            "id": "111111111111",
            "name": "m",
            "email": "m@x",
            "parent_id": "r-ab12",
            "state": "ACTIVE",
        },
        {
            "id": IDS["App"],
            "name": "app",
            "email": "app@corp.com",
            "parent_id": IDS["Unit"],
            "state": "ACTIVE",
            "tags": {},
        },
    ],
    "policies": [
        {
            "id": IDS["Deny"],
            "name": "deny",
            "type": SCP,
            "content": json.dumps(CONTENT).replace(
                json.dumps(CONTENT["Statement"][0]["Resource"]), '"arn:aws:s3:::*"'
            ),
            "aws_managed": False,
            "targets": [IDS["Unit"]],
            "tags": {},
        }
    ],
}


def judged(live: dict[str, Any] | None = None, **changes: Any) -> Verdict:
    """Judge the organization, by default as it was declared."""
    arguments: dict[str, Any] = {
        "before": None,
        "after": live or LIVE,
        "stacks": {"Org": Stack(status="CREATE_COMPLETE", held=IDS)},
        "calls": [],
    }
    return judge(MODEL, **(arguments | changes))


def changed(kind: str, id: str, **values: Any) -> dict[str, Any]:
    """Return the organization with one thing different."""
    live = copy.deepcopy(LIVE)
    for entry in live[kind]:
        if entry["id"] == id:
            entry.update(values)
    return live


class TestConverged:
    """Live equals declared, or the difference is named."""

    def test_as_declared(self) -> None:
        """Case of an address makes no difference; what AWS resolves is not compared."""
        verdict = judged()
        assert verdict.converged
        assert verdict.unresolved == ("Org/Deny",)
        assert verdict.retained == ("Org/Unit", "Org/App")
        assert verdict.removed == ("Org/Deny",)

    @pytest.mark.parametrize(
        ("kind", "key", "values", "what"),
        [
            ("organizational_units", "Unit", {"name": "x"}, "name is 'x', declared is 'Apps'"),
            ("organizational_units", "Unit", {"tags": {}}, "tag 'team' is 'None', not 'a'"),
            ("accounts", "App", {"parent_id": "r-ab12"}, "parent is r-ab12, declared is ou-"),
            ("accounts", "App", {"state": "SUSPENDED"}, "state is 'SUSPENDED'"),
            ("accounts", "App", {"email": "y@corp.com"}, "email is 'y@corp.com'"),
            ("policies", "Deny", {"targets": []}, "is not attached to ou-"),
            (
                "policies",
                "Deny",
                {"targets": [IDS["Unit"], "r-ab12"]},
                "is also attached to r-ab12",
            ),
            ("policies", "Deny", {"content": "{}"}, "the content is not the declared one"),
        ],
    )
    def test_one_thing_differs(
        self, kind: str, key: str, values: dict[str, Any], what: str
    ) -> None:
        """It says what and where."""
        (difference,) = judged(changed(kind, IDS[key], **values)).differences
        assert difference.path == f"Org/{key}"
        assert what in difference.what

    def test_a_stack_that_failed(self) -> None:
        """With the reason of the resource that failed."""
        stack = Stack(status="UPDATE_FAILED", held=IDS, failed={"App": "CREATE_FAILED: taken"})
        found = [(d.path, d.what) for d in judged(stacks={"Org": stack}).differences]
        assert found == [("Org", "the stack is UPDATE_FAILED"), ("Org/App", "CREATE_FAILED: taken")]

    def test_a_stack_that_is_not_there(self) -> None:
        """Nothing holds what it declares."""
        verdict = judged(stacks={"Org": None})
        assert {d.path for d in verdict.differences} >= {"Org", "Org/Unit", "Org/App"}
        assert {orphan.id for orphan in verdict.orphans} == set(IDS.values())
        assert needs_recovery(verdict, is_repeated=False)

    def test_an_orphan(self) -> None:
        """An account that was there before is none; one that was made meanwhile is."""
        held = {key: id for key, id in IDS.items() if key != "App"}
        stacks = {"Org": Stack(status="UPDATE_FAILED", held=held)}
        assert [orphan.id for orphan in judged(stacks=stacks).orphans] == [IDS["App"]]
        assert judged(stacks=stacks, before=LIVE).orphans == ()

    def test_an_account_in_creation(self) -> None:
        """It is an orphan to come."""
        call = {
            "n": 1,
            "time": 0,
            "caller": "111111111111",
            "operation": "CreateAccount",
            "params": {"AccountName": "app", "Email": "app@corp.com"},
            "read": False,
            "result": {"CreateAccountStatus": {"Id": "car-1"}},
            "error": None,
        }
        (orphan,) = judged(calls=[call]).orphans
        assert (orphan.kind, orphan.id) == ("account creation", "car-1")
        assert not needs_recovery(judged(calls=[call]), is_repeated=True)


class TestDestroyed:
    """Accounts, OUs and the organization outlive their stack."""

    def destroyed(self, live: dict[str, Any]) -> list[tuple[str, str]]:
        """Judge after a destruction and return what differs."""
        verdict = judged(live, before=LIVE, stacks={"Org": None}, destroyed={"Org": IDS})
        return [(difference.path, difference.what) for difference in verdict.differences]

    def test_all_but_policies_is_there(self) -> None:
        """That is what is wanted."""
        assert self.destroyed({**LIVE, "policies": []}) == []

    def test_a_policy_is_left(self) -> None:
        """Nothing retains it."""
        assert self.destroyed(LIVE) == [("Org/Deny", f"{IDS['Deny']} is still there")]

    def test_an_account_is_closed(self) -> None:
        """That is what nothing may ever do."""
        live = {**changed("accounts", IDS["App"], state="SUSPENDED"), "policies": []}
        assert self.destroyed(live) == [("Org/App", f"account {IDS['App']} is closed")]

    def test_an_ou_is_gone(self) -> None:
        """It should have been retained."""
        live = {**LIVE, "policies": [], "organizational_units": []}
        assert self.destroyed(live) == [("Org/Unit", f"{IDS['Unit']} is gone")]


def calls_of(*operations: str, error: str | None = None, caller: str = "1") -> list[dict[str, Any]]:
    """Return a log of calls at one moment."""
    return [
        {
            "n": n,
            "time": 0.0,
            "caller": caller,
            "operation": operation,
            "params": {},
            "read": operation.startswith(("List", "Describe")),
            "result": None if error else {},
            "error": {"code": error} if error else None,
        }
        for n, operation in enumerate(operations, 1)
    ]


def test_calls_are_counted() -> None:
    """Refusals that pass by themselves are told apart, and whether the call was made again."""
    calls = [
        *calls_of("AttachPolicy", error="ConcurrentModificationException"),
        *calls_of("AttachPolicy", "ListRoots"),
        *calls_of("CreatePolicy", error="TooManyRequestsException"),
        *calls_of("CreateAccountResult", caller="organizations.amazonaws.com"),
    ]
    count = count_calls(calls)
    assert (count.writes, count.reads) == (1, 1)
    assert (count.conflicts, count.throttled, count.retried) == (1, 1, 1)
    assert sum(count.refused.values()) == 2


def test_time_at_documented_rates() -> None:
    """CreateAccount: three at once, then one in ten seconds; the log's own pauses count too."""
    assert seconds_at_documented_rates([]) == 0
    assert seconds_at_documented_rates(calls_of(*["CreateAccount"] * 3)) == 0
    assert seconds_at_documented_rates(calls_of(*["CreateAccount"] * 5)) == pytest.approx(20)
    later = [{**call, "time": 7.0} for call in calls_of("TagResource")]
    assert seconds_at_documented_rates([*calls_of("TagResource"), *later]) == pytest.approx(7)


def test_nested_stacks_are_not_looked_at() -> None:
    """What a nested stack declares is named as not compared: its name is made up by AWS."""
    inner = {"Resources": {"Inner": TEMPLATE["Resources"]["Unit"]}}
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "inner"}}
    outer = {"Resources": {**TEMPLATE["Resources"], "Nested": nested}}
    model = OrganizationModel.from_templates({"Org": outer, "inner": inner})
    stacks = {"Org": Stack(status="CREATE_COMPLETE", held=IDS)}
    verdict = judge(model, before=None, after=LIVE, stacks=stacks, calls=[])
    assert verdict.differences == judged().differences
    assert "Org/Nested/Inner" in verdict.unresolved
