"""The CDK validation plugin: what the checks find, in one report that `cdk deploy` obeys.

The library registers it by itself, once per Stage. A plugin that raises ends in exit code 0 and
a deployment, so every exception becomes a fatal finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import aws_cdk as cdk
import jsii

from ._lock_file import LOCK_FILE_KEY, read_lock
from ._stages import lock_of, management_account_ids, own_paths, stacks_elsewhere
from .checks import CheckContext, Finding, Severity, run_checks
from .model.alignment import align
from .model.assembly import Assembly, read_assembly
from .model.errors import OrgError
from .model.lock import Lock
from .model.organization import OrganizationModel

if TYPE_CHECKING:
    from ._registry import Registry

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
            return self._report(self._findings(templates, whole), templates)
        except Exception as error:  # noqa: BLE001 - CDK takes a plugin that raises for one that is content
            return self._report(
                [
                    Finding(
                        code="ORG000",
                        severity=Severity.FATAL,
                        message=f"the validation itself failed: {type(error).__name__}: {error}",
                        remedy="nothing is deployed without it; report this with the app that shows it",
                        path=self._registry.stage.node.path or "App",
                    )
                ],
                {},
            )

    def _findings(self, templates: Mapping[str, str], whole: Assembly) -> list[Finding]:
        registry = self._registry
        found = [
            Finding(
                code=problem.code,
                severity=Severity.FATAL,
                message=problem.message + (f" ({problem.source})" if problem.source else ""),
                remedy=problem.remedy or "correct it where it is written",
                path=problem.path,
            )
            for problem in registry.problems
        ]
        placed = {item.place.stack_path for item in registry.items}
        # Without anything declared there is still the lock, which tells what would be lost.
        folders = sorted(
            {Path(file).parent.resolve() for stack, file in templates.items() if stack in placed}
        ) or [Path(registry.stage.outdir).resolve()]
        node = registry.stage.node
        lock: Lock | None = None
        try:
            lock = read_lock(registry.stage)
            if lock is not None:
                everything = OrganizationModel.of(whole)
                lock = lock_of(registry, align(lock, everything), everything)
        except OrgError as error:
            found.append(
                Finding(
                    code=error.code,
                    severity=Severity.FATAL,
                    message=str(error),
                    remedy="without its lock no one can tell what a deployment would destroy",
                    path=min(placed, default=node.path),
                )
            )
        for folder in folders:
            found += run_checks(
                CheckContext(
                    model=OrganizationModel.of(whole.within(folder)),
                    lock=lock,
                    quotas=registry.quotas,
                    management_account_ids=management_account_ids(registry),
                    guardrail_sizes={
                        path: policy.guardrail_sizes for path, policy in registry.policies.items()
                    },
                    unlisted_regions=frozenset().union(
                        *(policy.unlisted_regions for policy in registry.policies.values())
                    ),
                    own_paths=own_paths(registry),
                    elsewhere=stacks_elsewhere(registry, whole),
                    allow_placeholders=_is_true(node.try_get_context(ALLOW_PLACEHOLDERS_KEY)),
                    dropped_guardrails=registry.dropped_guardrails,
                )
            )
        # A circle that user code closed was named with its line, before the template showed it.
        named = {finding.code for finding in found[: len(registry.problems)]} & {"ORG112"}
        return [
            finding
            for index, finding in enumerate(found)
            if not _is_acknowledged(finding, registry)
            and (index < len(registry.problems) or finding.code not in named)
        ]

    def _report(
        self, findings: list[Finding], templates: Mapping[str, str]
    ) -> cdk.PolicyValidationPluginReport:
        return cdk.PolicyValidationPluginReport(
            success=all(finding.severity is Severity.WARNING for finding in findings),
            violations=[self._violation(finding, templates) for finding in findings],
        )

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


def _is_acknowledged(finding: Finding, registry: Registry) -> bool:
    """Tell whether a reason was given for a finding, for the whole organization or one path."""
    known = registry.acknowledged
    return finding.code in known or f"{finding.code}@{finding.path}" in known


def _is_true(value: object) -> bool:
    """Tell whether a context value is switched on; `-c key=true` arrives as a string."""
    return value is True or (isinstance(value, str) and value.lower() == "true")
