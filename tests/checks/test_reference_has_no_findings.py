"""The organization that this repository declares is in order by its own judgements."""

from __future__ import annotations

import json
from pathlib import Path

from refusal_harness import NewApp, report

from stacks.foundation import FoundationStack
from stacks.organization import OrganizationStack
from stacks.settings import OrganizationSettings

ROOT = Path(__file__).parents[2]


def test_no_findings(new_app: NewApp) -> None:
    """Neither a refusal nor advice: whoever starts here starts without a finding."""
    settings = json.loads((ROOT / "tests/reference_settings.json").read_text("utf-8"))
    settings |= {
        "management_account_id": "246813579024",
        "email_pattern": "aws+{account}@corp.com",
    }
    app = new_app({"org": settings})
    read = OrganizationSettings.of(app)
    foundation = FoundationStack(app, "OrganizationFoundation", settings=read)
    OrganizationStack(app, "Organization", settings=read, organization=foundation.organization)
    assert report(app) == []
