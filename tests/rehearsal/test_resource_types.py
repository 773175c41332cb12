"""The five CloudFormation types on the backend, as AWS's handlers behave."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from org_constructs.rehearsal.backend import ApiError
from org_constructs.rehearsal.cloudformation import (
    RESOURCE_TYPES,
    Api,
    Created,
    HandlerError,
    ResourceType,
)

MANAGEMENT = "111111111111"
SCP = "SERVICE_CONTROL_POLICY"
CONTENT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*"}],
}


class Stack:
    """One resource type on one backend."""

    def __init__(self, backend: Any, type_name: str) -> None:
        self.backend = backend
        self.api = Api(backend.service, MANAGEMENT)
        self.type: ResourceType = next(
            known for known in RESOURCE_TYPES if known.name == f"AWS::Organizations::{type_name}"
        )

    def create(self, **properties: Any) -> Created:
        """Create the resource."""
        return self.type.create(self.api, properties)

    def update(self, physical_id: str, old: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Update the resource from one set of properties to the same with changes."""
        return self.type.update(self.api, physical_id, old, {**old, **changes})

    def delete(self, physical_id: str, **properties: Any) -> None:
        """Delete the resource."""
        self.type.delete(self.api, physical_id, properties)

    def read(self, physical_id: str, **properties: Any) -> dict[str, Any]:
        """Read the resource."""
        return self.type.read(self.api, physical_id, properties)

    def fails(self, code: str, action: Callable[[], object]) -> HandlerError:
        """Run an action that must fail with a HandlerErrorCode."""
        with pytest.raises(HandlerError) as caught:
            action()
        assert caught.value.code == code
        return caught.value


@pytest.fixture
def stack_of(backend: Any) -> Callable[[str], Stack]:
    """A maker of resource types on the test's backend."""
    return lambda type_name: Stack(backend, type_name)


class TestOrganization:
    """AWS::Organizations::Organization."""

    def test_attributes(self, backend: Any, stack_of: Callable[[str], Stack]) -> None:
        """All of the schema, RootId included."""
        created = stack_of("Organization").create()
        root = backend.call("ListRoots")["Roots"][0]["Id"]
        assert created.attributes["RootId"] == root
        assert created.attributes["Id"] == created.physical_id
        assert created.attributes["ManagementAccountId"] == MANAGEMENT
        assert set(created.attributes) == {
            *("Arn", "Id", "RootId"),
            *("ManagementAccountArn", "ManagementAccountEmail", "ManagementAccountId"),
        }

    def test_an_existing_one_is_not_adopted(self, stack_of: Callable[[str], Stack]) -> None:
        """A second creation fails."""
        organization = stack_of("Organization")
        organization.create()
        organization.fails("AlreadyExists", organization.create)

    def test_the_feature_set_does_not_change(self, stack_of: Callable[[str], Stack]) -> None:
        """ALL is the default, so spelling it out is no change."""
        organization = stack_of("Organization")
        physical_id = organization.create().physical_id
        organization.update(physical_id, {}, FeatureSet="ALL")
        organization.fails(
            "InvalidRequest",
            lambda: organization.update(physical_id, {}, FeatureSet="CONSOLIDATED_BILLING"),
        )

    def test_it_is_deleted_when_empty(self, backend: Any, stack_of: Callable[[str], Stack]) -> None:
        """Not before."""
        organization = stack_of("Organization")
        created = organization.create()
        unit = backend.create_unit(created.attributes["RootId"], "x")
        organization.fails("InvalidRequest", lambda: organization.delete(created.physical_id))
        backend.call("DeleteOrganizationalUnit", OrganizationalUnitId=unit)
        organization.delete(created.physical_id)
        organization.fails("NotFound", lambda: organization.read(created.physical_id))

    def test_another_organization_is_not_found(self, stack_of: Callable[[str], Stack]) -> None:
        """An import with a wrong id does not take what happens to exist."""
        organization = stack_of("Organization")
        organization.create()
        organization.fails("NotFound", lambda: organization.read("o-0123456789"))


