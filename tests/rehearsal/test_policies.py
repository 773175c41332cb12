"""Policy types, policies, attachments, the grammar of documents, the resource policy."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

MANAGEMENT = "111111111111"
SCP = "SERVICE_CONTROL_POLICY"
RCP = "RESOURCE_CONTROL_POLICY"
DENY = {"Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*"}


def scp(*statements: dict[str, Any]) -> str:
    """Return an SCP's document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class TestPolicyTypes:
    """Switching policy types on and off."""

    def test_enabling_takes_its_time(self, backend: Any) -> None:
        """PENDING_ENABLE first; nothing is attached until it is ENABLED."""
        root = backend.create_organization(policy_type=None)
        answer = backend.call("EnablePolicyType", RootId=root, PolicyType=SCP)
        assert answer["Root"]["PolicyTypes"] == [{"Type": SCP, "Status": "PENDING_ENABLE"}]
        assert backend.attached(root) == []
        error = backend.refused("EnablePolicyType", RootId=root, PolicyType=SCP)
        assert error.code == "PolicyTypeAlreadyEnabledException"
        backend.service.clock.advance(60)
        types = backend.call("ListRoots")["Roots"][0]["PolicyTypes"]
        assert types == [{"Type": SCP, "Status": "ENABLED"}]

    def test_full_access_is_attached_to_everything(self, backend: Any) -> None:
        """To what exists when SCPs are enabled, and to each new OU and account."""
        root = backend.create_organization(policy_type=None)
        unit = backend.create_unit(root, "before")
        account = backend.create_account("before")
        backend.enable(root, SCP)
        after = (backend.create_unit(root, "after"), backend.create_account("after"))
        for target in (root, unit, account, MANAGEMENT, *after):
            assert backend.attached(target) == ["FullAWSAccess"]

    def test_disabling_loses_the_attachments(self, backend: Any) -> None:
        """Enabling again brings back FullAWSAccess only."""
        root = backend.create_organization()
        backend.call("AttachPolicy", PolicyId=backend.create_policy(), TargetId=root)
        backend.call("DisablePolicyType", RootId=root, PolicyType=SCP)
        assert backend.refused("EnablePolicyType", RootId=root, PolicyType=SCP).code == (
            "PolicyChangesInProgressException"
        )
        backend.service.clock.advance(60)
        assert backend.attached(root) == []
        error = backend.refused("DisablePolicyType", RootId=root, PolicyType=SCP)
        assert error.code == "PolicyTypeNotEnabledException"
        backend.enable(root, SCP)
        assert backend.attached(root) == ["FullAWSAccess"]

    def test_only_the_own_root_is_accepted(self, backend: Any) -> None:
        """Another root is not found."""
        backend.create_organization()
        error = backend.refused("EnablePolicyType", RootId="r-none", PolicyType=SCP)
        assert error.code == "RootNotFoundException"

    def test_consolidated_billing_has_no_policies(self, backend: Any) -> None:
        """Neither types nor policies."""
        backend.call("CreateOrganization", FeatureSet="CONSOLIDATED_BILLING")
        root = backend.call("ListRoots")["Roots"][0]["Id"]
        unavailable = "PolicyTypeNotAvailableForOrganizationException"
        error = backend.refused("EnablePolicyType", RootId=root, PolicyType=SCP)
        assert error.code == unavailable
        error = backend.refused(
            "CreatePolicy", Name="x", Type=SCP, Content=scp(DENY), Description=""
        )
        assert error.code == unavailable


