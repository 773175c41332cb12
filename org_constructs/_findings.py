"""What is to be said of the organization resources of one Stage, once its templates are written.

Apart from the plugin, so that it can be loaded while Node writes the templates.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ._lock_file import read_lock
from ._stages import lock_of, management_account_ids, own_paths, stacks_elsewhere
from .checks import CheckContext, Finding, Severity, run_checks
from .model.alignment import align
from .model.assembly import Assembly
from .model.errors import OrgError
from .model.lock import Lock
from .model.organization import OrganizationModel
from .validation import ALLOW_PLACEHOLDERS_KEY

if TYPE_CHECKING:
    from ._registry import Registry


def find(registry: Registry, templates: Mapping[str, str], whole: Assembly) -> list[Finding]:
    """Return what refuses a Stage, or is advice, but for what has been acknowledged.

    Args:
        registry: what the library knows of the Stage.
        templates: the templates of the whole app, by construct path of their stack.
        whole: the assembly of the whole app.
    """
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


def _is_acknowledged(finding: Finding, registry: Registry) -> bool:
    """Tell whether a reason was given for a finding, for the whole organization or one path."""
    known = registry.acknowledged
    return finding.code in known or f"{finding.code}@{finding.path}" in known


def _is_true(value: object) -> bool:
    """Tell whether a context value is switched on; `-c key=true` arrives as a string."""
    return value is True or (isinstance(value, str) and value.lower() == "true")
