"""What nothing orders is written at the same time, and AWS Organizations takes one write at a time."""

from __future__ import annotations

import time
from typing import Any

import pytest
from stack_harness import BASE, Cloud, account, after, get, resource, scp, unit

from org_constructs.rehearsal.cloudformation import Waves, Writer, reverse

CREATE = "CreateOrganizationalUnit"
DELETE = "DeleteOrganizationalUnit"


def joined(waves: Waves, *logical_ids: str) -> list[str]:
    """Let resources write in turn and return what each one meets."""
    return [
        " ".join(writer.logical_id for writer in waves.join(Writer(logical_id, "Write")))
        for logical_id in logical_ids
    ]


class TestWaves:
    """Who is in a wave with whom."""

    def test_a_chain_never_meets(self) -> None:
        """Each waits for the one before, directly or not."""
        waves = Waves({"a": [], "b": ["a"], "between": ["b"], "c": ["between"]})
        assert joined(waves, "a", "b", "c") == ["", "", ""]

    def test_siblings_meet(self) -> None:
        """Each one all that come before."""
        needs = {"a": ["x"], "b": ["x"], "c": ["x"], "x": []}
        assert joined(Waves(needs), "x", "a", "b", "c") == ["", "", "a", "a b"]

    def test_two_chains_meet_link_by_link(self) -> None:
        """Whatever the order in which they join."""
        needs = {"a1": [], "a2": ["a1"], "b1": [], "b2": ["b1"]}
        assert joined(Waves(needs), "a1", "a2", "b1", "b2") == ["", "", "a1", "a2"]

    def test_what_does_not_write_is_in_no_wave(self) -> None:
        """And does not keep apart what it stands between."""
        needs: dict[str, list[str]] = {"a": [], "unchanged": [], "b": ["unchanged"]}
        assert joined(Waves(needs), "a", "b") == ["", "a"]

    def test_the_longest_chain_before_counts(self) -> None:
        """A resource waits for all that it needs."""
        needs = {"a": [], "b": ["a"], "c": ["a", "b"], "d": ["b"]}
        assert joined(Waves(needs), "a", "b", "c", "d") == ["", "", "", "c"]

    def test_deletions_go_the_other_way(self) -> None:
        """What is needed goes after those that need it."""
        assert reverse({"a": [], "b": ["a"], "c": ["a"]}) == {
            "a": {"b", "c"},
            "b": set(),
            "c": set(),
        }


class TestCreations:
    """The SDK's attempts outlast one other writer."""

    def test_two_units_pass(self, cloud: Cloud) -> None:
        """The second one meets the first one, once."""
        assert cloud.deploy(BASE) == "CREATE_COMPLETE"
        assert cloud.conflicts() == [(CREATE, "A")]

    def test_the_third_fails(self, cloud: Cloud) -> None:
        """The message says what is missing."""
        assert cloud.deploy({**BASE, "C": unit("C")}) == "CREATE_FAILED"
        assert cloud.conflicts() == [(CREATE, "A"), (CREATE, "A"), (CREATE, "B")]
        (reason,) = [text for text in cloud.reasons() if text.startswith("Resource handler")]
        assert "ResourceConflict" in reason
        assert "nothing orders this resource and 'B'" in reason

    def test_a_chain_is_never_touched(self, cloud: Cloud) -> None:
        """By DependsOn, Ref, Fn::GetAtt or Fn::Sub, directly or through others."""
        handle = {"Type": "AWS::CloudFormation::WaitConditionHandle", "DependsOn": "C"}
        resources = {
            **BASE,
            "B": after("A", unit("B")),
            "C": unit("C", {"Fn::Sub": "${B}"}),
            "Between": handle,
            "D": after("Between", unit("D", {"Ref": "A"})),
        }
        assert cloud.deploy(resources) == "CREATE_COMPLETE"
        assert cloud.conflicts() == []

    def test_two_accounts_do_not_pass(self, cloud: Cloud) -> None:
        """An account in creation takes longer than the SDK is patient: DependsOn is required."""
        resources = {**BASE, "B": after("A", unit("B"))}
        accounts = {name: account(get("B"), name=name) for name in ("one", "two")}
        assert cloud.deploy({**resources, **accounts}) == "CREATE_FAILED"
        assert cloud.conflicts() == [("CreateAccount", "one")]
        assert "two" not in cloud.accounts()
        accounts["two"] = after("one", accounts["two"])
        assert cloud.deploy({**resources, **accounts}) == "UPDATE_COMPLETE"
        assert cloud.conflicts() == []

    def test_an_account_beside_a_policy_passes(self, organization: Cloud) -> None:
        """That one is quick."""
        resources = {**BASE, "A1": scp(get("A")), "Account": account(get("A"))}
        assert organization.deploy(resources) == "UPDATE_COMPLETE"
        assert organization.conflicts() == [("CreateAccount", "A1")]

    def test_a_condition_that_is_false_orders_nothing(self, cloud: Cloud) -> None:
        """What does not exist is in no chain."""
        never = {"Fn::Equals": ["a", "b"]}
        between = {**unit("Between"), "Condition": "Never", "DependsOn": "A"}
        resources = {**BASE, "Between": between, "B": after("Between", unit("B"))}
        assert cloud.deploy(resources, conditions={"Never": never}) == "CREATE_COMPLETE"
        assert cloud.conflicts() == [(CREATE, "A")]

    def test_it_can_be_switched_off(self, cloud: Cloud) -> None:
        """Then everything passes, as when AWS is quick."""
        cloud.aws.configure(side_by_side=False)
        assert cloud.deploy({**BASE, "C": unit("C"), "D": unit("D")}) == "CREATE_COMPLETE"
        assert cloud.conflicts() == []


