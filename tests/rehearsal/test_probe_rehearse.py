"""What a rehearsal tells a stranger: wrong arguments, things declared twice, faults of all services."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import ClientError
from stack_harness import BASE, CONTENT, SCP, Cloud, account, resource, unit
from typer.testing import CliRunner

from org_constructs.cli._app import app
from org_constructs.model import OrganizationModel
from org_constructs.operations.recovery import RecoveryError, find_orphans
from org_constructs.rehearsal import EmbeddedAws, FaultError
from org_constructs.rehearsal.backend.faults import Fault
from org_constructs.rehearsal.verdict import Stack, judge


def _assembly(folder: Path, resources: dict[str, Any]) -> Path:
    """Write an assembly of one stack."""
    folder.mkdir()
    (folder / "Org.template.json").write_text(json.dumps({"Resources": resources}), "utf-8")
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://111111111111/us-east-1",
        "properties": {"templateFile": "Org.template.json"},
    }
    manifest = {"version": "53.0.0", "artifacts": {"Org": stack}}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--steps", "destroy"], "step 'destroy' comes first, and nothing is deployed yet"),
        (["--steps", "change", "--change", "."], "step 'change' comes first"),
        (
            [
                *("--steps", "deploy,change,fail", "--change", "."),
                *("--fault", "AttachPolicy:1:ServiceException"),
            ],
            "let it come first, or in place of 'change'",
        ),
        (["--fault", "AttachPolicy:x:ServiceException"], "fault 'AttachPolicy:x:ServiceException'"),
    ],
)
def test_what_cannot_be_rehearsed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    """Before anything is started; and no part of a text becomes a picture."""
    folder = _assembly(tmp_path / "assembly", BASE)
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(app, ["rehearse", str(folder), *arguments])
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())


class TestTwice:
    """One OU, declared under two names, as an app with a mistake does."""

    RESOURCES: ClassVar = {**BASE, "C": unit("B")}

    def test_it_is_imported_once(self, organization: Cloud) -> None:
        """The change set fails, and says which."""
        root = organization.organizations.list_roots()["Roots"][0]["Id"]
        made = organization.organizations.create_organizational_unit(ParentId=root, Name="Hand")
        id = made["OrganizationalUnit"]["Id"]
        organization.cloudformation.create_change_set(
            StackName="Org",
            ChangeSetName="twice",
            ChangeSetType="IMPORT",
            TemplateBody=json.dumps({"Resources": {**BASE, "C": unit("Hand"), "D": unit("Hand")}}),
            ResourcesToImport=[
                {
                    "ResourceType": "AWS::Organizations::OrganizationalUnit",
                    "LogicalResourceId": logical_id,
                    "ResourceIdentifier": {"Id": id},
                }
                for logical_id in ("C", "D")
            ],
        )
        found = organization.cloudformation.describe_change_set(
            StackName="Org", ChangeSetName="twice"
        )
        assert found["Status"] == "FAILED"
        assert f"{id} is to be imported as C and as D" in found["StatusReason"]

    def test_it_is_not_recovered(self, organization: Cloud, tmp_path: Path) -> None:
        """The message names both, and what to do."""
        organization.delete()
        model = OrganizationModel.from_assembly(_assembly(tmp_path / "assembly", self.RESOURCES))
        with pytest.raises(RecoveryError, match="declared twice, as Org/B and as Org/C"):
            find_orphans(model, cast("Session", organization.aws))

    def test_it_is_a_difference(self, tmp_path: Path) -> None:
        """Even where a stack holds it under both names."""
        model = OrganizationModel.from_assembly(_assembly(tmp_path / "assembly", self.RESOURCES))
        units = [
            {"id": f"ou-ab12-{name * 8}", "name": name.upper(), "parent_id": "r-ab12", "tags": {}}
            for name in "ab"
        ]
        live = {
            "organization_id": "o-a1b2c3d4e5",
            "root_id": "r-ab12",
            "management_account_id": "111111111111",
            "organizational_units": units,
            "accounts": [],
            "policies": [],
        }
        held = {
            "Organization": "o-a1b2c3d4e5",
            "A": units[0]["id"],
            "B": units[1]["id"],
            "C": units[1]["id"],
        }
        stack = Stack(status="CREATE_COMPLETE", held=held)
        verdict = judge(model, before=live, after=live, stacks={"Org": stack}, calls=[])
        assert [difference.what for difference in verdict.differences] == [
            f"is held as {units[1]['id']}, which is Org/B already"
        ]
        assert not verdict.converged


class TestFaultsOfAccountManagement:
    """Renaming an account goes wrong too."""

    @pytest.mark.parametrize("code", ["TooManyRequestsException", "InternalServerException"])
    def test_a_rename_is_refused_once(self, aws: EmbeddedAws, code: str) -> None:
        """And then it works."""
        aws.client("organizations").create_organization()
        client = Session().client(
            "account",
            endpoint_url=aws.endpoint,
            region_name=aws.region,
            aws_access_key_id=aws.account_id,
            aws_secret_access_key="rehearsal",  # noqa: S106
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )
        aws.inject(f"PutAccountName:1:{code}")
        with pytest.raises(ClientError) as refused:
            client.put_account_name(AccountName="Renamed")
        assert refused.value.response["Error"]["Code"] == code
        client.put_account_name(AccountName="Renamed")
        assert client.get_account_information()["AccountName"] == "Renamed"

    def test_it_knows_its_own_errors_only(self) -> None:
        """As Organizations' operations do."""
        with pytest.raises(FaultError, match="PutAccountName never answers 'ServiceException'"):
            Fault.parse("PutAccountName:1:ServiceException")


