"""The settings of an organization as constructs: what they declare, where in the chain, what they refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from construct_harness import MANAGEMENT_ACCOUNT, organization_of, resources_of

from org_constructs import (
    Account,
    AlternateContact,
    AwsService,
    ContactType,
    IOrganization,
    Organization,
    OrganizationalUnit,
    OrgError,
    ServiceControlPolicy,
)
from org_constructs.evaluation import Request
from org_constructs.guardrails import DenyRootUser
from org_constructs.model import OrganizationModel
from org_constructs.model.trusted_services import check_service_principal, trusted_service_facts

NewApp = Callable[..., cdk.App]
NewStack = Callable[..., cdk.Stack]
Resources = dict[str, dict[str, Any]]

MEMBER = "135791357913"
ALLOW = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "Allowed", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
}
DELEGATION = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": MEMBER},
            "Action": "organizations:DescribePolicy",
            "Resource": "*",
        }
    ],
}


def contact(kind: str = "SECURITY", **changes: Any) -> AlternateContact:
    """Return a contact."""
    return AlternateContact(
        **{
            "type": kind,
            "name": "Security team",
            "title": "Security",
            "email": "security@corp.com",
            "phone_number": "+49 (30) 12-34",
            **changes,
        }
    )


def settings(resources: Resources, kind: str) -> list[dict[str, Any]]:
    """Return the properties of all settings of one type, without what all have."""
    return [
        {
            name: value
            for name, value in resource["Properties"].items()
            if name not in ("ServiceToken", "ServiceTimeout")
        }
        for resource in resources.values()
        if resource["Type"] == f"Custom::{kind}"
    ]


def chain(resources: Resources) -> list[str]:
    """Return the organization's resources in the order of the chain, ids without their hash."""
    kinds = ("AWS::Organizations::", "Custom::")
    chained = {id for id, resource in resources.items() if resource["Type"].startswith(kinds)}
    before = {
        id: [other for other in resources[id].get("DependsOn", []) if other in chained]
        for id in chained
    }
    assert all(len(others) <= 1 for others in before.values())
    follower = {others[0] if others else None: id for id, others in before.items()}
    assert len(follower) == len(chained)
    order: list[str] = []
    current = follower.get(None)
    while current is not None:
        order.append(current[:-8])
        current = follower.get(current)
    return order


def statements(resources: Resources, kind: str) -> list[dict[str, Any]]:
    """Return the statements of the function's role, or of what its settings' removal needs."""
    found = []
    for resource in resources.values():
        if resource["Type"] == kind:
            properties = resource["Properties"]
            policies = properties.get("Policies", [properties])
            found += [s for p in policies for s in p["PolicyDocument"]["Statement"]]
    return found


def test_everything_in_one_chain(new_stack: NewStack) -> None:
    """Trust, then types, then policies, then accounts, then what protects nothing."""
    stack = new_stack()
    organization = Organization(
        stack,
        "Organization",
        trusted_services=[AwsService.GUARDDUTY],
        delegated_administrators={AwsService.GUARDDUTY: MEMBER},
        central_root_access=True,
        contacts=[contact()],
        management_account_contacts=[contact("BILLING")],
        root_tags={"team": "platform"},
        delegation_policy=DELEGATION,
        acknowledge={"ORG114": "a test"},
    )
    unit = OrganizationalUnit(stack, "Unit", parent=organization.root)
    unit.deny_by_default()
    audit = unit.add_account("Audit", email="audit@corp.com")
    audit.attach(DenyRootUser())
    ServiceControlPolicy(stack, "Allowed", content=ALLOW, targets=[unit])
    organization.delegate_administration(AwsService.GUARDDUTY, audit)
    assert chain(resources_of(stack)) == [
        "Organization",
        "Unit",
        "OrganizationTrustguardduty",
        "OrganizationTrustiam",
        "OrganizationServiceControlPolicy",
        "Allowed",
        "UnitAllowList",
        "AccountsAudit",
        "AccountsAuditGuardrails",
        "AccountsAuditAdministersguardduty",
        "OrganizationAdministersguardduty135791357913",
        "OrganizationCentralRootAccess",
        "OrganizationDelegationPolicy",
        "OrganizationRootTags",
        "AccountsAuditSecurityContact",
        "OrganizationBillingContact",
    ]