class TestChanges:
    """The handler's attempts outlast two other writers."""

    @staticmethod
    def units(names: str, **tags: str) -> dict[str, Any]:
        """Return OUs in a chain."""
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        resources: dict[str, Any] = {"Organization": resource("Organization")}
        before = "Organization"
        root = {"Fn::GetAtt": ["Organization", "RootId"]}
        for name in names:
            definition = resource("OrganizationalUnit", None, Name=name, ParentId=root, Tags=pairs)
            resources[name] = after(before, definition)
            before = name
        return resources

    @staticmethod
    def loosened(resources: dict[str, Any]) -> dict[str, Any]:
        """Return the same resources without the chain."""
        return {
            key: {name: value for name, value in definition.items() if name != "DependsOn"}
            for key, definition in resources.items()
        }

    @pytest.mark.parametrize(("names", "status"), [("ABC", "COMPLETE"), ("ABCD", "FAILED")])
    def test_three_pass_and_the_fourth_fails(self, cloud: Cloud, names: str, status: str) -> None:
        """After two further attempts."""
        cloud.deploy(self.units(names))
        changed = self.loosened(self.units(names, a="b"))
        assert cloud.deploy(changed) == f"UPDATE_{status}"
        met = [other for _, other in cloud.conflicts()]
        assert met[:3] == ["A", "A", "B"]
        assert met[3:] == (["A", "B", "C"] if status == "FAILED" else [])

    def test_what_is_not_changed_meets_nothing(self, cloud: Cloud) -> None:
        """Only what an update changes writes."""
        resources = self.units("ABCDE")
        cloud.deploy(resources)
        resources = self.loosened(resources)
        resources["E"] = {
            **resources["E"],
            "Properties": {**resources["E"]["Properties"], "Name": "F"},
        }
        assert cloud.deploy(resources) == "UPDATE_COMPLETE"
        assert cloud.conflicts() == []

    def test_deletions_meet_too(self, cloud: Cloud) -> None:
        """A failed one leaves the resource in the stack and does not fail the update."""
        organization = self.units("")
        cloud.deploy(self.units("ABCD"))
        loose = {**self.loosened(self.units("ABCD")), "Marker": self.marker()}
        cloud.deploy(loose)
        assert cloud.deploy({**organization, "Marker": self.marker()}) == "UPDATE_COMPLETE"
        assert [other for _, other in cloud.conflicts()] == ["D", "D", "C", "D", "C", "B"]
        assert [reason for reason in cloud.reasons() if "'B'" in reason]
        assert cloud.deploy(organization) == "UPDATE_COMPLETE"
        assert cloud.writes() == [DELETE]

    def test_a_deleted_chain_meets_nothing(self, cloud: Cloud) -> None:
        """Dependents go first."""
        cloud.deploy(self.units("ABCD"))
        assert cloud.delete() == "DELETE_COMPLETE"
        assert cloud.conflicts() == []
        assert cloud.writes() == [DELETE] * 4

    @staticmethod
    def marker() -> dict[str, Any]:
        """Return a resource that only makes a difference."""
        return {"Type": "AWS::CloudFormation::WaitConditionHandle"}


def test_waiting_costs_no_time(cloud: Cloud) -> None:
    """The clock is moved."""
    began = time.monotonic()
    cloud.deploy({**BASE, "C": unit("C"), "D": unit("D")})
    assert time.monotonic() - began < 5
