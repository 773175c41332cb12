"""No denial is out of force between a deployment's beginning and end, or the gap is named."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from org_constructs.evaluation.coverage import lost_denials
from org_constructs.guardrails import RegionDeny
from org_constructs.model.denials import Denials, Judge, K, Lost, as_documents
from org_constructs.rehearsal.gaps import Gap, Tree, find_gaps

ROOT, OLD, NEW = "r-ab12", "ou-ab12-11111111", "ou-ab12-22222222"
A, B, MANAGEMENT = "222222222222", "333333333333", "111111111111"
SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
JUDGES = pytest.mark.parametrize("judge", [as_documents, lost_denials])


def deny(*actions: str, **more: Any) -> dict[str, Any]:
    """Return a policy document that denies these actions."""
    statement = {"Effect": "Deny", "Action": list(actions), "Resource": "*", **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


def tree(*policies: tuple[str, dict[str, Any], Sequence[str]]) -> Tree:
    """Return two OUs, two accounts in the first, and these policies: id, content, targets."""
    return Tree.of(
        {
            "management_account_id": MANAGEMENT,
            "organizational_units": [
                {"id": OLD, "parent_id": ROOT},
                {"id": NEW, "parent_id": ROOT},
            ],
            "accounts": [
                {"id": MANAGEMENT, "parent_id": ROOT},
                {"id": A, "parent_id": OLD},
                {"id": B, "parent_id": OLD},
            ],
            "policies": [
                {
                    "id": id,
                    "type": RCP if "Principal" in content["Statement"][0] else SCP,
                    "content": content,
                    "targets": targets,
                }
                for id, content, targets in policies
            ],
        }
    )


def gaps_of(calls: Sequence[Any], start: Tree, judge: Judge = lost_denials) -> tuple[Gap, ...]:
    """Return the gaps, of which there is no doubt."""
    replay = find_gaps(calls, start, judge)
    assert replay.doubts == ()
    return replay.gaps


def log(*calls: tuple[str, dict[str, Any]] | tuple[str, dict[str, Any], Any]) -> list[Any]:
    """Return a call log of these writes: operation, parameters, result."""
    return [
        {
            "n": number,
            "operation": call[0],
            "params": call[1],
            "read": False,
            "result": call[2] if len(call) > 2 else {},
            "error": None,
        }
        for number, call in enumerate(calls, 1)
    ]


def attach(policy: str, target: str) -> tuple[str, dict[str, Any]]:
    """Return the call that attaches a policy."""
    return "AttachPolicy", {"PolicyId": policy, "TargetId": target}


def detach(policy: str, target: str) -> tuple[str, dict[str, Any]]:
    """Return the call that detaches a policy."""
    return "DetachPolicy", {"PolicyId": policy, "TargetId": target}


def move(account: str, source: str, destination: str) -> tuple[str, dict[str, Any]]:
    """Return the call that moves an account."""
    return "MoveAccount", {
        "AccountId": account,
        "SourceParentId": source,
        "DestinationParentId": destination,
    }


def create(policy: str, content: Any) -> tuple[str, dict[str, Any], Any]:
    """Return the call that creates a policy."""
    params = {"Type": SCP, "Content": json.dumps(content), "Name": policy}
    return "CreatePolicy", params, {"Policy": {"PolicySummary": {"Id": policy}}}


def joined(account: str) -> tuple[str, dict[str, Any], Any]:
    """Return the event that an account has been created."""
    status = {"State": "SUCCEEDED", "AccountId": account}
    return "CreateAccountResult", {}, {"CreateAccountStatus": status}


@JUDGES
class TestGapsThatMustBeCaught:
    """The shapes that one CloudFormation update opens."""

    def test_a_shared_policy_is_retargeted_together_with_its_accounts(self, judge: Judge) -> None:
        """The policy leaves the old OU before the accounts do."""
        calls = log(attach("p-1", NEW), detach("p-1", OLD), move(A, OLD, NEW), move(B, OLD, NEW))
        gaps = gaps_of(calls, tree(("p-1", deny("s3:*"), [OLD])), judge)
        assert [(gap.account, gap.call, gap.operation, gap.until) for gap in gaps] == [
            (A, 2, "DetachPolicy", 3),
            (B, 2, "DetachPolicy", 4),
        ]
        assert gaps[0].what == "Action s3:*"

    def test_a_guardrail_goes_from_an_ou_to_an_account_in_it(self, judge: Judge) -> None:
        """Another policy says the same on the account, but later than the first is gone."""
        calls = log(detach("p-1", OLD), create("p-2", deny("s3:*")), attach("p-2", A))
        gaps = gaps_of(calls, tree(("p-1", deny("s3:*"), [OLD])), judge)
        assert [(gap.account, gap.call, gap.until) for gap in gaps] == [(A, 1, 3)]

    def test_the_content_passes_from_one_policy_to_another(self, judge: Judge) -> None:
        """Of two actions of one statement only the one that is left out for a while is a gap."""
        calls = log(
            ("UpdatePolicy", {"PolicyId": "p-1", "Content": json.dumps(deny("s3:*"))}),
            ("UpdatePolicy", {"PolicyId": "p-2", "Content": json.dumps(deny("ec2:*", "iam:*"))}),
        )
        start = tree(("p-1", deny("s3:*", "ec2:*"), [OLD]), ("p-2", deny("iam:*"), [OLD]))
        gaps = gaps_of(calls, start, judge)
        assert {gap.what for gap in gaps} == {"Action ec2:*"}
        assert {(gap.call, gap.until) for gap in gaps} == {(1, 2)}

    def test_a_new_account_enters_before_its_ou_is_guarded(self, judge: Judge) -> None:
        """Until its OU's policies are attached, it belongs into the root."""
        new = "444444444444"
        calls = log(
            create("p-1", deny("s3:*")), joined(new), move(new, ROOT, OLD), attach("p-1", OLD)
        )
        gaps = gaps_of(calls, tree(), judge)
        assert [(gap.account, gap.call, gap.entered) for gap in gaps] == [(new, 3, True)]

    def test_a_policy_type_is_turned_off_and_on_again(self, judge: Judge) -> None:
        """All attachments of the type are gone with it."""
        calls = log(
            ("DisablePolicyType", {"RootId": ROOT, "PolicyType": SCP}),
            ("EnablePolicyType", {"RootId": ROOT, "PolicyType": SCP}),
            attach("p-1", OLD),
        )
        gaps = gaps_of(calls, tree(("p-1", deny("s3:*"), [OLD])), judge)
        assert {(gap.account, gap.call, gap.until) for gap in gaps} == {(A, 1, 3), (B, 1, 3)}

    def test_a_gap_in_the_root_reaches_everyone_but_the_management_account(
        self, judge: Judge
    ) -> None:
        """No service control policy binds the management account."""
        calls = log(detach("p-1", ROOT), attach("p-1", ROOT))
        gaps = gaps_of(calls, tree(("p-1", deny("s3:*"), [ROOT])), judge)
        assert {gap.account for gap in gaps} == {A, B}