def test_cdk_nag_finds_nothing(new_stack: NewStack) -> None:
    """With every setting, also those whose removal acts."""
    from cdk_nag import AwsSolutionsChecks

    stack = new_stack()
    organization = organization_of(
        stack,
        contacts=[contact(turn_off_on_removal=True)],
        delegation_policy=DELEGATION,
    )
    organization.enable_policy_type("SERVICE_CONTROL_POLICY")
    organization.trust_service(AwsService.GUARDDUTY, turn_off_on_removal=True)
    organization.delegate_administration(AwsService.GUARDDUTY, MEMBER, turn_off_on_removal=True)
    organization.manage_root_access(turn_off_on_removal=True)
    organization.tag_root({"team": "platform"}, turn_off_on_removal=True)
    unit = organization.root.add_organizational_unit("Unit")
    unit.add_account("Audit", email="audit@corp.com")
    unit.deny_by_default()
    ServiceControlPolicy(stack, "Allowed", content=ALLOW, targets=[unit])
    plugin: Any = AwsSolutionsChecks(verbose=True)
    cdk.Validations.of(stack.node.root).add_plugins(plugin)
    stack.node.root.synth()  # type: ignore[attr-defined]


class TestTrustedServices:
    """`trusted_services=` and `trust_service`."""

    def test_is_declared_once(self, new_stack: NewStack) -> None:
        """As an enum or as text, as an argument or by the method."""
        stack = new_stack()
        organization = organization_of(stack, trusted_services=["guardduty.amazonaws.com"])
        assert organization.trust_service(AwsService.GUARDDUTY) is organization.trust_service(
            "guardduty.amazonaws.com"
        )
        found = settings(resources_of(stack), "TrustedService")
        assert found == [{"ServicePrincipal": "guardduty.amazonaws.com"}]

    def test_the_role_may_trust_these_services_alone(self, new_stack: NewStack) -> None:
        """And take none of them back."""
        stack = new_stack()
        organization_of(stack, trusted_services=[AwsService.SSO, AwsService.GUARDDUTY])
        resources = resources_of(stack)
        _, read, enable = statements(resources, "AWS::IAM::Role")
        assert read["Action"] == ["organizations:ListAWSServiceAccessForOrganization"]
        assert enable == {
            "Effect": "Allow",
            "Action": "organizations:EnableAWSServiceAccess",
            "Resource": "*",
            "Condition": {
                "StringEquals": {
                    "organizations:ServicePrincipal": [
                        "guardduty.amazonaws.com",
                        "sso.amazonaws.com",
                    ]
                }
            },
        }
        assert statements(resources, "AWS::IAM::Policy") == []

    def test_turning_off_is_a_grant_that_outlives_the_setting(self, new_stack: NewStack) -> None:
        """A policy that the setting depends on: it is deleted after the setting has used it."""
        stack = new_stack()
        organization_of(stack).trust_service(AwsService.SSO, turn_off_on_removal=True)
        resources = resources_of(stack)
        (grant,) = statements(resources, "AWS::IAM::Policy")
        assert grant["Action"] == "organizations:DisableAWSServiceAccess"
        assert grant["Condition"] == {
            "StringEquals": {"organizations:ServicePrincipal": "sso.amazonaws.com"}
        }
        (policy,) = [id for id, r in resources.items() if r["Type"] == "AWS::IAM::Policy"]
        (setting,) = [r for r in resources.values() if r["Type"] == "Custom::TrustedService"]
        assert setting["DependsOn"] == [policy]
        assert setting["Properties"]["TurnOffOnRemoval"] == "true"

    @pytest.mark.parametrize(
        ("service", "said"),
        [
            ("guarduty.amazonaws.com", "did you mean 'guardduty.amazonaws.com'?"),
            ("guardduty", "did you mean 'guardduty.amazonaws.com'?"),
            ("notifications.amazonaws.com", "did you mean 'notifications.amazon.com'?"),
            ("what is this", "is no service principal"),
            (5, "is no service principal"),
        ],
    )
    def test_fails_for_what_is_no_service(
        self, new_stack: NewStack, service: Any, said: str
    ) -> None:
        """A slip is corrected."""
        with pytest.raises(OrgError, match="service") as refused:
            organization_of(new_stack()).trust_service(service)
        assert refused.value.code == "ORG150"
        assert said in str(refused.value)

    @pytest.mark.parametrize(
        "service", ["brand-new.amazonaws.com", "rds.amazonaws.com", "ram.amazonaws.com.cn"]
    )
    def test_a_service_that_is_not_known_is_taken(self, service: str) -> None:
        """AWS adds some every year."""
        assert check_service_principal(service) == service

    def test_fails_for_a_string(self, new_stack: NewStack) -> None:
        """It would be taken apart."""
        with pytest.raises(OrgError, match=r"give a list: \['sso.amazonaws.com'\]"):
            organization_of(new_stack(), trusted_services="sso.amazonaws.com")

    def test_fails_for_two_wishes(self, new_stack: NewStack) -> None:
        """Whether removal turns it off is said once."""
        organization = organization_of(new_stack(), trusted_services=[AwsService.SSO])
        with pytest.raises(OrgError, match="asked for twice") as refused:
            organization.trust_service(AwsService.SSO, turn_off_on_removal=True)
        assert refused.value.code == "ORG151"

    def test_trust_comes_before_what_needs_it_in_another_stack(self, new_app: NewApp) -> None:
        """Its stack deploys first."""
        app = new_app()
        env = cdk.Environment(account=MANAGEMENT_ACCOUNT, region="us-east-1")
        first, second = cdk.Stack(app, "A", env=env), cdk.Stack(app, "B", env=env)
        organization_of(first).enable_policy_type("TAG_POLICY")
        organization_of(second, trusted_services=[AwsService.TAGPOLICIES_TAG])
        app.synth()
        assert [stack.node.id for stack in first.dependencies] == ["B"]

    def test_the_data_knows_every_service(self) -> None:
        """The enum and the facts name the same services, and the rehearsal agrees with them."""
        from org_constructs.rehearsal.backend.trusted_services import trusted_services

        facts = trusted_service_facts()
        assert sorted(facts) == sorted(AwsService)
        for principal, fact in facts.items():
            rehearsed = trusted_services()[principal]
            assert fact.delegated_administrators == rehearsed.delegated_administrators
            assert fact.most_delegated_administrators == rehearsed.most_delegated_administrators
        ways = {"organizations", "service advised", "service required", "automatic", "unknown"}
        assert {fact.enabling for fact in facts.values()} == ways