class TestNames:
    """What people see of accounts and policies is compared as well."""

    RENAME: ClassVar = {
        "Type": "Custom::AccountName",
        "Properties": {"AccountId": {"Ref": "App"}, "Name": "Shop"},
    }

    @staticmethod
    def _differences(name: str, description: str, **more: dict[str, Any]) -> list[str]:
        """Judge an account and a policy that are called so in AWS."""
        template = {
            "Resources": {
                "App": account("r-ab12", name="app"),
                "Deny": resource(
                    "Policy", Name="deny", Type=SCP, Content=CONTENT, Description="no leaving"
                ),
                **more,
            }
        }
        live = {
            "organization_id": "o-a1b2c3d4e5",
            "root_id": "r-ab12",
            "management_account_id": "111111111111",
            "organizational_units": [],
            "accounts": [
                {
                    "id": "222222222222",
                    "name": name,
                    "email": "app@corp.com",
                    "parent_id": "r-ab12",
                    "state": "ACTIVE",
                }
            ],
            "policies": [
                {
                    "id": "p-11111111",
                    "name": "deny",
                    "type": SCP,
                    "description": description,
                    "content": json.dumps(CONTENT),
                    "aws_managed": False,
                    "targets": [],
                }
            ],
        }
        held = {"App": "222222222222", "Deny": "p-11111111"}
        verdict = judge(
            OrganizationModel.from_templates({"Org": template}),
            before=None,
            after=live,
            stacks={"Org": Stack(status="CREATE_COMPLETE", held=held)},
            calls=[],
        )
        return [difference.what for difference in verdict.differences]

    def test_they_are_as_declared(self) -> None:
        """An account with another name than at its creation has the one that its setting gives."""
        assert self._differences("app", "no leaving") == []
        assert self._differences("Shop", "no leaving", Rename=self.RENAME) == []

    def test_they_differ(self) -> None:
        """An account that was not renamed, and a description that somebody changed."""
        assert self._differences("Shop", "") == [
            "name is 'Shop', declared is 'app'",
            "description is '', declared is 'no leaving'",
        ]
        assert self._differences("app", "no leaving", Rename=self.RENAME) == [
            "name is 'app', declared is 'Shop'"
        ]

    def test_what_only_aws_resolves_is_not_compared(self) -> None:
        """A name that another resource gives."""
        rename = {**self.RENAME, "Properties": {"AccountId": {"Ref": "App"}, "Name": {"Ref": "X"}}}
        assert self._differences("whatever", "no leaving", Rename=rename) == []