class TestOrganizationalUnit:
    """AWS::Organizations::OrganizationalUnit."""

    def test_create_rename_retag_delete(
        self, backend: Any, stack_of: Callable[[str], Stack]
    ) -> None:
        """In place, each step an ordinary call."""
        root = backend.create_organization()
        unit = stack_of("OrganizationalUnit")
        old = {
            "Name": "one",
            "ParentId": root,
            "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}],
        }
        before = len(backend.service.calls())
        created = unit.create(**old)
        assert created.attributes["Path"].endswith(f"/{root}/{created.physical_id}/")
        unit.update(
            created.physical_id,
            old,
            Name="two",
            Tags=[{"Key": "b", "Value": "3"}, {"Key": "aws:cloudformation:x", "Value": "y"}],
        )
        assert unit.read(created.physical_id) == {
            "Name": "two",
            "ParentId": root,
            "Tags": [{"Key": "b", "Value": "3"}],
        }
        unit.delete(created.physical_id)
        assert backend.writes(before) == [
            "CreateOrganizationalUnit",
            "UpdateOrganizationalUnit",
            "UntagResource",
            "TagResource",
            "DeleteOrganizationalUnit",
        ]

    def test_an_existing_one_is_not_adopted(
        self, backend: Any, stack_of: Callable[[str], Stack]
    ) -> None:
        """The handler looks first and does not even try; beyond the first page, too."""
        root = backend.create_organization()
        for number in range(25):
            backend.create_unit(root, f"unit-{number}")
        unit = stack_of("OrganizationalUnit")
        before = len(backend.service.calls())
        unit.fails("AlreadyExists", lambda: unit.create(Name="unit-24", ParentId=root))
        assert backend.writes(before) == []

    def test_another_parent_is_another_unit(self, stack_of: Callable[[str], Stack]) -> None:
        """ParentId replaces."""
        assert stack_of("OrganizationalUnit").type.create_only == ("ParentId",)

    def test_it_must_be_empty(self, backend: Any, stack_of: Callable[[str], Stack]) -> None:
        """Deleting one that is not fails."""
        root = backend.create_organization()
        unit = stack_of("OrganizationalUnit")
        physical_id = unit.create(Name="x", ParentId=root).physical_id
        backend.create_unit(physical_id, "y")
        unit.fails("InvalidRequest", lambda: unit.delete(physical_id))