class TestAttachments:
    """Attaching and detaching."""

    def test_the_type_must_be_enabled(self, backend: Any) -> None:
        """A policy of a type that is off exists, and cannot be attached."""
        root = backend.create_organization(policy_type=None)
        policy = backend.create_policy()
        error = backend.refused("AttachPolicy", PolicyId=policy, TargetId=root)
        assert error.code == "PolicyTypeNotEnabledException"

    def test_a_policy_is_attached_once(self, backend: Any) -> None:
        """And seen from both sides."""
        root = backend.create_organization()
        unit, account, policy = (
            backend.create_unit(root, "x"),
            backend.create_account("audit"),
            backend.create_policy(),
        )
        for target in (root, unit, account):
            backend.call("AttachPolicy", PolicyId=policy, TargetId=target)
            assert backend.attached(target) == ["FullAWSAccess", "deny-leaving"]
        error = backend.refused("AttachPolicy", PolicyId=policy, TargetId=unit)
        assert error.code == "DuplicatePolicyAttachmentException"
        targets = backend.call("ListTargetsForPolicy", PolicyId=policy)["Targets"]
        assert {(entry["TargetId"], entry["Type"], entry["Name"]) for entry in targets} == {
            (root, "ROOT", "Root"),
            (unit, "ORGANIZATIONAL_UNIT", "x"),
            (account, "ACCOUNT", "audit"),
        }

    def test_slots_are_limited(self, backend: Any) -> None:
        """Ten SCPs on one target, FullAWSAccess included."""
        root = backend.create_organization()
        for number in range(9):
            policy = backend.create_policy(f"policy-{number}")
            backend.call("AttachPolicy", PolicyId=policy, TargetId=root)
        error = backend.refused(
            "AttachPolicy", PolicyId=backend.create_policy("policy-9"), TargetId=root
        )
        assert error.reason == "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"

    def test_the_last_scp_stays(self, backend: Any) -> None:
        """FullAWSAccess can be detached when something else is attached, not before."""
        root = backend.create_organization()
        full = {"PolicyId": "p-FullAWSAccess", "TargetId": root}
        error = backend.refused("DetachPolicy", **full)
        assert error.reason == "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"
        backend.call("AttachPolicy", PolicyId=backend.create_policy(), TargetId=root)
        backend.call("DetachPolicy", **full)
        assert backend.attached(root) == ["deny-leaving"]
        assert backend.refused("DetachPolicy", **full).code == "PolicyNotAttachedException"

    def test_the_default_rcp_cannot_be_detached(self, backend: Any) -> None:
        """Unlike that of SCPs."""
        root = backend.create_organization(policy_type=RCP)
        assert backend.attached(root, RCP) == ["RCPFullAWSAccess"]
        error = backend.refused("DetachPolicy", PolicyId="p-RCPFullAWSAccess", TargetId=root)
        assert error.reason == "NON_DETACHABLE_POLICY"

    def test_other_types_may_be_detached_to_the_last(self, backend: Any) -> None:
        """Tag policies have no default and no minimum."""
        root = backend.create_organization(policy_type="TAG_POLICY")
        assert backend.attached(root, "TAG_POLICY") == []
        policy = backend.create_policy("tags", "TAG_POLICY", '{"tags":{}}')
        backend.call("AttachPolicy", PolicyId=policy, TargetId=root)
        backend.call("DetachPolicy", PolicyId=policy, TargetId=root)
        assert backend.attached(root, "TAG_POLICY") == []

    def test_unknown_policies_and_targets(self, backend: Any) -> None:
        """Each is named by its own error."""
        root = backend.create_organization()
        for operation in ("AttachPolicy", "DetachPolicy"):
            error = backend.refused(operation, PolicyId="p-12345678", TargetId=root)
            assert error.code == "PolicyNotFoundException"
            error = backend.refused(
                operation, PolicyId="p-FullAWSAccess", TargetId="ou-none-12345678"
            )
            assert error.code == "TargetNotFoundException"