class TestDelegatedAdministrators:
    """`delegated_administrators=` and `delegate_administration`."""

    def test_of_an_existing_account(self, new_stack: NewStack) -> None:
        """By its id or a reference to it."""
        stack = new_stack()
        organization = organization_of(
            stack, delegated_administrators={AwsService.MACIE: "975319753197"}
        )
        existing = Account.from_account_id(stack, "Existing", MEMBER)
        organization.delegate_administration(AwsService.SSO, existing)
        assert settings(resources_of(stack), "DelegatedAdministrator") == [
            {"AccountId": "975319753197", "ServicePrincipal": "macie.amazonaws.com"},
            {"AccountId": MEMBER, "ServicePrincipal": "sso.amazonaws.com"},
        ]

    def test_of_an_account_of_another_stack(self, new_app: NewApp) -> None:
        """It stands in the account's stack, which follows the organization's."""
        app = new_app()
        env = cdk.Environment(account=MANAGEMENT_ACCOUNT, region="us-east-1")
        first, second = cdk.Stack(app, "A", env=env), cdk.Stack(app, "B", env=env)
        organization = organization_of(first, trusted_services=[AwsService.SSO])
        root = organization_of(second).root
        audit = root.add_account("Audit", email="audit@corp.com")
        organization.delegate_administration(AwsService.SSO, audit, turn_off_on_removal=True)
        assert organization.delegate_administration(AwsService.SSO, audit, turn_off_on_removal=True)
        resources = resources_of(second)
        (setting,) = settings(resources, "DelegatedAdministrator")
        assert setting["TurnOffOnRemoval"] == "true"
        (grant,) = statements(resources, "AWS::IAM::Policy")
        assert grant["Action"] == "organizations:DeregisterDelegatedAdministrator"
        assert [stack.node.id for stack in second.dependencies] == ["A"]

    @pytest.mark.parametrize("created", [True, False])
    def test_fails_for_the_management_account(self, new_stack: NewStack, *, created: bool) -> None:
        """Whether its id is written or follows from the organization."""
        stack = new_stack()
        organization: IOrganization
        if created:
            organization = Organization(stack, "Organization")
            accounts = [organization.management_account_id, MANAGEMENT_ACCOUNT]
        else:
            organization = organization_of(stack)
            accounts = [MANAGEMENT_ACCOUNT]
        for account in accounts:
            with pytest.raises(OrgError, match="name a member account") as refused:
                organization.delegate_administration(AwsService.SSO, account)
            assert refused.value.code == "ORG153"

    def test_fails_for_a_broken_id(self, new_stack: NewStack) -> None:
        """A number loses its zeros."""
        with pytest.raises(OrgError, match="account id") as refused:
            organization_of(new_stack()).delegate_administration(AwsService.SSO, "12")
        assert refused.value.code == "ORG004"


