"""Updates of stacks: what their events call new, and what a stack policy protects."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from stack_harness import BASE, Cloud, account, after, get, resource, scp, unit

KEPT = {"Effect": "Deny", "Action": "Update:*", "Principal": "*"}
REST = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}


def _statuses(cloud: Cloud, logical_id: str) -> list[str]:
    """Return the statuses that a resource has had, the first one first."""
    events = cloud.cloudformation.describe_stack_events(StackName="Org")["StackEvents"]
    return [e["ResourceStatus"] for e in events[::-1] if e["LogicalResourceId"] == logical_id]


def _protect(cloud: Cloud, *statements: dict[str, Any]) -> None:
    policy = json.dumps({"Statement": statements})
    cloud.cloudformation.set_stack_policy(StackName="Org", StackPolicyBody=policy)


class TestEvents:
    """As the CDK CLI shows them."""

    def test_what_comes_with_an_update_is_created(self, organization: Cloud) -> None:
        """What fails is not called updated either, and what was there is."""
        bad = after("X", scp("ou-4p1a-12345678", name="b"))
        update = {**BASE, "X": scp(get("A"), name="a"), "Y": bad}
        assert organization.deploy(update) == "UPDATE_FAILED"
        assert _statuses(organization, "X") == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
        assert _statuses(organization, "Y") == ["CREATE_IN_PROGRESS", "CREATE_FAILED"]
        assert _statuses(organization, "A")[-1] == "UPDATE_COMPLETE"
        found = organization.cloudformation.describe_stack_resource(
            StackName="Org", LogicalResourceId="X"
        )
        assert found["StackResourceDetail"]["ResourceStatus"] == "CREATE_COMPLETE"

    def test_it_is_updated_later(self, organization: Cloud) -> None:
        """In the next update it is not new."""
        assert organization.deploy({**BASE, "X": scp(get("A"))}) == "UPDATE_COMPLETE"
        assert organization.deploy({**BASE, "X": scp(get("B"))}) == "UPDATE_COMPLETE"
        assert _statuses(organization, "X")[-1] == "UPDATE_COMPLETE"


class TestFailedStacks:
    """A stack that failed and was not rolled back goes on from there (documentation)."""

    def _send(self, cloud: Cloud, call: str, resources: dict[str, Any]) -> str:
        template = json.dumps({"Resources": resources})
        call_it = getattr(cloud.cloudformation, call)
        call_it(StackName="Org", TemplateBody=template, DisableRollback=True)
        return cloud.wait()

    @pytest.mark.parametrize("with_change_set", [True, False])
    def test_the_same_again_after_a_creation(self, cloud: Cloud, *, with_change_set: bool) -> None:
        """By CreateStack; the next request creates what is missing and nothing twice."""
        wanted = {**BASE, "X": after("B", scp(get("A")))}
        assert self._send(cloud, "create_stack", wanted) == "CREATE_FAILED"
        before = cloud.physical_id("A")
        cloud.enable_scps()
        if with_change_set:
            assert cloud.deploy(wanted) == "UPDATE_COMPLETE"
        else:
            assert self._send(cloud, "update_stack", wanted) == "UPDATE_COMPLETE"
        assert cloud.physical_id("A") == before
        assert cloud.physical_id("X").startswith("p-")

    def test_the_same_again_and_back(self, organization: Cloud) -> None:
        """UpdateStack after a failed update: with the same template, and with the one before."""
        bad = {**BASE, "A": unit("A2"), "Y": after("A", scp("ou-4p1a-12345678"))}
        assert self._send(organization, "update_stack", bad) == "UPDATE_FAILED"
        assert self._send(organization, "update_stack", bad) == "UPDATE_FAILED"
        assert self._send(organization, "update_stack", dict(BASE)) == "UPDATE_COMPLETE"
        found = organization.organizations.describe_organizational_unit(
            OrganizationalUnitId=organization.physical_id("A")
        )
        assert found["OrganizationalUnit"]["Name"] == "A"

    def test_a_refused_request_changes_nothing(self, organization: Cloud) -> None:
        """The stack stays as it failed."""
        bad = {**BASE, "Y": scp("ou-4p1a-12345678")}
        assert self._send(organization, "update_stack", bad) == "UPDATE_FAILED"
        with pytest.raises(ClientError, match="Template format error"):
            organization.cloudformation.update_stack(StackName="Org", TemplateBody="{")
        assert organization.wait() == "UPDATE_FAILED"


class TestStackPolicies:
    """A protected resource is not changed (documentation: protect-stack-resources)."""

    @pytest.mark.parametrize(
        "statements",
        [
            [{**KEPT, "Resource": "LogicalResourceId/A"}, REST],
            [{**REST, "Resource": "LogicalResourceId/[!A]"}],
            [{**REST, "Action": ["Update:Replace", "Update:Delete"]}],
            [
                {key: value for key, value in REST.items() if key != "Resource"}
                | {"NotResource": "LogicalResourceId/A"}
            ],
            [
                {
                    **KEPT,
                    "Resource": "*",
                    "Condition": {
                        "StringEquals": {"ResourceType": ["AWS::Organizations::Organizational*"]}
                    },
                },
                REST,
            ],
        ],
    )
    def test_a_protected_unit_is_not_renamed(
        self, organization: Cloud, statements: list[dict[str, Any]]
    ) -> None:
        """By whatever statement it is protected; the update fails at it."""
        _protect(organization, *statements)
        assert organization.deploy({**BASE, "A": unit("A2")}) == "UPDATE_FAILED"
        events = organization.cloudformation.describe_stack_events(StackName="Org")["StackEvents"]
        reasons = [e.get("ResourceStatusReason", "") for e in events]
        assert any("Action denied by stack policy" in reason for reason in reasons)

    def test_what_is_not_changed_needs_no_permission(self, organization: Cloud) -> None:
        """Nor does what comes new."""
        _protect(organization, {**KEPT, "Resource": "*"})
        assert organization.deploy({**BASE, "C": unit("C")}) == "UPDATE_COMPLETE"

    def test_replacing_is_another_action(self, organization: Cloud) -> None:
        """Changing in place may be allowed while replacing is not."""
        _protect(organization, {**KEPT, "Action": "Update:Replace", "Resource": "*"}, REST)
        assert organization.deploy({**BASE, "A": unit("A2")}) == "UPDATE_COMPLETE"
        moved = {**BASE, "A": unit("A2"), "B": unit("B", get("A"))}
        assert organization.deploy(moved) == "UPDATE_FAILED"

    def test_a_protected_account_is_not_closed(self, organization: Cloud) -> None:
        """Although its code goes and nothing retains it; the end of the stack is no update."""
        closed = account(get("A"), policy="Delete")
        assert organization.deploy({**BASE, "Account": closed}) == "UPDATE_COMPLETE"
        _protect(organization, {**KEPT, "Resource": "LogicalResourceId/Account"}, REST)
        organization.deploy(BASE)
        accounts = organization.organizations.list_accounts()["Accounts"]
        assert {entry["State"] for entry in accounts} == {"ACTIVE"}

    def test_without_a_policy_everything_may_change(self, organization: Cloud) -> None:
        """A stack has none at first."""
        update = {
            **BASE,
            "A": resource(
                "OrganizationalUnit", Name="A2", ParentId=BASE["A"]["Properties"]["ParentId"]
            ),
        }
        assert organization.deploy(update) == "UPDATE_COMPLETE"
