"""Rules of EventBridge: schedules on the clock, patterns on AWS's events, and their functions."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import Any

import pytest
from stack_harness import Cloud, get

from org_constructs.rehearsal import EmbeddedAws, RehearsalError

INVITED = "222222222222"
# Fails at an event that says so.
SOURCE = """
def handler(event, context):
    if "fail" in event:
        raise ValueError(f"told to fail by {event['fail']}")
"""
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    },
}
ACCEPTED = {
    "source": ["aws.organizations"],
    "detail-type": ["AWS API Call via CloudTrail", "AWS Service Event via CloudTrail"],
    "detail": {"eventName": ["AcceptHandshake", "AccountJoinedOrganization"]},
}


def rule(target_input: Any, **properties: Any) -> dict[str, Any]:
    """Return a rule that invokes the function."""
    target = {"Id": "sweep", "Arn": get("Sweep", "Arn"), "Input": target_input}
    return {"Type": "AWS::Events::Rule", "Properties": {"Targets": [target], **properties}}


def permission(rule_id: str) -> dict[str, Any]:
    """Return the permission of a rule to invoke the function."""
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": get("Sweep", "Arn"),
            "Principal": "events.amazonaws.com",
            "SourceArn": get(rule_id, "Arn"),
        },
    }


def template(**resources: Any) -> dict[str, Any]:
    """Return a function with what else a stack has."""
    properties = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": get("Role", "Arn"),
        "Code": {"ZipFile": SOURCE},
        "Timeout": 10,
    }
    return {
        "Role": ROLE,
        "Sweep": {"Type": "AWS::Lambda::Function", "Properties": properties},
        **resources,
    }


def scheduled(target_input: Any = '{"by": "schedule"}', every: str = "15 minutes") -> Any:
    """Return a template with a rule on a schedule."""
    return template(
        Schedule=rule(target_input, ScheduleExpression=f"rate({every})"),
        MayInvoke=permission("Schedule"),
    )


def on_acceptance() -> dict[str, Any]:
    """Return a template with a rule on acceptances."""
    return template(
        Accepted=rule('{"by": "event"}', EventPattern=ACCEPTED), MayInvoke=permission("Accepted")
    )


def accept(aws: EmbeddedAws) -> None:
    """Let an account be invited and accept."""
    client = aws.client("organizations")
    client.create_organization()
    invited = client.invite_account_to_organization(Target={"Id": INVITED, "Type": "ACCOUNT"})
    theirs = aws.client("organizations", INVITED)
    theirs.accept_handshake(HandshakeId=invited["Handshake"]["Id"])


class TestSchedules:
    """Rules with a schedule."""

    def test_it_fires_when_the_clock_passes_its_interval(self, cloud: Cloud) -> None:
        """Counted from its creation; once, however many intervals are skipped."""
        assert cloud.deploy(scheduled()) == "CREATE_COMPLETE"
        cloud.aws.advance(14 * 60)
        assert cloud.aws.wait_for_functions() == []
        cloud.aws.advance(2 * 60)
        (one,) = cloud.aws.wait_for_functions()
        assert one["rule"].startswith("Org-Schedule")
        assert (one["event"], one["error"], one["attempts"]) == ({"by": "schedule"}, None, 1)
        cloud.aws.advance(3600)
        assert len(cloud.aws.wait_for_functions()) == 2
        assert cloud.aws.wait_for_functions(since=2) == []

    def test_it_fires_when_it_is_told_to(self, cloud: Cloud) -> None:
        """Unless it is disabled."""
        cloud.deploy(scheduled())
        (name,) = cloud.aws.run_schedules()
        assert len(cloud.aws.wait_for_functions()) == 1
        cloud.aws.client("events").disable_rule(Name=name)
        assert cloud.aws.run_schedules() == []

    def test_it_fires_by_itself_where_schedules_run(self, aws: EmbeddedAws) -> None:
        """Otherwise time that nobody moves fires nothing."""
        events = aws.client("events")
        events.put_rule(Name="often", ScheduleExpression="rate(1 minute)", State="DISABLED")
        arn = f"arn:aws:lambda:us-east-1:{aws.account_id}:function:gone"
        events.put_targets(Rule="often", Targets=[{"Id": "gone", "Arn": arn}])
        aws.advance(61)
        events.enable_rule(Name="often")
        time.sleep(0.4)
        assert aws.invocations() == []
        aws.configure(schedules=True)
        deadline = time.monotonic() + 10
        while not aws.invocations() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert [entry["rule"] for entry in aws.invocations()] == ["often"]

    def test_a_rule_on_certain_hours_counts_from_its_creation(self, aws: EmbeddedAws) -> None:
        """The first hour after it is not left out."""
        events, queues = aws.client("events"), aws.client("sqs")
        queue = queues.create_queue(QueueName="ticks")["QueueUrl"]
        events.put_rule(Name="hourly", ScheduleExpression="cron(0 * * * ? *)")
        arn = f"arn:aws:sqs:us-east-1:{aws.account_id}:ticks"
        events.put_targets(Rule="hourly", Targets=[{"Id": "queue", "Arn": arn}])
        aws.advance(3601)
        (message,) = queues.receive_message(QueueUrl=queue)["Messages"]
        assert json.loads(message["Body"])["detail-type"] == "Scheduled Event"

    def test_a_template_makes_changes_and_removes_it(self, cloud: Cloud) -> None:
        """With an input that refers to other resources."""
        parts = ['{"function": "', get("Sweep", "Arn"), '", "role": "', {"Ref": "Role"}, '"}']
        cloud.deploy(scheduled({"Fn::Join": ["", parts]}))
        events = cloud.aws.client("events")
        (made,) = events.list_rules()["Rules"]
        (target,) = events.list_targets_by_rule(Rule=made["Name"])["Targets"]
        function = json.loads(target["Input"])["function"]
        assert function == target["Arn"]

        text = {"Fn::Sub": '{"role": "${Role.Arn}"}'}
        assert cloud.deploy(scheduled(text, every="1 hour")) == "UPDATE_COMPLETE"
        (changed,) = events.list_rules()["Rules"]
        assert (changed["Name"], changed["ScheduleExpression"]) == (made["Name"], "rate(1 hour)")
        (target,) = events.list_targets_by_rule(Rule=made["Name"])["Targets"]
        assert json.loads(target["Input"])["role"].startswith("arn:aws:iam::")

        assert cloud.deploy(template()) == "UPDATE_COMPLETE"
        assert events.list_rules()["Rules"] == []
        policy = cloud.aws.client("lambda").get_policy(FunctionName=function)["Policy"]
        assert json.loads(policy)["Statement"] == []

    @pytest.mark.parametrize(
        ("properties", "reason"),
        [
            ({"ScheduleExpression": "rate(1 fortnight)"}, "ScheduleExpression is not valid"),
            ({"EventPattern": {"source": "aws.organizations"}}, "Event pattern is not valid"),
            ({}, "EventPattern or ScheduleExpression must be specified"),
        ],
    )
    def test_a_wrong_rule_fails_its_stack(
        self, cloud: Cloud, properties: dict[str, Any], reason: str
    ) -> None:
        """As the service refuses it; nothing is left of it."""
        assert cloud.deploy(template(Wrong=rule("{}", **properties))) == "CREATE_FAILED"
        assert any(reason in text for text in cloud.reasons())
        assert cloud.aws.client("events").list_rules()["Rules"] == []


class TestFunctions:
    """What rules invoke."""

    def test_acceptances_reach_a_function_with_a_constant_input(self, cloud: Cloud) -> None:
        """Both events of one acceptance do."""
        cloud.deploy(on_acceptance())
        accept(cloud.aws)
        told = cloud.aws.wait_for_functions()
        assert [entry["event"] for entry in told] == [{"by": "event"}] * 2
        assert [entry["error"] for entry in told] == [None, None]

    def test_events_can_get_lost(self, cloud: Cloud) -> None:
        """Those that are named, or all."""
        cloud.deploy(on_acceptance())
        cloud.aws.configure(lost_events=["AcceptHandshake"])
        accept(cloud.aws)
        assert len(cloud.aws.wait_for_functions()) == 1
        cloud.aws.configure(lost_events=["*"])
        cloud.aws.client("organizations", INVITED).leave_organization()
        assert len(cloud.aws.wait_for_functions()) == 1
        with pytest.raises(RehearsalError, match="there is no event 'Accept'"):
            cloud.aws.configure(lost_events=["Accept"])
        with pytest.raises(RehearsalError, match="it is a list of names"):
            cloud.aws.configure(lost_events="*")

    def test_service_events_can_look_like_calls(self, cloud: Cloud) -> None:
        """The other form of which sources tell."""
        pattern = {**ACCEPTED, "detail-type": ["AWS API Call via CloudTrail"]}
        cloud.deploy(
            template(Accepted=rule("{}", EventPattern=pattern), MayInvoke=permission("Accepted"))
        )
        cloud.aws.configure(service_events_as_calls=True)
        accept(cloud.aws)
        assert len(cloud.aws.wait_for_functions()) == 2

    def test_a_rule_needs_the_permission_to_invoke(self, cloud: Cloud) -> None:
        """Of its own, not that of another rule."""
        cloud.deploy(
            template(
                Allowed=rule("{}", ScheduleExpression="rate(1 hour)"),
                Schedule=rule("{}", ScheduleExpression="rate(1 hour)"),
                MayInvoke=permission("Allowed"),
            )
        )
        cloud.aws.run_schedules()
        allowed, refused = sorted(cloud.aws.wait_for_functions(), key=lambda entry: entry["rule"])
        assert allowed["error"] is None
        assert "lambda:AddPermission" in refused["error"]
        assert (refused["attempts"], refused["running"]) == (0, False)

    def test_a_function_that_fails_runs_three_times(self, cloud: Cloud) -> None:
        """With a minute and two between, on the clock."""
        cloud.deploy(scheduled('{"fail": "schedule"}'))
        before = cloud.aws.now()
        cloud.aws.run_schedules()
        (failed,) = cloud.aws.wait_for_functions()
        assert (failed["attempts"], failed["error"]) == (3, "told to fail by schedule")
        assert 180 <= cloud.aws.now() - before < 240

    def test_how_often_a_function_runs_again_can_be_said(self, cloud: Cloud) -> None:
        """By an `AWS::Lambda::EventInvokeConfig`."""
        once = {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {
                "FunctionName": {"Ref": "Sweep"},
                "Qualifier": "$LATEST",
                "MaximumRetryAttempts": 0,
            },
        }
        cloud.deploy({**scheduled('{"fail": "schedule"}'), "Once": once})
        cloud.aws.run_schedules()
        (failed,) = cloud.aws.wait_for_functions()
        assert failed["attempts"] == 1

    def test_a_function_can_be_made_to_die(self, cloud: Cloud) -> None:
        """The next attempt is another run of it."""
        cloud.deploy(scheduled())
        cloud.aws.inject("Lambda:1:dies")
        cloud.aws.run_schedules()
        (survived,) = cloud.aws.wait_for_functions()
        assert (survived["attempts"], survived["error"]) == (2, None)
        cloud.aws.inject("Lambda:1-3:dies")
        cloud.aws.run_schedules()
        (died,) = cloud.aws.wait_for_functions(since=1)
        assert died["error"] == "the process has ended (injected)"

    def test_a_function_that_is_gone_is_told(self, aws: EmbeddedAws) -> None:
        """And what runs too long is, too."""
        events = aws.client("events")
        events.put_rule(Name="hourly", ScheduleExpression="rate(1 hour)")
        arn = f"arn:aws:lambda:us-east-1:{aws.account_id}:function:gone"
        events.put_targets(Rule="hourly", Targets=[{"Id": "gone", "Arn": arn}])
        assert aws.run_schedules() == ["hourly"]
        (gone,) = aws.invocations()
        assert gone["error"] == f"function {arn} does not exist"

    def test_waiting_ends(self, aws: EmbeddedAws) -> None:
        """With the name of what still runs; a reset forgets it."""
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr(
                "index.py", "import time\n\ndef handler(event, context):\n    time.sleep(1)\n"
            )
        functions, events = aws.client("lambda"), aws.client("events")
        arn = functions.create_function(
            FunctionName="slow",
            Runtime="python3.13",
            Handler="index.handler",
            Role=f"arn:aws:iam::{aws.account_id}:role/any",
            Code={"ZipFile": code.getvalue()},
            Timeout=5,
        )["FunctionArn"]
        functions.add_permission(
            FunctionName="slow",
            StatementId="rules",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
        )
        events.put_rule(Name="hourly", ScheduleExpression="rate(1 hour)")
        events.put_targets(Rule="hourly", Targets=[{"Id": "slow", "Arn": arn}])
        aws.run_schedules()
        assert [entry["running"] for entry in aws.invocations()] == [True]
        with pytest.raises(RehearsalError, match="function:slow still runs after 0 s"):
            aws.wait_for_functions(seconds=0)
        aws.reset()
        assert aws.invocations() == []
