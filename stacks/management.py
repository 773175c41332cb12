"""What every stack of the management account has in common."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from .settings import OrganizationSettings


class ManagementStack(cdk.Stack):
    """A stack in the management account, protected against being destroyed by mistake."""

    def __init__(
        self, scope: Construct, id: str, *, settings: OrganizationSettings, **kwargs: Any
    ) -> None:
        super().__init__(scope, id, env=settings.environment, termination_protection=True, **kwargs)
        # The chain names every predecessor, also one that a reference implies already.
        self.template_options.metadata = {"cfn-lint": {"config": {"ignore_checks": ["W3005"]}}}