@JUDGES
class TestNoGap:
    """What takes nothing away, or only what is meant to go."""

    def test_attached_to_the_new_ou_until_the_accounts_have_moved(self, judge: Judge) -> None:
        """The two-deployment sequence of a shared policy."""
        calls = log(attach("p-1", NEW), move(A, OLD, NEW), move(B, OLD, NEW), detach("p-1", OLD))
        assert gaps_of(calls, tree(("p-1", deny("s3:*"), [OLD])), judge) == ()

    def test_a_guardrail_that_is_removed_for_good(self, judge: Judge) -> None:
        """It does not hold afterwards, so nothing demands it meanwhile."""
        calls = log(detach("p-1", OLD), ("DeletePolicy", {"PolicyId": "p-1"}))
        assert gaps_of(calls, tree(("p-1", deny("s3:*"), [OLD])), judge) == ()

    def test_the_same_denial_written_otherwise(self, judge: Judge) -> None:
        """Order, Sids and lists of one make no difference."""
        one = deny("s3:*", Sid="One", Condition={"StringEquals": {"aws:PrincipalType": ["A", "B"]}})
        other = deny("iam:*", "s3:*", Condition={"StringEquals": {"aws:PrincipalType": ["B", "A"]}})
        calls = log(create("p-2", other), attach("p-2", OLD), detach("p-1", OLD))
        assert gaps_of(calls, tree(("p-1", one, [OLD])), judge) == ()

    def test_a_new_account_in_the_root(self, judge: Judge) -> None:
        """Its own policies can only follow it."""
        new = "444444444444"
        calls = log(
            joined(new),
            move(new, ROOT, OLD),
            create("p-2", deny("ec2:*")),
            attach("p-2", new),
        )
        assert gaps_of(calls, tree(("p-1", deny("s3:*"), [OLD])), judge) == ()

    def test_an_account_that_is_closed(self, judge: Judge) -> None:
        """It is not there afterwards, so nothing is demanded for it."""
        calls = log(("CloseAccount", {"AccountId": A}), detach("p-1", A), attach("p-1", B))
        assert gaps_of(calls, tree(("p-1", deny("s3:*"), [A])), judge) == ()

    @pytest.mark.parametrize("call", [{"result": None}, {"read": True}])
    def test_what_was_refused_or_only_read(self, judge: Judge, call: dict[str, Any]) -> None:
        """Nothing has changed by it."""
        (first, second) = log(detach("p-1", OLD), attach("p-1", OLD))
        calls = [{**first, **call}, {**second, **call}]
        assert gaps_of(calls, tree(("p-1", deny("s3:*"), [OLD])), judge) == ()


