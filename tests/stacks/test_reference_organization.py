"""The reference organization as it is deployed: its templates, identities, linters."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from org_constructs import OrgError
from org_constructs.model import OrganizationModel
from org_constructs.testing import OrganizationAssertions, normalized_template
from org_constructs.validation import LOCK_FILE_KEY
from stacks.foundation import FoundationStack
from stacks.organization import OrganizationStack
from stacks.settings import OrganizationSettings

ROOT = Path(__file__).parents[2]
EXISTING = {"organization_id": "o-a1b2c3d4e5", "root_id": "r-ab12"}
KINDS: dict[str, Any] = {"created": "create", "existing": EXISTING}
STACKS = ["OrganizationFoundation", "Organization"]

Synthesized = dict[str, Path]


def settings_of(organization: Any, **changes: Any) -> dict[str, Any]:
    """Return the reference settings, with ids and addresses that are no placeholders."""
    shipped: dict[str, Any] = json.loads(
        (ROOT / "tests/reference_settings.json").read_text("utf-8")
    )
    return {
        **shipped,
        "management_account_id": "246813579024",
        "email_pattern": "aws+{account}@corp.com",
        "organization": organization,
        **changes,
    }


def compose(app: cdk.App) -> cdk.App:
    """Compose the stacks as app.py does."""
    settings = OrganizationSettings.of(app)
    foundation = FoundationStack(app, STACKS[0], settings=settings)
    OrganizationStack(app, STACKS[1], settings=settings, organization=foundation.organization)
    return app


@pytest.fixture(scope="module")
def synthesized(
    feature_flags: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Synthesized:
    """Return the assemblies of both kinds of organization."""
    folders = {}
    for kind, organization in KINDS.items():
        folder = tmp_path_factory.mktemp(kind)
        context = {
            **feature_flags,
            "org": settings_of(organization),
            LOCK_FILE_KEY: str(folder / "lock.json"),
        }
        compose(cdk.App(outdir=str(folder), context=context)).synth()
        folders[kind] = folder
    return folders


def _template(folder: Path, stack: str) -> Any:
    # The function's sources have tests of their own; their hash changes with every edit.
    return normalized_template(folder / f"{stack}.template.json")


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("kind", KINDS)
def test_template(
    synthesized: Synthesized, kind: str, stack: str, snapshot: SnapshotAssertion
) -> None:
    """A reviewer reads in the snapshot what a change of the library does to this organization."""
    template = _template(synthesized[kind], stack)
    assert template == snapshot(extension_class=JSONSnapshotExtension)


@pytest.mark.parametrize("kind", KINDS)
def test_no_findings(synthesized: Synthesized, kind: str) -> None:
    """Nothing is refused, and nothing is advised."""
    report = json.loads((synthesized[kind] / "validation-report.json").read_text("utf-8"))
    assert report["pluginReports"] == []


def test_resource_count(synthesized: Synthesized) -> None:
    """One resource per account, OU and guarded target, and a handful for what CDK lacks."""
    count = Counter(
        resource["Type"].rpartition("::")[2]
        for stack in STACKS
        for resource in _template(synthesized["created"], stack)["Resources"].values()
    )
    assert count == {
        "Organization": 1,
        "OrganizationalUnit": 5,
        "Account": 5,
        "Policy": 3,
        "OrganizationPolicyType": 1,
        "Function": 1,
        "Role": 1,
        "LogGroup": 1,
    }


def test_only_the_foundation_creates_the_organization(synthesized: Synthesized) -> None:
    """An existing organization is referred to; accounts and OUs are the same either way."""
    models = {kind: OrganizationModel.from_assembly(synthesized[kind]) for kind in KINDS}
    assert len(models["created"].organizations) == 1
    assert not models["existing"].organizations
    for kind in ("accounts", "organizational_units", "policies"):
        assert getattr(models["created"], kind).keys() == getattr(models["existing"], kind).keys()


def test_guardrails(synthesized: Synthesized) -> None:
    """The root keeps accounts in, production keeps its trails, the sandbox keeps to its Regions."""
    model = OrganizationModel.from_assembly(synthesized["existing"])
    found = {
        model.shown(target): [statement["Sid"] for statement in policy.content["Statement"]]
        for policy in model.policies.values()
        for target in policy.targets
    }
    assert found == {
        "Root": ["DenyLeaveOrganization", "DenyRootUser"],
        "Organization/Workloads/Production": ["DenyCloseAccount", "ProtectCloudTrail"],
        "Organization/Sandbox": ["RegionDeny"],
    }


@pytest.fixture(scope="module")
def organization(synthesized: Synthesized) -> OrganizationAssertions:
    """Return what can be asserted of the existing organization."""
    return OrganizationAssertions.from_assembly(synthesized["existing"])


ROLE, ROOT_USER = (f"arn:aws:iam::135792468024:{name}" for name in ("role/Admin", "root"))


def test_every_account_is_bound_by_the_root(organization: OrganizationAssertions) -> None:
    """No account leaves, and no root user of an account does anything; roles go on working."""
    for account in organization.accounts:
        account.denies("organizations:LeaveOrganization", principal=ROLE, region="us-east-1")
        account.denies("s3:GetObject", principal=ROOT_USER, region="us-east-1")
        account.allows("s3:GetObject", principal=ROLE, region="us-east-1")


@pytest.mark.parametrize(
    "action",
    ["account:CloseAccount", "cloudtrail:StopLogging", "cloudtrail:DeleteTrail"],
)
def test_production_is_protected(organization: OrganizationAssertions, action: str) -> None:
    """Production keeps its account and its trails, whatever its administrators do."""
    organization.account("payments-prod").denies(action, principal=ROLE, region="us-east-1")
    organization.account("payments-staging").allows(action, principal=ROLE, region="us-east-1")


def test_the_sandbox_keeps_to_its_regions(organization: OrganizationAssertions) -> None:
    """No known action goes to another Region, and only the sandbox is fenced."""
    regions = settings_of(EXISTING)["regions"]["sandbox"]
    organization.organizational_unit("Sandbox").is_confined_to_regions(regions, principal=ROLE)
    organization.account("playground").denies("ec2:RunInstances", region="ap-northeast-1")
    organization.account("playground").allows("ec2:RunInstances", region=regions[0])
    organization.account("payments-prod").allows("ec2:RunInstances", region="ap-northeast-1")


def test_production_can_do_no_more_than_staging(organization: OrganizationAssertions) -> None:
    """What is denied to staging is denied to production."""
    organization.organizational_unit("Workloads/Production").cannot_do_more_than(
        "Workloads/Staging"
    )


def test_homes_of_accounts(synthesized: Synthesized) -> None:
    """Each account is in the OU that the settings name."""
    model = OrganizationModel.from_assembly(synthesized["created"])
    homes = {account.path: model.shown(account.parent) for account in model.accounts.values()}
    assert homes == {
        f"Organization/Accounts/{id}": f"Organization/{entry['ou']}"
        for id, entry in settings_of("create")["accounts"].items()
    }


LOGICAL_IDS = {
    "Organization/Accounts/LogArchive": "AccountsLogArchive23602A0A",
    "Organization/Accounts/payments-prod": "Accountspaymentsprod9A621EFC",
    "Organization/Accounts/payments-staging": "Accountspaymentsstaging0A3F918E",
    "Organization/Accounts/Playground": "AccountsPlaygroundC7397F6A",
    "Organization/Accounts/SecurityTooling": "AccountsSecurityTooling1905BDA9",
    "Organization/Sandbox": "Sandbox987275F0",
    "Organization/Security": "Security2D46CA7F",
    "Organization/Workloads": "WorkloadsD6E151F0",
    "Organization/Workloads/Production": "WorkloadsProduction8E6024A0",
    "Organization/Workloads/Staging": "WorkloadsStaging93443423",
    "OrganizationFoundation/Organization": "Organization29A5FC3F",
}


@pytest.mark.parametrize("kind", KINDS)
def test_logical_ids(synthesized: Synthesized, kind: str) -> None:
    """The logical id of everything that lives in AWS is part of the library's contract."""
    model = OrganizationModel.from_assembly(synthesized[kind])
    found = {
        declared.path: declared.logical_id
        for each in (model.organizations, model.organizational_units, model.accounts)
        for declared in each.values()
    }
    expected = {
        path: id
        for path, id in LOGICAL_IDS.items()
        if kind == "created" or "Foundation" not in path
    }
    assert found == expected, "this replaces a live OU or account"