class TestCentralRootAccess:
    """`central_root_access=` and `manage_root_access`."""

    def test_brings_the_trust_along(self, new_stack: NewStack) -> None:
        """AWS demands it first."""
        stack = new_stack()
        organization_of(stack, central_root_access=True)
        resources = resources_of(stack)
        assert settings(resources, "TrustedService") == [{"ServicePrincipal": "iam.amazonaws.com"}]
        assert settings(resources, "CentralRootAccess") == [
            {"RootCredentialsManagement": "true", "RootSessions": "true"}
        ]

    def test_trust_that_is_there_is_kept(self, new_stack: NewStack) -> None:
        """As it was asked for."""
        stack = new_stack()
        organization = organization_of(stack)
        organization.trust_service(AwsService.IAM, turn_off_on_removal=True)
        assert organization.manage_root_access(sessions=False)
        (found,) = settings(resources_of(stack), "CentralRootAccess")
        assert found == {"RootCredentialsManagement": "true", "RootSessions": "false"}

    def test_fails_for_neither_or_two_wishes(self, new_stack: NewStack) -> None:
        """Nothing to turn on, or two answers."""
        organization = organization_of(new_stack())
        with pytest.raises(OrgError, match="neither credentials nor sessions"):
            organization.manage_root_access(credentials=False, sessions=False)
        organization.manage_root_access()
        with pytest.raises(OrgError, match="asked for twice"):
            organization.manage_root_access(sessions=False)


