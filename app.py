"""Compose the organization's stacks from the settings in cdk.json and synthesize them."""

import sys

import aws_cdk as cdk

from org_constructs import OrgError
from stacks.foundation import FoundationStack
from stacks.organization import OrganizationStack
from stacks.settings import OrganizationSettings

app = cdk.App()
try:
    settings = OrganizationSettings.of(app)
    foundation = FoundationStack(app, "OrganizationFoundation", settings=settings)
    OrganizationStack(app, "Organization", settings=settings, organization=foundation.organization)
except OrgError as error:
    sys.exit(f"{error.code}: {error}")
app.synth()
