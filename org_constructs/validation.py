"""The CDK validation plugin: what the checks find, in one report that `cdk deploy` obeys.

The library registers it by itself, once per Stage. A plugin that raises ends in exit code 0 and
a deployment, so every exception becomes a fatal finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import aws_cdk as cdk
import jsii

from ._lock_file import LOCK_FILE_KEY

if TYPE_CHECKING:
    from ._registry import Registry
    from .checks import Finding

__all__ = [
    "ALLOW_PLACEHOLDERS_KEY",
    "LOCK_FILE_KEY",
    "NAME",
    "OrganizationValidation",
    "register_plugin",
]

NAME = "org-constructs"
ALLOW_PLACEHOLDERS_KEY = "org-constructs:allowPlaceholders"


def register_plugin(registry: Registry) -> None:
    """Register the plugin for the registry's Stage."""
    cdk.Validations.of(registry.stage).add_plugins(OrganizationValidation(registry))


@jsii.implements(cdk.IPolicyValidationPlugin)
class OrganizationValidation:
    """Reports what is wrong with the organization resources of one Stage."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    # jsii sees properties only; a plain attribute crashes the report.
    @property
    def name(self) -> str:
        """Name of the plugin in reports."""
        return NAME

    @property
    def version(self) -> str:
        """Version of the plugin in reports."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("org-constructs")
        except PackageNotFoundError:
            return "0"

    @property
    def rule_ids(self) -> list[str]:
        """Ids of the rules; they are documented, not enumerated."""
        return []

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Check the templates that CDK has just written."""
        try:
            from ._findings import find
            from .model.assembly import read_assembly

            templates = {
                template.stack_construct_path: template.template_path
                for template in context.stack_templates
            }
            # The whole app: what another Stage declares is not what this one has lost, and the
            # management account is the same in all of them.
            app = cast("cdk.App", self._registry.stage.node.root)
            whole = read_assembly(app.outdir, nested=True)
            for stack in whole.every_stack:
                templates.setdefault(stack.path, stack.template_path or "")
            findings = find(self._registry, templates, whole)
            return cdk.PolicyValidationPluginReport(
                success=all(finding.severity == "warning" for finding in findings),
                violations=[self._violation(finding, templates) for finding in findings],
            )
        except Exception as error:  # noqa: BLE001 - CDK takes a plugin that raises for one that is content
            return self._failure(error)

    def _failure(self, error: Exception) -> cdk.PolicyValidationPluginReport:
        """Return the report of a validation that failed; what it is made of cannot have failed."""
        path = self._registry.stage.node.path or "App"
        violation = cdk.PolicyViolation(
            rule_name="ORG000",
            description=f"the validation itself failed: {type(error).__name__}: {error}",
            fix="nothing is deployed without it; report this with the app that shows it",
            severity="fatal",
            violating_resources=[
                cdk.PolicyViolatingResource(
                    resource_logical_id=path, template_path=path, locations=[]
                )
            ],
        )
        return cdk.PolicyValidationPluginReport(success=False, violations=[violation])

    def _violation(self, finding: Finding, templates: Mapping[str, str]) -> cdk.PolicyViolation:
        source = self._registry.source_of(finding.path)
        known = source is None or any(
            problem.path == finding.path for problem in self._registry.problems
        )
        return cdk.PolicyViolation(
            rule_name=finding.code,
            description=finding.message if known else f"{finding.message} ({source})",
            fix=finding.remedy,
            severity=finding.severity.value,
            # Without a violating resource CDK prints nothing at all. From a template's path and a
            # logical id it finds the construct; otherwise it shows what it is given.
            violating_resources=[
                cdk.PolicyViolatingResource(
                    resource_logical_id=finding.logical_id or finding.path,
                    template_path=_template_of(finding, templates),
                    locations=[],
                )
            ],
        )


def _template_of(finding: Finding, templates: Mapping[str, str]) -> str:
    """Return the path of the template that holds what a finding is about."""
    around = [
        stack_path
        for stack_path in templates
        if finding.path == stack_path or finding.path.startswith(f"{stack_path}/")
    ]
    # A nested stack is within another one: its template is the inner one.
    path = max(around, key=len, default=None)
    return next(iter(templates.values()), finding.path) if path is None else templates[path]