class TestContacts:
    """`contacts=` of accounts and of the organization."""

    @pytest.mark.parametrize("first", [True, False])
    def test_for_all_and_for_one(self, new_stack: NewStack, *, first: bool) -> None:
        """An account's own contact wins over that of its type for all, in any order of the code."""
        stack = new_stack()
        common = {"contacts": [contact(name="All"), contact("BILLING", name="All")]}
        organization = organization_of(stack, **(common if first else {}))
        own = [contact(name="Own"), contact("OPERATIONS", name="Own")]
        root = organization.root
        root.add_account("Audit", email="a@corp.com", contacts=own)
        root.add_account("Backup", email="b@corp.com")
        if not first:
            Organization.from_organization_attributes(
                stack,
                "Late",
                organization_id="o-a1b2c3d4e5",
                root_id="r-ab12",
                management_account_id=MANAGEMENT_ACCOUNT,
                **common,  # type: ignore[arg-type]
            )
        found = {
            (setting["AccountId"]["Fn::GetAtt"][0][8:-8], setting["Type"]): setting["Name"]
            for setting in settings(resources_of(stack), "AlternateContact")
        }
        assert found == {
            ("Audit", "SECURITY"): "Own",
            ("Audit", "OPERATIONS"): "Own",
            ("Audit", "BILLING"): "All",
            ("Backup", "SECURITY"): "All",
            ("Backup", "BILLING"): "All",
        }

    def test_of_the_management_account(self, new_stack: NewStack) -> None:
        """Without an account id, as the API wants it."""
        stack = new_stack()
        organization_of(stack, management_account_contacts=[contact(ContactType.BILLING)])
        (found,) = settings(resources_of(stack), "AlternateContact")
        assert found == {
            "Type": "BILLING",
            "Name": "Security team",
            "Title": "Security",
            "EmailAddress": "security@corp.com",
            "PhoneNumber": "+49 (30) 12-34",
        }

    def test_another_organization_keeps_its_contacts(self, new_app: NewApp) -> None:
        """Contacts for all are for the accounts of one management account."""
        app = new_app()
        stacks = {
            account: cdk.Stack(
                app, f"S{account}", env=cdk.Environment(account=account, region="us-east-1")
            )
            for account in (MANAGEMENT_ACCOUNT, MEMBER)
        }
        for account, stack in stacks.items():
            Organization.from_organization_attributes(
                stack,
                "Organization",
                organization_id="o-a1b2c3d4e5",
                root_id="r-ab12",
                management_account_id=account,
                contacts=[contact(name=account)],
            ).root.add_account("Audit", email=f"{account}@corp.com")
        for account, stack in stacks.items():
            (found,) = settings(resources_of(stack), "AlternateContact")
            assert found["Name"] == account

    def test_who_depends_on_the_account_does_not_wait_for_its_contact(
        self, new_stack: NewStack
    ) -> None:
        """That would close a cycle with the chain."""
        stack = new_stack()
        root = organization_of(stack).root
        audit = root.add_account("Audit", email="a@corp.com", contacts=[contact()])
        root.add_account("Backup", email="b@corp.com").node.add_dependency(audit)
        assert chain(resources_of(stack))[-1] == "AccountsAuditSecurityContact"

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"type": "LEGAL"}, "known are BILLING, OPERATIONS, SECURITY"),
            ({"name": ""}, "name '' does not have 1 to 64 characters"),
            ({"name": "x" * 65}, "does not have 1 to 64 characters"),
            ({"title": "x" * 51}, "does not have 1 to 50 characters"),
            ({"email": "x" * 250 + "@a.com"}, "does not have 1 to 254 characters"),
            ({"email": "nobody"}, "'nobody' is not an address"),
            ({"email": "jürgen@corp.com"}, "'jürgen@corp.com' is not an address"),
            ({"phone_number": "1" * 26}, "does not have 1 to 25 characters"),
            ({"phone_number": "call me"}, "has other signs than digits"),
            ({"phone_number": 49}, "phone_number 49"),
        ],
    )
    def test_fails_for_what_the_api_refuses(self, changes: dict[str, Any], said: str) -> None:
        """By the patterns and lengths of its model."""
        with pytest.raises(OrgError) as refused:
            contact(**changes)
        assert refused.value.code == "ORG152"
        assert said in str(refused.value)

    @pytest.mark.parametrize(
        ("contacts", "said"),
        [
            (contact(), "not a list"),
            (["security@corp.com"], "is no contact"),
            ([contact(), contact()], "two contacts of type SECURITY"),
        ],
    )
    def test_fails_for_what_is_no_list_of_contacts(
        self, new_stack: NewStack, contacts: Any, said: str
    ) -> None:
        """One of each type."""
        with pytest.raises(OrgError, match=said) as refused:
            organization_of(new_stack(), contacts=contacts)
        assert refused.value.code == "ORG152"