def test_both_stacks_are_protected(synthesized: Synthesized) -> None:
    """No one deletes a stack of the organization by mistake."""
    manifest = json.loads((synthesized["created"] / "manifest.json").read_text("utf-8"))
    for stack in STACKS:
        assert manifest["artifacts"][stack]["properties"]["terminationProtection"] is True
    assert STACKS[0] in manifest["artifacts"][STACKS[1]]["dependencies"]


def test_fails_for_an_unknown_ou(new_app: Callable[..., cdk.App]) -> None:
    """An account of an OU that does not exist is refused with those that do."""
    accounts = {"Audit": {"ou": "Workload"}}
    app = new_app({"org": settings_of("create", accounts=accounts)})
    with pytest.raises(OrgError, match=r"org\.accounts\.Audit\.ou is 'Workload'; known are Sec"):
        compose(app)


def test_moving_an_account_in_the_settings(
    new_app: Callable[..., cdk.App], synthesized: Synthesized
) -> None:
    """Another OU in the settings changes the account's parent and nothing else."""
    settings = settings_of(EXISTING)
    settings["accounts"] = json.loads(json.dumps(settings["accounts"]))
    settings["accounts"]["payments-staging"]["ou"] = "Workloads/Production"
    app = compose(new_app({"org": settings}))
    app.synth()
    before = _template(synthesized["existing"], "Organization")["Resources"]
    after = _template(Path(app.outdir), "Organization")["Resources"]
    changed = [id for id in before if before[id] != after[id]]
    assert before.keys() == after.keys()
    assert [id[:-8] for id in changed] == ["Accountspaymentsstaging"]
    account = before[changed[0]]["Properties"]
    assert {k for k in account if account[k] != after[changed[0]]["Properties"][k]} == {"ParentIds"}


@pytest.mark.parametrize("kind", KINDS)
def test_cfn_lint(synthesized: Synthesized, kind: str) -> None:
    """cfn-lint has nothing to say, of whatever level.

    The templates' metadata ignore W3005, a DependsOn that a reference implies already. The chain
    is stated for every resource all the same: what it says shall not hang on which property
    refers to what.
    """
    files = [str(synthesized[kind] / f"{stack}.template.json") for stack in STACKS]
    done = subprocess.run(
        [
            str(Path(sys.prefix) / "bin/cfn-lint"),
            "--include-checks=I",
            "--regions=us-east-1",
            "--",
            *files,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_cdk_nag(new_app: Callable[..., cdk.App]) -> None:
    """The AwsSolutions rules find nothing that is not acknowledged with a reason."""
    from cdk_nag import AwsSolutionsChecks

    app = new_app({"org": settings_of("create")})
    compose(app)
    plugin: Any = AwsSolutionsChecks(verbose=True)
    cdk.Validations.of(app).add_plugins(plugin)
    app.synth()