class TestPolicies:
    """Policies themselves."""

    def test_a_policy_is_kept_as_it_was_sent(self, backend: Any) -> None:
        """White space included: AWS counts and returns it."""
        backend.create_organization()
        content = json.dumps(json.loads(scp(DENY)), indent=2)
        policy = backend.create_policy(content=content)
        described = backend.call("DescribePolicy", PolicyId=policy)["Policy"]
        assert described["Content"] == content
        assert described["PolicySummary"]["AwsManaged"] is False
        assert described["PolicySummary"]["Arn"].endswith(f"/service_control_policy/{policy}")
        names = [p["Name"] for p in backend.call("ListPolicies", Filter=SCP)["Policies"]]
        assert names == ["FullAWSAccess", "deny-leaving"]

    def test_names_are_unique_per_type(self, backend: Any) -> None:
        """On creation and on renaming."""
        backend.create_organization()
        backend.create_policy("one")
        two = backend.create_policy("two")
        backend.create_policy("one", "TAG_POLICY", "{}")
        error = backend.refused("UpdatePolicy", PolicyId=two, Name="one")
        assert error.code == "DuplicatePolicyException"
        error = backend.refused(
            "CreatePolicy", Name="one", Type=SCP, Content=scp(DENY), Description=""
        )
        assert error.code == "DuplicatePolicyException"

    def test_an_update_changes_what_is_given(self, backend: Any) -> None:
        """And leaves the rest."""
        backend.create_organization()
        policy = backend.create_policy()
        backend.call("UpdatePolicy", PolicyId=policy, Description="why")
        summary = backend.call("DescribePolicy", PolicyId=policy)["Policy"]["PolicySummary"]
        assert (summary["Name"], summary["Description"]) == ("deny-leaving", "why")

    def test_size_is_limited(self, backend: Any) -> None:
        """10,240 characters for an SCP, exactly, on creation and on update."""
        backend.create_organization()
        fits = scp(DENY) + " " * (10_240 - len(scp(DENY)))
        policy = backend.create_policy(content=fits)
        error = backend.refused("UpdatePolicy", PolicyId=policy, Content=fits + " ")
        assert (error.code, error.reason) == (
            "ConstraintViolationException",
            "POLICY_CONTENT_LIMIT_EXCEEDED",
        )

    def test_number_is_limited(self, make_backend: Callable[..., Any]) -> None:
        """Per type; AWS's own do not count."""
        backend = make_backend(quotas={"scps": 1})
        backend.create_organization()
        backend.create_policy("one")
        error = backend.refused(
            "CreatePolicy", Name="two", Type=SCP, Content=scp(DENY), Description=""
        )
        assert error.reason == "POLICY_NUMBER_LIMIT_EXCEEDED"

    def test_an_attached_policy_is_not_deleted(self, backend: Any) -> None:
        """It must be detached everywhere first."""
        root = backend.create_organization()
        policy = backend.create_policy()
        backend.call("AttachPolicy", PolicyId=policy, TargetId=root)
        assert backend.refused("DeletePolicy", PolicyId=policy).code == "PolicyInUseException"
        backend.call("DetachPolicy", PolicyId=policy, TargetId=root)
        backend.call("DeletePolicy", PolicyId=policy)
        error = backend.refused("DescribePolicy", PolicyId=policy)
        assert error.code == "PolicyNotFoundException"

    @pytest.mark.parametrize("operation", ["UpdatePolicy", "DeletePolicy"])
    def test_policies_of_aws_are_not_touched(self, backend: Any, operation: str) -> None:
        """They are immutable."""
        backend.create_organization()
        assert backend.refused(operation, PolicyId="p-FullAWSAccess").reason == "IMMUTABLE_POLICY"