class TestRootTags:
    """`root_tags=` and `tag_root`."""

    def test_is_declared(self, new_stack: NewStack) -> None:
        """Sorted, for the root of the organization."""
        stack = new_stack()
        organization_of(stack, root_tags={"team": "platform", "cost": "1"})
        resources = resources_of(stack)
        (found,) = settings(resources, "RootTags")
        assert found == {"RootId": "r-ab12", "Tags": {"cost": "1", "team": "platform"}}
        tag = next(
            s
            for s in statements(resources, "AWS::IAM::Role")
            if s["Action"] == "organizations:TagResource"
        )
        assert tag["Resource"]["Fn::Join"][1][-1] == ":organizations::*:root/o-*/r-*"

    def test_fails_twice_and_for_tags_that_aws_refuses(self, new_stack: NewStack) -> None:
        """Two lists would take each other's tags away."""
        organization = organization_of(new_stack())
        with pytest.raises(OrgError, match="which AWS reserves"):
            organization.tag_root({"aws:x": "y"})
        organization.tag_root({"a": "b"})
        with pytest.raises(OrgError, match="tagged already"):
            organization.tag_root({"c": "d"})


class TestDelegationPolicy:
    """`delegation_policy=` and `add_delegation_policy`."""

    @pytest.mark.parametrize(
        ("policy", "kept"), [(None, "Retain"), (cdk.RemovalPolicy.DESTROY, "Delete")]
    )
    def test_is_kept_unless_told_otherwise(
        self, new_stack: NewStack, policy: cdk.RemovalPolicy | None, kept: str
    ) -> None:
        """Delegated administrators work by it."""
        stack = new_stack()
        made = organization_of(stack).add_delegation_policy(
            DELEGATION, tags={"team": "platform"}, removal_policy=policy
        )
        assert cdk.Token.is_unresolved(made.resource_policy_id)
        assert cdk.Token.is_unresolved(made.resource_policy_arn)
        (found,) = [
            r
            for r in resources_of(stack).values()
            if r["Type"] == "AWS::Organizations::ResourcePolicy"
        ]
        assert found["Properties"]["Content"] == DELEGATION
        assert found["DeletionPolicy"] == kept

    @pytest.mark.parametrize(
        ("content", "code", "said"),
        [
            ("{}", "ORG009", "not a JSON object"),
            ({"Version": "2012-10-17"}, "ORG154", "has no Statement"),
            ({"Statement": [{"Sid": "x" * 40_000}]}, "ORG154", "at most 40000 are allowed"),
        ],
    )
    def test_fails_for_what_is_no_delegation_policy(
        self, new_stack: NewStack, content: Any, code: str, said: str
    ) -> None:
        """Before it is declared."""
        with pytest.raises(OrgError, match=said) as refused:
            organization_of(new_stack(), delegation_policy=content)
        assert refused.value.code == code

    def test_fails_for_a_second_one(self, new_stack: NewStack) -> None:
        """AWS keeps one for an organization."""
        organization = organization_of(new_stack(), delegation_policy=DELEGATION)
        with pytest.raises(OrgError, match="has a delegation policy already"):
            organization.add_delegation_policy(DELEGATION)