class TestAccount:
    """AWS::Organizations::Account."""

    def test_create_moves_out_of_the_root(
        self, backend: Any, stack_of: Callable[[str], Stack]
    ) -> None:
        """Created in the root, then moved to its parent."""
        root = backend.create_organization()
        unit = backend.create_unit(root, "x")
        account = stack_of("Account")
        before = len(backend.service.calls())
        created = account.create(
            AccountName="audit", Email="audit@corp.com", ParentIds=[unit], RoleName="Admin"
        )
        assert backend.writes(before) == ["CreateAccount", "MoveAccount"]
        assert created.attributes["Paths"][0].endswith(f"{unit}/{created.physical_id}/")
        assert created.attributes["State"] == created.attributes["Status"] == "ACTIVE"
        assert created.attributes["JoinedMethod"] == "CREATED"
        assert created.attributes["JoinedTimestamp"].startswith("2023-11-")
        assert account.read(created.physical_id) == {
            "AccountName": "audit",
            "Email": "audit@corp.com",
            "ParentIds": [unit],
            "Tags": [],
        }

    def test_a_taken_address_fails_before_creation(
        self, backend: Any, stack_of: Callable[[str], Stack]
    ) -> None:
        """Of a closed account, too: the handler sees it in the list."""
        backend.create_organization()
        backend.call("CloseAccount", AccountId=backend.create_account("audit"))
        account = stack_of("Account")
        before = len(backend.service.calls())
        account.fails(
            "AlreadyExists", lambda: account.create(AccountName="x", Email="audit@corp.com")
        )
        assert backend.writes(before) == []

    def test_a_failed_creation_fails_the_resource(
        self, backend: Any, stack_of: Callable[[str], Stack]
    ) -> None:
        """Another spelling passes the handler's look, and AWS fails it."""
        backend.create_organization()
        backend.create_account("audit")
        account = stack_of("Account")
        error = account.fails(
            "AlreadyExists", lambda: account.create(AccountName="x", Email="AUDIT@corp.com")
        )
        assert "EMAIL_ALREADY_EXISTS" in str(error)
        assert error.left_behind is None

    def test_a_slow_creation_is_given_up(self, make_backend: Callable[..., Any]) -> None:
        """After five looks in 77.5 seconds; the account comes all the same."""
        backend = make_backend(account_creation_seconds=80)
        backend.create_organization()
        account = Stack(backend, "Account")
        account.fails("NotStabilized", lambda: account.create(AccountName="x", Email="x@corp.com"))
        backend.service.clock.advance(3)
        assert len(backend.call("ListAccounts")["Accounts"]) == 2

    def test_a_failed_move_leaves_the_account_in_the_root(
        self, backend: Any, stack_of: Callable[[str], Stack]
    ) -> None:
        """CloudFormation learns its id."""
        root = backend.create_organization()
        account = stack_of("Account")
        error = account.fails(
            "InvalidRequest",
            lambda: account.create(
                AccountName="x", Email="x@corp.com", ParentIds=["ou-none-12345678"]
            ),
        )
        assert error.left_behind is not None
        listed = backend.call("ListAccountsForParent", ParentId=root)["Accounts"]
        assert error.left_behind in [entry["Id"] for entry in listed]

    def test_more_than_one_parent_is_refused(
        self, backend: Any, stack_of: Callable[[str], Stack]
    ) -> None:
        """Though the property is a list."""
        root = backend.create_organization()
        account = stack_of("Account")
        account.fails(
            "InvalidRequest",
            lambda: account.create(
                AccountName="x",
                Email="x@corp.com",
                ParentIds=[root, backend.create_unit(root, "x")],
            ),
        )

    @pytest.mark.parametrize(
        "change",
        [
            {"AccountName": "other"},
            {"Email": "other@corp.com"},
            {"RoleName": "Other"},
            {"RoleName": None},
        ],
    )
    def test_name_address_and_role_do_not_change(
        self, backend: Any, stack_of: Callable[[str], Stack], change: dict[str, Any]
    ) -> None:
        """Not even back to the default."""
        backend.create_organization()
        account = stack_of("Account")
        old = {"AccountName": "audit", "Email": "audit@corp.com", "RoleName": "Admin"}
        physical_id = account.create(**old).physical_id
        account.fails("InvalidRequest", lambda: account.update(physical_id, old, **change))

    def test_a_change_of_case_does_nothing(
        self, backend: Any, stack_of: Callable[[str], Stack]
    ) -> None:
        """It is neither refused nor done."""
        backend.create_organization()
        account = stack_of("Account")
        old = {"AccountName": "audit", "Email": "audit@corp.com"}
        physical_id = account.create(**old).physical_id
        account.update(physical_id, old, AccountName="Audit")
        assert account.read(physical_id)["AccountName"] == "audit"

    def test_moves_start_at_the_previous_templates_parent(
        self, backend: Any, stack_of: Callable[[str], Stack]
    ) -> None:
        """An account that somebody else moved makes the update fail."""
        root = backend.create_organization()
        one, two, three = (backend.create_unit(root, name) for name in ("1", "2", "3"))
        account = stack_of("Account")
        old = {"AccountName": "audit", "Email": "audit@corp.com", "ParentIds": [one]}
        physical_id = account.create(**old).physical_id
        account.update(physical_id, old, ParentIds=[two])
        # The template still says `one`: the account is not there any more.
        account.fails("InvalidRequest", lambda: account.update(physical_id, old, ParentIds=[three]))
        # It is already where the template wants it: that is success.
        account.update(physical_id, old, ParentIds=[two])

    def test_no_parent_means_the_root(self, backend: Any, stack_of: Callable[[str], Stack]) -> None:
        """Taking ParentIds away moves the account to the root, giving it moves it back."""
        root = backend.create_organization()
        unit = backend.create_unit(root, "x")
        account = stack_of("Account")
        old = {"AccountName": "audit", "Email": "audit@corp.com", "ParentIds": [unit]}
        physical_id = account.create(**old).physical_id
        account.update(physical_id, old, ParentIds=None)
        assert account.read(physical_id)["ParentIds"] == [root]
        account.update(physical_id, {**old, "ParentIds": None}, ParentIds=[unit])
        assert account.read(physical_id)["ParentIds"] == [unit]

    def test_there_are_none_in_govcloud(self, make_backend: Callable[..., Any]) -> None:
        """The handler refuses before it calls anything."""
        backend = make_backend(partition="aws-us-gov")
        backend.create_organization()
        before = len(backend.service.calls())
        account = Stack(backend, "Account")
        account.fails("InvalidRequest", lambda: account.create(AccountName="x", Email="x@corp.com"))
        assert backend.service.calls(before) == []

    @pytest.mark.parametrize(
        ("reason", "code"),
        [
            ("CONCURRENT_ACCOUNT_MODIFICATION", "InvalidRequest"),
            ("INTERNAL_FAILURE", "ServiceInternalError"),
            ("ACCOUNT_LIMIT_EXCEEDED", "ServiceLimitExceeded"),
            ("INVALID_IDENTITY_FOR_BUSINESS_VALIDATION", "GeneralServiceException"),
        ],
    )
    def test_how_a_failed_creation_is_reported(
        self, backend: Any, stack_of: Callable[[str], Stack], reason: str, code: str
    ) -> None:
        """By the code that the handler gives to AWS's reason."""
        backend.create_organization()
        backend.service.faults.inject([f"CreateAccount:1:FAILED={reason}"])
        account = stack_of("Account")
        error = account.fails(code, lambda: account.create(AccountName="x", Email="x@corp.com"))
        assert reason in str(error)

    def test_deleting_closes(self, backend: Any, stack_of: Callable[[str], Stack]) -> None:
        """A closed account is not found any more, so it can neither be read nor imported."""
        backend.create_organization()
        account = stack_of("Account")
        physical_id = account.create(AccountName="x", Email="x@corp.com").physical_id
        before = len(backend.service.calls())
        account.delete(physical_id)
        assert backend.writes(before) == ["CloseAccount"]
        account.fails("NotFound", lambda: account.read(physical_id))
        account.fails("NotFound", lambda: account.delete(physical_id))