class TestDocuments:
    """The grammar that AWS enforces when a document is stored."""

    @pytest.mark.parametrize(
        "content",
        [
            scp(DENY),
            scp({"Sid": "A1", **DENY}, {"Sid": "B2", **DENY}),
            scp({"Effect": "Allow", "Action": "*", "Resource": "*"}),
            scp({"Effect": "Deny", "NotAction": ["s3:Get*", "sts:*"], "NotResource": "arn:*"}),
            scp({**DENY, "Action": "ec2:*Instance?", "Condition": {"Bool": {"a": "true"}}}),
            json.dumps({"Version": "2012-10-17", "Statement": DENY}),
        ],
    )
    def test_what_an_scp_may_say(self, backend: Any, content: str) -> None:
        """All elements of the full language."""
        backend.create_organization()
        backend.create_policy(content=content)

    @pytest.mark.parametrize(
        "content",
        [
            "not json",
            "[]",
            '{"Version": "2012-10-17"}',
            json.dumps({"Version": "2008-10-17", "Statement": [DENY]}),
            json.dumps({"Statement": [DENY]}),
            json.dumps({"Version": "2012-10-17", "Statement": [DENY], "Comment": "x"}),
            scp(),
            json.dumps({"Version": "2012-10-17", "Statement": ["x"]}),
            scp({**DENY, "Principal": "*"}),
            scp({**DENY, "Effect": "deny"}),
            scp({**DENY, "NotAction": "s3:*"}),
            scp({"Effect": "Deny", "Resource": "*"}),
            scp({"Effect": "Deny", "Action": "s3:*"}),
            scp({**DENY, "Action": "S3:*"}),
            scp({**DENY, "Action": "everything"}),
            scp({**DENY, "Action": 5}),
            scp({**DENY, "Resource": [5]}),
            scp({**DENY, "Sid": "has space"}),
            scp({"Sid": "A", **DENY}, {"Sid": "A", **DENY}),
            scp({**DENY, "Condition": "x"}),
        ],
    )
    def test_what_an_scp_may_not_say(self, backend: Any, content: str) -> None:
        """Each is refused as malformed, on creation and on update."""
        backend.create_organization()
        malformed = "MalformedPolicyDocumentException"
        error = backend.refused("CreatePolicy", Name="x", Type=SCP, Content=content, Description="")
        assert error.code == malformed
        policy = backend.create_policy()
        assert backend.refused("UpdatePolicy", PolicyId=policy, Content=content).code == malformed

    def test_what_an_rcp_may_say(self, backend: Any) -> None:
        """Deny, to everyone, actions of services that are named."""
        backend.create_organization()
        statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
        backend.create_policy("rcp", RCP, scp(statement))
        for wrong in (
            {"Effect": "Allow"},
            {"Principal": {"AWS": "*"}},
            {"Action": "*"},
            {"NotAction": "s3:*"},
        ):
            content = scp({**statement, **wrong})
            error = backend.refused(
                "CreatePolicy", Name="x", Type=RCP, Content=content, Description=""
            )
            assert error.code == "MalformedPolicyDocumentException"


class TestResourcePolicy:
    """The delegation policy."""

    CONTENT = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",'
        '"Principal":{"AWS":"222222222222"},"Action":"organizations:ListRoots","Resource":"*"}]}'
    )

    def test_there_is_at_most_one(self, backend: Any) -> None:
        """A second put replaces the content and keeps the id."""
        backend.create_organization()
        first = backend.call("PutResourcePolicy", Content=self.CONTENT)["ResourcePolicy"]
        other = self.CONTENT.replace("ListRoots", "ListPolicies")
        second = backend.call("PutResourcePolicy", Content=other)["ResourcePolicy"]
        assert first["ResourcePolicySummary"] == second["ResourcePolicySummary"]
        described = backend.call("DescribeResourcePolicy")["ResourcePolicy"]
        assert described["Content"] == other
        backend.call("DeleteResourcePolicy")
        for operation in ("DescribeResourcePolicy", "DeleteResourcePolicy"):
            error = backend.refused(operation)
            assert error.code == "ResourcePolicyNotFoundException"

    def test_content_is_checked(self, backend: Any) -> None:
        """It is a JSON object of at most 40,000 characters."""
        backend.create_organization()
        for content in ("x", "[]"):
            error = backend.refused("PutResourcePolicy", Content=content)
            assert error.reason == "INVALID_RESOURCE_POLICY_JSON"
        for condition in ('"x"', "[]", '{"StringEquals": "x"}', '{"StringEquals": {"x": []}}'):
            content = self.CONTENT.replace('"Resource"', f'"Condition":{condition},"Resource"')
            error = backend.refused("PutResourcePolicy", Content=content)
            assert error.reason == "INVALID_RESOURCE_POLICY_JSON"
        error = backend.refused("PutResourcePolicy", Content=" " * 40_001)
        assert error.reason == "MAX_LENGTH_EXCEEDED"
