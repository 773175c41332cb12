"""Gaps are judged by what policies deny: other words are no gap, and a request shows one."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from typing import Any

from org_constructs.checks._check import CheckContext, Finding, Severity
from org_constructs.checks.coverage_gaps import check
from org_constructs.guardrails import RegionDeny
from org_constructs.model import Lock, OrganizationModel

EXEMPT = {"aws:PrincipalTag/owner": "${aws:username}"}


def deny(*actions: str, operator: str = "", **more: Any) -> dict[str, Any]:
    """Return a statement, under a condition with a policy variable where an operator is given."""
    condition = {"Condition": {operator: EXEMPT}} if operator else {}
    return {"Effect": "Deny", "Action": list(actions), "Resource": "*", **condition, **more}


def fence(*regions: str) -> dict[str, Any]:
    """Return the statement of a fence."""
    (statement,) = RegionDeny(allowed_regions=regions).statements()
    return statement.to_json()


def model(**policies: dict[str, Any]) -> OrganizationModel:
    """Return an account under policies, one after the other, each of one statement."""
    resources: dict[str, Any] = {
        id: {
            "Type": "AWS::Organizations::Policy",
            "Properties": {
                "Name": id,
                "Type": "RESOURCE_CONTROL_POLICY"
                if "Principal" in statement
                else "SERVICE_CONTROL_POLICY",
                "Content": {"Version": "2012-10-17", "Statement": [statement]},
                "TargetIds": ["r-ab12"],
            },
        }
        for id, statement in policies.items()
    }
    resources["App"] = {
        "Type": "AWS::Organizations::Account",
        "Properties": {"AccountName": "App", "Email": "a@corp.com", "ParentIds": ["r-ab12"]},
    }
    for before, after in pairwise(resources):
        resources[after]["DependsOn"] = [before]
    return OrganizationModel.from_templates({"S": {"Resources": resources}})


def found(before: OrganizationModel, after: OrganizationModel) -> list[Finding]:
    """Return what is found where one is deployed and the other is to be."""
    return list(check(CheckContext(model=after, lock=Lock.of(before))))


class TestNoGap:
    """One policy gives way to another that says as much."""

    def test_a_wider_denial_stands_in(self) -> None:
        """The statement passes to another policy later; meanwhile a wider one is there."""
        before = model(First=deny("s3:*"), Second=deny("s3:Get*"))
        assert found(before, model(First=deny("ec2:*"), Second=deny("s3:Get*"))) == []
        assert found(before, model(First=deny("s3:*", "iam:*"), Second=deny("ec2:*"))) == []

    def test_other_words(self) -> None:
        """In other words in another policy first, and then in the same words again."""
        first = deny("s3:*", Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})
        same = deny("s3:*", Condition={"StringLike": {"aws:sourcevpc": ["vpc-1"]}})
        assert found(model(A=deny("iam:*"), B=first), model(A=same, B=deny("iam:*"))) != []
        assert found(model(A=same, B=first), model(A=deny("ec2:*"), B=same)) == []

    def test_a_fence_that_is_moved(self) -> None:
        """It allows another Region afterwards; what neither allows stays denied."""
        assert found(model(A=fence("eu-west-1")), model(A=fence("eu-west-2"))) == []


class TestGap:
    """What is denied before and after, and not meanwhile."""

    def test_a_request_would_pass(self) -> None:
        """No statement is the same before and after."""
        gaps = found(
            model(A=fence("eu-west-1"), B=deny("iam:*")),
            model(A=deny("iam:*"), B=fence("eu-west-1", "eu-west-2")),
        )
        (gap,) = [gap for gap in gaps if "'S/App'" in gap.message]
        assert (gap.code, gap.severity) == ("ORG131", Severity.FATAL)
        assert gap.message.endswith(
            "a request that would pass: ec2:RunInstances aws:RequestedRegion=us-east-1"
        )

    def test_resource_control_policies(self) -> None:
        """They are compared among themselves."""
        rcp = deny("s3:*", Principal="*")
        gaps = found(model(A=rcp, B=deny("s3:*")), model(A=deny("iam:*"), B=deny("s3:*"), C=rcp))
        assert {gap.code for gap in gaps} == {"ORG131"}

    def test_documents_where_it_cannot_be_told(self) -> None:
        """The message says why."""
        one, other = (deny("s3:*", operator=o) for o in ("StringEquals", "StringLike"))
        gaps = found(model(A=one, B=other), model(A=deny("iam:*"), B=other, C=one))
        assert {gap.code for gap in gaps} == {"ORG131"}
        assert "compared as documents, since a request" in gaps[0].message


class TestDoubt:
    """Nothing is lacking as documents, and it cannot be told whether something is."""

    def test_policy_variables(self) -> None:
        """Advice, not a refusal."""
        first, then, last = (
            deny("s3:*", operator=o)
            for o in ("StringEquals", "StringEqualsIgnoreCase", "StringLike")
        )
        doubts = found(model(A=first, B=then), model(A=deny("iam:*"), B=then, C=last))
        assert {(doubt.code, doubt.severity) for doubt in doubts} == {("ORG040", Severity.WARNING)}

    def test_a_lock_of_hashes(self) -> None:
        """As older releases wrote it."""
        before = model(A=deny("s3:*"), B=deny("ec2:*"))
        after = model(A=deny("iam:*"), B=deny("ec2:Run*"))
        lock = replace(Lock.of(before), statements=())
        (doubt,) = check(CheckContext(model=after, lock=lock))
        assert doubt.code == "ORG040"
        assert "hashes only" in doubt.message


def test_equivalence_is_loaded_when_it_is_needed() -> None:
    """Where no document is lacking, nothing is compared and nothing is read for it."""
    program = """
import json, sys
from org_constructs.checks import coverage_gaps
from org_constructs.checks._check import CheckContext
from org_constructs.model import Lock, OrganizationModel
model = OrganizationModel.from_templates({"S": json.loads(sys.argv[1])})
assert list(coverage_gaps.check(CheckContext(model=model, lock=Lock.of(model)))) == []
assert "org_constructs.evaluation.coverage" not in sys.modules
"""
    policy = {
        "Type": "AWS::Organizations::Policy",
        "Properties": {
            "Name": "A",
            "Type": "SERVICE_CONTROL_POLICY",
            "Content": {"Version": "2012-10-17", "Statement": [deny("s3:*")]},
            "TargetIds": ["r-ab12"],
        },
    }
    template = json.dumps({"Resources": {"A": policy}})
    done = subprocess.run(
        [sys.executable, "-c", program, template], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