def update(policy: str, content: Any) -> tuple[str, dict[str, Any]]:
    """Return the call that gives a policy another content."""
    return "UpdatePolicy", {"PolicyId": policy, "Content": json.dumps(content)}


def fence(*regions: str) -> dict[str, Any]:
    """Return a policy that denies all Regions but some."""
    statements = RegionDeny(allowed_regions=regions).statements()
    return {"Version": "2012-10-17", "Statement": [s.to_json() for s in statements]}


def reached(*actions: str) -> dict[str, Any]:
    """Return a resource control policy."""
    return deny(*actions, Principal="*")


OWN = {"aws:ResourceTag/owner": "${aws:username}"}


class TestDecisions:
    """Denials are compared by what they mean; documents alone would say something else."""

    def test_a_fence_grows_on_one_path_while_it_shrinks_on_another(self) -> None:
        """The account changes from one fence to the other, and is outside both for a while."""
        start = tree(
            ("p-1", fence("eu-west-1"), [OLD]), ("p-2", fence("eu-west-1", "eu-west-2"), [NEW])
        )
        calls = log(
            update("p-1", fence("eu-west-1", "eu-west-2")),
            update("p-2", fence("eu-west-1")),
            move(A, OLD, NEW),
        )
        (gap,) = gaps_of(calls, start)
        assert (gap.account, gap.call, gap.until) == (A, 1, 3)
        assert gap.example == "ec2:RunInstances aws:RequestedRegion=eu-west-2"

    def test_a_fence_around_what_either_allows(self) -> None:
        """It denies all that is denied before and after."""
        calls = log(
            update("p-1", fence("eu-west-1", "us-east-1")), update("p-1", fence("us-east-1"))
        )
        assert gaps_of(calls, tree(("p-1", fence("eu-west-1"), [OLD]))) == ()

    def test_another_fence_in_the_end(self) -> None:
        """No document is the same before and after, and still the account lies bare between."""
        calls = log(
            detach("p-1", OLD), update("p-1", fence("eu-west-1", "eu-west-2")), attach("p-1", OLD)
        )
        start = tree(("p-1", fence("eu-west-1"), [OLD]))
        assert gaps_of(calls, start, as_documents) == ()
        gaps = gaps_of(calls, start)
        assert {(gap.account, gap.call, gap.until) for gap in gaps} == {(A, 1, 3), (B, 1, 3)}
        assert gaps[0].example == "ec2:RunInstances aws:RequestedRegion=us-east-1"

    def test_a_wider_denial_before_than_after(self) -> None:
        """What is denied by both is missed, and named by what is denied before."""
        calls = log(
            ("DeletePolicy", {"PolicyId": "p-1"}),
            create("p-2", deny("ec2:Run*")),
            attach("p-2", OLD),
        )
        start = tree(("p-1", deny("ec2:*"), [OLD]))
        assert gaps_of(calls, start, as_documents) == ()
        gap = gaps_of(calls, start)[0]
        assert (gap.what, gap.call, gap.until) == ("Action ec2:*", 1, 3)
        assert gap.example == "ec2:RunInstances"

    def test_two_statements_become_a_wider_one(self) -> None:
        """It is attached before they go; as documents both were lacking until they are back."""
        calls = log(
            create("p-2", deny("s3:*")),
            attach("p-2", OLD),
            detach("p-1", OLD),
            attach("p-1", OLD),
        )
        start = tree(("p-1", deny("s3:Get*", "s3:Put*"), [OLD]))
        assert len(gaps_of(calls, start, as_documents)) == 4
        assert gaps_of(calls, start) == ()

    def test_the_same_written_otherwise(self) -> None:
        """Another operator, the same meaning."""
        one = deny("s3:*", Condition={"StringNotEquals": {"aws:SourceVpc": ["vpc-1", "vpc-2"]}})
        other = deny(
            "s3:Get*",
            "s3:*",
            Condition={"StringNotLikeIfExists": {"aws:sourcevpc": ["vpc-2", "vpc-1"]}},
        )
        calls = log(update("p-1", other), update("p-1", one))
        start = tree(("p-1", one, [OLD]))
        assert gaps_of(calls, start, as_documents) != ()
        assert gaps_of(calls, start) == ()

    def test_a_resource_control_policy(self) -> None:
        """No service control policy stands in for it: strangers are bound by it alone."""
        calls = log(attach("p-2", OLD), detach("p-1", OLD), attach("p-1", OLD))
        start = tree(("p-1", reached("s3:Get*", "sqs:*"), [OLD]), ("p-2", deny("*"), [NEW]))
        gaps = gaps_of(calls, start)
        assert {(gap.what, gap.call) for gap in gaps} == {
            ("Action s3:Get*", 2),
            ("Action sqs:*", 2),
        }
        wider = tree(("p-1", reached("s3:Get*"), [OLD]), ("p-2", reached("s3:*"), [NEW]))
        assert gaps_of(calls, wider) == ()

    def test_a_new_account_under_another_denial(self) -> None:
        """What the root denies may stand for the policies that its OU lacks yet, or not."""
        new = "444444444444"
        calls = log(
            joined(new), move(new, ROOT, OLD), create("p-1", deny("s3:*")), attach("p-1", OLD)
        )
        assert gaps_of(calls, tree(("p-2", deny("s3:*", "ec2:*"), [ROOT]))) == ()
        (gap,) = gaps_of(calls, tree(("p-2", deny("s3:Get*"), [ROOT])))
        assert (gap.account, gap.call, gap.until, gap.entered) == (new, 2, 4, True)
        assert gap.example.startswith("s3:")

    def test_each_denial_has_its_own_example(self) -> None:
        """A request that the denial is about."""
        calls = log(detach("p-1", OLD), attach("p-1", OLD))
        gaps = gaps_of(calls, tree(("p-1", deny("s3:*", "sqs:*"), [OLD])))
        assert all(gap.example.startswith(gap.what[7:].rstrip("*")) for gap in gaps)

    def test_documents_where_it_cannot_be_told(self) -> None:
        """The gap says so."""
        one = deny("s3:*", Condition={"StringEquals": OWN})
        calls = log(update("p-1", deny("s3:*", Condition={"StringLike": OWN})), update("p-1", one))
        gap = gaps_of(calls, tree(("p-1", one, [OLD])))[0]
        assert "policy variables" in gap.undecided
        assert gap.example == ""

    def test_a_doubt(self) -> None:
        """Nothing is lacking as documents, and by decisions it cannot be told."""
        calls = log(
            update("p-1", deny("s3:*", Condition={"StringEqualsIgnoreCase": OWN})),
            update("p-1", deny("s3:*", Condition={"StringLike": OWN})),
        )
        start = tree(("p-1", deny("s3:*", Condition={"StringEquals": OWN}), [OLD]))
        replay = find_gaps(calls, start, lost_denials)
        assert replay.gaps == ()
        assert [(doubt.account, doubt.call, doubt.operation) for doubt in replay.doubts] == [
            (A, 1, "UpdatePolicy"),
            (B, 1, "UpdatePolicy"),
        ]
        assert all("policy variables" in doubt.why for doubt in replay.doubts)


