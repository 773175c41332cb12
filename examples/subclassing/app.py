"""A team's part of an organization: its own kind of OU, its own guardrails, and its accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from org_constructs import IOrganizationalUnit, Organization, OrganizationalUnit, SandboxOu
from org_constructs.guardrails import DenyLeaveOrganization, Guardrail, RegionDeny
from org_constructs.policies import Statement

MANAGEMENT_ACCOUNT = cdk.Environment(account="246813579024", region="us-east-1")


@dataclass(frozen=True, kw_only=True)
class DenyLargeInstances(Guardrail):
    """A guardrail of the team: no instance is larger than an experiment needs."""

    allowed_sizes: Sequence[str] = ("large", "medium", "small")

    @property
    def why(self) -> str:
        """The reason, in one line."""
        return "an experiment that needs a larger instance is no longer an experiment"

    def statements(self) -> Sequence[Statement]:
        """Return one statement; `deny` names it and leaves exempt principals out."""
        allowed = [f"*.{size}" for size in self.allowed_sizes]
        return [
            self.deny(
                actions=["ec2:RunInstances"],
                resources=["arn:*:ec2:*:*:instance/*"],
                conditions={"StringNotLike": {"ec2:InstanceType": allowed}},
            )
        ]


@dataclass(frozen=True, kw_only=True)
class EuropeanUnionOnly(RegionDeny):
    """A preset of a guardrail of the library: other defaults, its own name and Sid."""

    allowed_regions: Sequence[str] = ("eu-central-1", "eu-west-1")


class ResearchOu(SandboxOu):
    """A sandbox of one team: what every sandbox has, and what the team's budget asks for."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        parent: IOrganizationalUnit,
        allowed_sizes: Sequence[str],
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, id, parent=parent, **kwargs)
        # Set after the constructor of the base class: default_guardrails is called at synthesis.
        self.allowed_sizes = allowed_sizes

    def default_guardrails(self) -> Sequence[Guardrail]:
        """Keep the guardrails of every sandbox and add the team's."""
        return (
            *super().default_guardrails(),
            DenyLargeInstances(allowed_sizes=self.allowed_sizes),
        )


class OrganizationStack(cdk.Stack):
    """The organization, with the OU under which teams get theirs."""

    def __init__(self, scope: Construct, id: str, **kwargs: Any) -> None:
        super().__init__(scope, id, env=MANAGEMENT_ACCOUNT, **kwargs)
        root = Organization(self, "Organization").root
        root.attach(DenyLeaveOrganization())
        self.teams = root.add_organizational_unit("Teams")


class TeamStack(cdk.Stack):
    """One team's OUs and accounts, below an OU of another stack and below one that exists."""

    def __init__(
        self, scope: Construct, id: str, *, teams: IOrganizationalUnit, **kwargs: Any
    ) -> None:
        super().__init__(scope, id, env=MANAGEMENT_ACCOUNT, **kwargs)
        research = ResearchOu(self, "Research", parent=teams, allowed_sizes=["medium", "small"])
        research.add_account("ResearchData", email="aws+research-data@corp.com")

        # Made by hand years ago; only its id is known.
        acquired = OrganizationalUnit.from_organizational_unit_id(
            self, "Acquired", "ou-ab12-34cd56ef"
        )
        acquired.attach(EuropeanUnionOnly())
        acquired.add_account("AcquiredShop", email="aws+acquired-shop@corp.com")


app = cdk.App()
organization = OrganizationStack(app, "Organization")
TeamStack(app, "ResearchTeam", teams=organization.teams)
app.synth()