class TestPolicy:
    """AWS::Organizations::Policy."""

    def properties(self, **changes: Any) -> dict[str, Any]:
        """Return the properties of a policy."""
        return {"Name": "deny", "Type": SCP, "Content": CONTENT, **changes}

    def test_create_attaches_to_each_target(
        self, backend: Any, stack_of: Callable[[str], Stack]
    ) -> None:
        """One after the other; objects are sent without white space."""
        root = backend.create_organization()
        unit = backend.create_unit(root, "x")
        policy = stack_of("Policy")
        before = len(backend.service.calls())
        created = policy.create(**self.properties(TargetIds=[root, unit, root]))
        assert backend.writes(before) == ["CreatePolicy", "AttachPolicy", "AttachPolicy"]
        assert created.attributes["AwsManaged"] == "false"
        described = backend.call("DescribePolicy", PolicyId=created.physical_id)["Policy"]
        assert described["Content"] == json.dumps(CONTENT, separators=(",", ":"))
        assert policy.read(created.physical_id) == {
            **self.properties(TargetIds=[root, unit]),
            "Description": "",
            "Tags": [],
        }

    def test_text_is_sent_as_it_is_and_not_read(
        self, backend: Any, stack_of: Callable[[str], Stack]
    ) -> None:
        """So it counts with its white space and has no drift."""
        backend.create_organization()
        policy = stack_of("Policy")
        text = json.dumps(CONTENT, indent=2)
        created = policy.create(**self.properties(Content=text))
        described = backend.call("DescribePolicy", PolicyId=created.physical_id)["Policy"]
        assert described["Content"] == text
        assert "Content" not in policy.read(created.physical_id, Content=text)

    def test_an_existing_one_is_not_adopted(
        self, backend: Any, stack_of: Callable[[str], Stack]
    ) -> None:
        """The name is taken within its type."""
        backend.create_organization()
        backend.create_policy("deny")
        policy = stack_of("Policy")
        policy.fails("AlreadyExists", lambda: policy.create(**self.properties()))
        policy.create(**self.properties(Type="TAG_POLICY", Content={"tags": {}}))

    def test_a_failed_attachment_leaves_the_policy(
        self, backend: Any, stack_of: Callable[[str], Stack]
    ) -> None:
        """Attached as far as it came; CloudFormation learns its id."""
        root = backend.create_organization()
        policy = stack_of("Policy")
        error = policy.fails(
            "NotFound",
            lambda: policy.create(**self.properties(TargetIds=[root, "ou-none-12345678"])),
        )
        assert backend.attached(root) == ["FullAWSAccess", "deny"]
        assert error.left_behind is not None

    def test_a_type_that_is_off_fails_the_attachment(
        self, backend: Any, stack_of: Callable[[str], Stack]
    ) -> None:
        """As AWS's handler reports it."""
        root = backend.create_organization(policy_type=None)
        policy = stack_of("Policy")
        policy.fails("InvalidRequest", lambda: policy.create(**self.properties(TargetIds=[root])))

    def test_an_update_attaches_before_it_detaches(
        self, backend: Any, stack_of: Callable[[str], Stack]
    ) -> None:
        """So a guardrail that moves is never missing; what others attached stays."""
        root = backend.create_organization()
        one, two, three = (backend.create_unit(root, name) for name in ("1", "2", "3"))
        policy = stack_of("Policy")
        old = self.properties(TargetIds=[one])
        physical_id = policy.create(**old).physical_id
        backend.call("AttachPolicy", PolicyId=physical_id, TargetId=three)
        before = len(backend.service.calls())
        policy.update(physical_id, old, TargetIds=[two], Description="why")
        assert backend.writes(before) == ["UpdatePolicy", "AttachPolicy", "DetachPolicy"]
        targets = backend.call("ListTargetsForPolicy", PolicyId=physical_id)["Targets"]
        assert {target["TargetId"] for target in targets} == {two, three}

    def test_attachments_that_are_as_wanted_are_no_error(
        self, backend: Any, stack_of: Callable[[str], Stack]
    ) -> None:
        """Somebody else attached the new target and detached the old one."""
        root = backend.create_organization()
        one, two = backend.create_unit(root, "1"), backend.create_unit(root, "2")
        policy = stack_of("Policy")
        old = self.properties(TargetIds=[one])
        physical_id = policy.create(**old).physical_id
        backend.call("AttachPolicy", PolicyId=physical_id, TargetId=two)
        backend.call("DetachPolicy", PolicyId=physical_id, TargetId=one)
        policy.update(physical_id, old, TargetIds=[two])

    def test_deleting_detaches_from_the_templates_targets(
        self, backend: Any, stack_of: Callable[[str], Stack]
    ) -> None:
        """An attachment that others made blocks it; targets that are gone do not."""
        root = backend.create_organization()
        unit = backend.create_unit(root, "x")
        policy = stack_of("Policy")
        properties = self.properties(TargetIds=[root, unit])
        physical_id = policy.create(**properties).physical_id
        backend.call("DeleteOrganizationalUnit", OrganizationalUnitId=unit)
        backend.call("AttachPolicy", PolicyId=physical_id, TargetId=MANAGEMENT)
        policy.fails("InvalidRequest", lambda: policy.delete(physical_id, **properties))
        backend.call("DetachPolicy", PolicyId=physical_id, TargetId=MANAGEMENT)
        policy.delete(physical_id, **properties)
        policy.fails("NotFound", lambda: policy.read(physical_id))

    def test_another_type_is_another_policy(self, stack_of: Callable[[str], Stack]) -> None:
        """Type replaces."""
        assert stack_of("Policy").type.create_only == ("Type",)

    def test_a_duplicate_that_the_check_does_not_see_leaves_no_id(
        self, backend: Any, monkeypatch: pytest.MonkeyPatch, stack_of: Callable[[str], Stack]
    ) -> None:
        """The handler swallows it and goes on; the next call lacks the policy's id."""
        root = backend.create_organization()
        backend.create_policy("deny")
        policy = stack_of("Policy")
        monkeypatch.setattr(policy.api, "existing", lambda *_args, **_params: [])
        for targets in ([root], []):
            before = len(backend.service.calls())
            error = policy.fails(
                "InvalidRequest",
                lambda targets=targets: policy.create(**self.properties(TargetIds=targets)),
            )
            assert error.left_behind is None
            called = [call["operation"] for call in backend.service.calls(before)]
            assert called == ["CreatePolicy", "AttachPolicy" if targets else "DescribePolicy"]

    def test_a_check_that_fails_stops_nothing(
        self, backend: Any, stack_of: Callable[[str], Stack]
    ) -> None:
        """The handler drops the error of its list; the creating call says what is wrong."""
        policy = stack_of("Policy")
        policy.fails("NotFound", lambda: policy.create(**self.properties()))
        called = [call["operation"] for call in backend.service.calls()]
        assert called == ["ListPolicies", "CreatePolicy"]