def test_accounts_of_one_path_share_a_judgement() -> None:
    """However many there are, and however often a moment comes again."""
    asked = []

    def judge(before: Denials[K], after: Denials[K], now: Denials[K]) -> Lost[K]:
        asked.append(now)
        return as_documents(before, after, now)

    calls = log(*[detach("p-1", OLD), attach("p-1", OLD)] * 20, detach("p-2", A), attach("p-2", A))
    start = tree(("p-1", deny("s3:*"), [OLD]), ("p-2", deny("ec2:*"), [A]))
    assert len(gaps_of(calls, start, judge)) == 41
    assert len(asked) == 3


def test_a_call_whose_answer_was_lost() -> None:
    """It took effect, though its caller was told otherwise."""
    (first, second) = log(detach("p-1", OLD), attach("p-1", OLD))
    calls = [{**first, "error": {"code": "ServiceException"}}, second]
    assert len(gaps_of(calls, tree(("p-1", deny("s3:*"), [OLD])))) == 2


POLICIES = ("p-1", "p-2", "p-3")
TARGETS = (ROOT, OLD, NEW, A, B)
CONTENTS = (deny("s3:*"), deny("s3:*", "ec2:*"), deny("iam:*"), deny("ec2:*", "iam:*"))

starts = st.lists(
    st.tuples(
        st.sampled_from(POLICIES),
        st.sampled_from(CONTENTS),
        st.lists(st.sampled_from(TARGETS), unique=True, max_size=3),
    ),
    max_size=3,
    unique_by=lambda entry: entry[0],
).map(lambda policies: tree(*policies))
harmless = st.sampled_from(
    [
        ("TagResource", {"ResourceId": OLD, "Tags": []}),
        ("UpdateOrganizationalUnit", {"OrganizationalUnitId": OLD, "Name": "x"}),
        ("CreateAccount", {"Email": "x@corp.com", "AccountName": "x"}),
        ("UpdatePolicy", {"PolicyId": "p-1", "Name": "other"}),
        ("EnablePolicyType", {"RootId": ROOT, "PolicyType": SCP}),
    ]
)
placements = st.tuples(st.sampled_from(POLICIES), st.sampled_from(TARGETS))
attachments = placements.map(lambda pair: attach(*pair))
changes = st.one_of(
    attachments,
    placements.map(lambda pair: detach(*pair)),
    st.tuples(st.sampled_from([A, B]), st.sampled_from([OLD, NEW, ROOT])).map(
        lambda pair: move(pair[0], OLD, pair[1])
    ),
    st.tuples(st.sampled_from(POLICIES), st.sampled_from(CONTENTS)).map(
        lambda pair: ("UpdatePolicy", {"PolicyId": pair[0], "Content": json.dumps(pair[1])})
    ),
)