class TestAllowLists:
    """`deny_by_default()`."""

    @pytest.mark.parametrize("on_account", [True, False])
    def test_follows_the_policies_of_its_target(
        self, new_stack: NewStack, *, on_account: bool
    ) -> None:
        """Also of a policy that an account shares with a later one."""
        stack = new_stack()
        root = organization_of(stack).root
        one, two = [root.add_account(id, email=f"{id}@corp.com") for id in ("One", "Two")]
        targets = [one, two] if on_account else [root]
        assert targets[0].deny_by_default() is targets[0].deny_by_default()
        ServiceControlPolicy(stack, "Allowed", content=ALLOW, targets=targets)
        order = chain(resources_of(stack))
        place = order.index("AccountsOneAllowList" if on_account else "OrganizationRootAllowList")
        assert order[place - 1] == "Allowed"

    @pytest.mark.parametrize(
        ("properties", "kept"),
        [({}, True), ({"removal_policy": cdk.RemovalPolicy.DESTROY}, False)],
    )
    def test_stays_where_its_policies_stay(
        self, new_stack: NewStack, properties: dict[str, Any], *, kept: bool
    ) -> None:
        """Who leaves the tool leaves what is in force; nobody is left with nothing allowed."""
        stack = new_stack()
        root = organization_of(stack, retain_policies=True).root
        root.deny_by_default()
        ServiceControlPolicy(stack, "Allowed", content=ALLOW, targets=[root], **properties)
        (found,) = [r for r in resources_of(stack).values() if r["Type"] == "Custom::AllowList"]
        assert found.get("DeletionPolicy", "Delete") == ("Retain" if kept else "Delete")

    def test_may_attach_full_access_and_no_other_policy(self, new_stack: NewStack) -> None:
        """By a grant that outlives the setting, without being asked for."""
        stack = new_stack()
        root = organization_of(stack).root
        root.deny_by_default()
        ServiceControlPolicy(stack, "Allowed", content=ALLOW, targets=[root])
        (grant,) = statements(resources_of(stack), "AWS::IAM::Policy")
        assert grant["Action"] == "organizations:AttachPolicy"
        assert sorted(arn["Fn::Join"][1][-1] for arn in grant["Resource"]) == [
            ":organizations::*:account/o-*/*",
            ":organizations::*:ou/o-*/*",
            ":organizations::*:policy/o-*/service_control_policy/p-FullAWSAccess",
            ":organizations::*:root/o-*/*",
            ":organizations::aws:policy/service_control_policy/p-FullAWSAccess",
        ]

    def test_the_model_knows_what_is_denied_by_default(self, new_app: NewApp) -> None:
        """A level without FullAWSAccess allows what its own policies allow."""
        app = new_app()
        env = cdk.Environment(account=MANAGEMENT_ACCOUNT, region="us-east-1")
        stack = cdk.Stack(app, "Org", env=env)
        root = organization_of(stack).root
        unit = root.add_organizational_unit("Unit")
        unit.add_account("Audit", email="audit@corp.com")
        root.add_account("Free", email="free@corp.com")
        unit.deny_by_default()
        ServiceControlPolicy(stack, "Allowed", content=ALLOW, targets=[unit])
        app.synth()
        model = OrganizationModel.from_assembly(app.outdir)
        assert model.decide("Audit", Request(action="s3:GetObject")).allowed
        assert not model.decide("Audit", Request(action="ec2:RunInstances")).allowed
        assert model.decide("Free", Request(action="ec2:RunInstances")).allowed


def test_as_many_settings_as_a_role_takes_policies(new_stack: NewStack) -> None:
    """IAM takes 10,240 characters a role; one setting more is refused where it is written."""
    stack = new_stack()
    organization = organization_of(stack)

    def trust_all() -> None:
        for service in AwsService:
            organization.trust_service(service, turn_off_on_removal=True)

    with pytest.raises(OrgError, match="a role has at most 10240") as caught:
        trust_all()
    assert caught.value.code == "ORG157"
    found = resources_of(stack).values()
    (role,) = (r["Properties"] for r in found if r["Type"] == "AWS::IAM::Role")
    documents = [policy["PolicyDocument"] for policy in role["Policies"]]
    documents += [
        r["Properties"]["PolicyDocument"] for r in found if r["Type"] == "AWS::IAM::Policy"
    ]
    size = sum(len(json.dumps(document, separators=(",", ":"))) for document in documents)
    assert 9_500 < size <= 10_240


def test_every_service_may_be_trusted(new_stack: NewStack) -> None:
    """Without turning any of them off."""
    stack = new_stack()
    organization_of(stack, trusted_services=list(AwsService))
    kinds = [r["Type"] for r in resources_of(stack).values()]
    assert kinds.count("Custom::TrustedService") == len(AwsService)