class TestResourcePolicy:
    """AWS::Organizations::ResourcePolicy."""

    def test_create_update_delete(self, backend: Any, stack_of: Callable[[str], Stack]) -> None:
        """One at a time, changed in place."""
        backend.create_organization()
        resource_policy = stack_of("ResourcePolicy")
        statement = {**CONTENT["Statement"][0], "Principal": {"AWS": "222222222222"}}
        new = {"Version": "2012-10-17", "Statement": {**statement, "Action": "organizations:List*"}}
        old = {"Content": {**new, "Id": "old"}, "Tags": [{"Key": "a", "Value": "1"}]}
        created = resource_policy.create(**old)
        assert created.attributes["Arn"].endswith(created.physical_id)
        resource_policy.fails("AlreadyExists", lambda: resource_policy.create(**old))
        resource_policy.update(created.physical_id, old, Content=new)
        assert resource_policy.read(created.physical_id) == {
            "Content": new,
            "Tags": [{"Key": "a", "Value": "1"}],
        }
        resource_policy.delete(created.physical_id)
        resource_policy.fails("NotFound", lambda: resource_policy.delete(created.physical_id))


class TestRetries:
    """What a handler does when AWS is busy."""

    @staticmethod
    def busy(backend: Any, monkeypatch: pytest.MonkeyPatch, code: str, times: int) -> list[str]:
        """Let the next calls be refused so many times, and return what is called."""
        called: list[str] = []
        answers = iter([ApiError(code, "busy")] * times)

        def call(operation: str, *_arguments: object, **_options: object) -> dict[str, Any]:
            called.append(operation)
            for error in answers:
                raise error
            return {"done": True}

        monkeypatch.setattr(backend.service, "call", call)
        return called

    @pytest.mark.parametrize(("failures", "ends"), [(11, "well"), (12, "badly")])
    def test_writes_are_repeated_twice(
        self, backend: Any, monkeypatch: pytest.MonkeyPatch, failures: int, ends: str
    ) -> None:
        """After 15 and 30 seconds, each time four attempts of the SDK; then CloudFormation fails."""
        backend.create_organization()
        api = Api(backend.service, MANAGEMENT)
        called = self.busy(backend, monkeypatch, "ConcurrentModificationException", failures)
        began = api.now()
        if ends == "well":
            assert api.write("TagResource") == {"done": True}
        else:
            with pytest.raises(ApiError):
                api.write("TagResource")
        assert len(called) == 12
        assert api.now() - began == 45 + 3 * 3.5

    def test_attempts_are_shared_by_the_calls_of_one_operation(
        self, backend: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A policy with many targets has two further attempts for all of its attachments."""
        backend.create_organization()
        api = Api(backend.service, MANAGEMENT)
        self.busy(backend, monkeypatch, "TooManyRequestsException", 8)
        api.write("AttachPolicy", TargetId="one")
        self.busy(backend, monkeypatch, "TooManyRequestsException", 4)
        with pytest.raises(ApiError):
            api.write("AttachPolicy", TargetId="two")
        self.busy(backend, monkeypatch, "TooManyRequestsException", 4)
        api.write("DetachPolicy", TargetId="two")

    @pytest.mark.parametrize(("failures", "ends"), [(3, "well"), (4, "badly")])
    def test_the_creating_call_is_repeated_by_the_sdk_only(
        self, backend: Any, monkeypatch: pytest.MonkeyPatch, failures: int, ends: str
    ) -> None:
        """Four attempts in some seconds."""
        backend.create_organization()
        api = Api(backend.service, MANAGEMENT)
        called = self.busy(backend, monkeypatch, "ServiceException", failures)
        if ends == "well":
            assert api.create("CreatePolicy") == {"done": True}
        else:
            with pytest.raises(ApiError):
                api.create("CreatePolicy")
        assert len(called) == 4

    def test_an_organization_that_is_finalized_is_not_waited_for(
        self, backend: Any, monkeypatch: pytest.MonkeyPatch, stack_of: Callable[[str], Stack]
    ) -> None:
        """The account fails at once, for good."""
        backend.create_organization()
        account = stack_of("Account")
        call = backend.service.call

        def finalizing(operation: str, *arguments: Any, **options: Any) -> dict[str, Any]:
            if operation == "CreateAccount":
                raise ApiError("FinalizingOrganizationException", "still being made")
            answer: dict[str, Any] = call(operation, *arguments, **options)
            return answer

        monkeypatch.setattr(backend.service, "call", finalizing)
        before = account.api.now()
        account.fails("InvalidRequest", lambda: account.create(AccountName="x", Email="x@corp.com"))
        assert account.api.now() == before

    def test_a_busy_answer_to_a_poll_is_no_answer(
        self, backend: Any, monkeypatch: pytest.MonkeyPatch, stack_of: Callable[[str], Stack]
    ) -> None:
        """The next poll asks again."""
        backend.create_organization()
        account = stack_of("Account")
        call = backend.service.call
        refusals = iter([ApiError("TooManyRequestsException", "slow down")] * 4)

        def throttled(operation: str, *arguments: Any, **options: Any) -> dict[str, Any]:
            if operation == "DescribeCreateAccountStatus":
                for error in refusals:
                    raise error
            answer: dict[str, Any] = call(operation, *arguments, **options)
            return answer

        monkeypatch.setattr(backend.service, "call", throttled)
        account.create(AccountName="x", Email="x@corp.com")

    def test_other_errors_are_not_repeated(self, backend: Any) -> None:
        """They would only come again."""
        backend.create_organization()
        with pytest.raises(ApiError):
            Api(backend.service, MANAGEMENT).write("DeletePolicy", PolicyId="p-12345678")
        assert backend.service.calls()[-2]["operation"] != "DeletePolicy"
