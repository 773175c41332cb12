"""The emulator ministack: which of its names are taken, and whether this one has them.

It offers no plug-in point, so the adapter takes names that ministack keeps to itself. All of them
stand here, and an emulator that lacks one is refused before anything is changed.
"""

from __future__ import annotations

import importlib
from typing import Any

CLOUDFORMATION = "ministack.services.cloudformation"

TAKEN_NAMES: dict[str, tuple[str, ...]] = {
    "ministack.app": ("app",),
    "ministack.core.iam_evaluator": (
        "EvalContext",
        "_action_matches",
        "_gather_role_policies",
        "_resolve_managed_policy_document",
        "evaluate",
        "request_caller_arn",
    ),
    "ministack.core.responses": ("get_account_id", "get_region", "request_scope"),
    "ministack.services.eventbridge": (
        "_SCHEDULER_TICK_INTERVAL",
        "_dispatch_to_lambda",
        "_ensure_default_bus",
        "_event_bus_name_from_ref",
        "_invoke_target",
        "_now_ts",
        "_put_events",
        "_put_rule",
        "_put_targets",
        "_rule_last_fired",
        "_rules",
        "_targets",
        "_tick_scheduled_rules",
    ),
    "ministack.services.account": ("handle_request",),
    "ministack.services.iam": ("_IAM_HANDLERS", "_create_role", "_error", "_roles", "_xml"),
    "ministack.services.lambda_svc": (
        "_execute_function_with_config_scope",
        "_execution_record_for_config",
        "_get_func_record_for_ref",
    ),
    "ministack.services.organizations": (
        "get_state",
        "handle_request",
        "load_persisted_state",
        "reset",
    ),
    "ministack.services.sts": ("_error", "handle_request"),
    CLOUDFORMATION: ("_stacks", "handle_request", "reset"),
    f"{CLOUDFORMATION}.changesets": (
        "_IMPORT_LOOKUPS",
        "_deploy_stack_async",
        "_diff_resources",
        "_import_owner",
        "_resolve_props_for_diff",
        "_resolve_refs",
        "validate_template_support",
    ),
    f"{CLOUDFORMATION}.custom_resource": (
        "_lock",
        "_pending",
        "invoke_custom_resource",
        "register_token",
    ),
    f"{CLOUDFORMATION}.drift": ("DRIFT_DETECTABLE_STATUSES", "_DRIFT_READERS"),
    f"{CLOUDFORMATION}.engine": (
        "_evaluate_conditions",
        "_parse_template",
        "_resolve_refs",
        "_topological_sort",
        "validate_template_support",
    ),
    f"{CLOUDFORMATION}.handlers": (
        "_ACTION_HANDLERS",
        "_delete_stack_async",
        "_deploy_stack_async",
        "_resolve_refs",
        "_resolve_stack",
        "_resolve_template",
        "_roll_back_operation",
        "_stack_has_no_updates",
        "_update_stack",
        "validate_template_support",
    ),
    f"{CLOUDFORMATION}.provisioners": (
        "_REPLACING_PROPERTIES",
        "_RESOURCE_HANDLERS",
        "_STACK_TAG_PROPERTY",
        "_with_stack_tags",
    ),
    f"{CLOUDFORMATION}.stacks": (
        "_add_event",
        "_default_resource_policy",
        "_extract_deps",
        "_delete_stack_async",
        "_deploy_stack_async",
        "_resolve_refs",
        "_roll_back_operation",
        "_runs_on_worker_thread",
        "_sends_back_failed_update",
        "_topological_sort",
        "_with_stack_tags",
    ),
}

_REMEDY = "install the version it is made for: pip install 'path/to/org-constructs[rehearsal]'"


class EmulatorError(RuntimeError):
    """The emulator is missing, or is not the one that the adapter is made for."""


def module(name: str) -> Any:
    """Return one of the emulator's modules."""
    return importlib.import_module(name)


def check_emulator() -> None:
    """Refuse an emulator that lacks a name the adapter takes.

    Raises:
        EmulatorError: it is not installed, or is another version.
    """
    try:
        module("ministack")
    except ImportError:
        raise EmulatorError(
            "the rehearsal needs the emulator 'ministack': pip install 'path/to/org-constructs[rehearsal]'"
        ) from None
    for module_name, names in TAKEN_NAMES.items():
        try:
            found = module(module_name)
        except ImportError:
            raise EmulatorError(f"this ministack has no module {module_name}; {_REMEDY}") from None
        for name in names:
            if not hasattr(found, name):
                raise EmulatorError(f"this ministack has no {module_name}.{name}; {_REMEDY}")