class TestProperties:
    """For any organization and any log."""

    @given(start=starts, calls=st.lists(harmless, max_size=8))
    def test_without_writes_to_policies_or_places_there_is_no_gap(
        self, start: Tree, calls: list[Any]
    ) -> None:
        """Names and tags take no denial away."""
        assert gaps_of(log(*calls), start) == ()

    @given(start=starts, calls=st.lists(st.one_of(attachments, harmless), max_size=8))
    def test_attaching_alone_opens_no_gap(self, start: Tree, calls: list[Any]) -> None:
        """What only adds takes nothing away."""
        assert gaps_of(log(*calls), start) == ()

    @given(start=starts, call=changes)
    def test_one_call_alone_opens_no_gap(self, start: Tree, call: Any) -> None:
        """There is no moment between the beginning and the end."""
        assert gaps_of(log(call), start) == ()

    @settings(max_examples=100)
    @given(start=starts, calls=st.lists(changes, min_size=1, max_size=8))
    def test_it_agrees_with_the_definition(self, start: Tree, calls: list[Any]) -> None:
        """Written naively: a denial of both ends that some state between lacks, and no other."""
        state, states = start.copy(), [start.binding()]
        for call in log(*calls):
            state.apply(call)
            states.append(state.binding())
        lacking = {
            (account, denial)
            for account, first in states[0].items()
            for denial in first & states[-1][account]
            if any(denial not in between[account] for between in states)
        }
        found = gaps_of(log(*calls), start, as_documents)
        assert {(gap.account, gap.denial) for gap in found} == lacking
        assert all(gap.call < gap.until for gap in found)

    @given(start=starts, calls=st.lists(changes, max_size=6))
    def test_it_changes_nothing(self, start: Tree, calls: list[Any]) -> None:
        """Asked twice it answers the same."""
        assert find_gaps(log(*calls), start) == find_gaps(log(*calls), start)
