"""What roles may do with the organization: the deployment role's own Deny is a safety net.

The emulator's IAM enforcement is off, because it refuses what the CDK CLI does. Calls to
Organizations alone are judged here, by the policies of the role that makes them: a role that lacks
a permission fails here as it fails in AWS, and one that may not close accounts closes none.
Functions are not judged: the emulator gives them keys of their account instead of their role's.
"""

# The emulator has no public way in; the names taken stand in `emulator.TAKEN_NAMES`.
# ruff: noqa: SLF001

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from urllib.parse import parse_qs

from .backend import ApiError
from .emulator import CLOUDFORMATION, module

_ARN_PARTS = 6

# The role with which CloudFormation acts; operations run in copies of the request's context.
_deployment_role: ContextVar[str | None] = ContextVar("deployment_role", default=None)


class Permissions:
    """Judges calls to Organizations by the caller's role."""

    def __init__(self) -> None:
        self._responses = module("ministack.core.responses")
        self._iam = module("ministack.services.iam")
        self._evaluator = module("ministack.core.iam_evaluator")
        self._roles: dict[tuple[str, str, str], str] = {}

    def clear(self) -> None:
        """Forget which stack is deployed with which role."""
        self._roles.clear()

    def note_deployment_role(self, body: bytes) -> None:
        """Remember the role that a request gives to a stack, and act with it from here on.

        Documentation: CloudFormation keeps the role for the later operations on the stack.
        """
        query = {key: values[0] for key, values in parse_qs(body.decode(errors="replace")).items()}
        name = query.get("StackName", "")
        name = name.split("/")[1] if name.startswith("arn:") else name
        responses = self._responses
        key = (responses.get_account_id(), responses.get_region(), name)
        if "RoleARN" in query:
            self._roles[key] = query["RoleARN"]
        _deployment_role.set(self._roles.get(key))

    def refusal_of_deployment(self, operation: str) -> ApiError | None:
        """Return why CloudFormation may not make a call, or None."""
        role = _deployment_role.get()
        return None if role is None else self._refusal(role, operation)

    def refusal_of_request(self, operation: str, headers: dict[str, str]) -> ApiError | None:
        """Return why whoever signed a request may not make it, or None."""
        caller: str = self._evaluator.request_caller_arn(headers, {})
        _, is_session, role = caller.partition(":assumed-role/")
        if not is_session:
            # Keys that are account ids stand for the administrator of that account.
            return None
        account = caller.split(":")[4]
        return self._refusal(f"arn:aws:iam::{account}:role/{role.split('/')[0]}", operation)

    def _refusal(self, role_arn: str, operation: str) -> ApiError | None:
        account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
        role = self._iam._roles.get_scoped(account, None, name)
        if role is None:
            # Created outside the rehearsal: nothing is known about it.
            return None
        action = f"organizations:{operation}"
        policies = self._evaluator._gather_role_policies(name, account)
        context = self._context(role_arn, account, action)
        verdict = self._evaluator.evaluate(context, policies).decision
        if verdict == "Deny":
            return _denied(role_arn, action, "with an explicit deny in an identity-based policy")
        if self._is_known(role, account) and not self._allows(policies, action):
            return _denied(role_arn, action, "because no identity-based policy allows the action")
        return None

    def _context(self, role_arn: str, account: str, action: str) -> Any:
        return self._evaluator.EvalContext(
            principal_arn=role_arn,
            principal_type="AssumedRole",
            principal_account=account,
            action=action,
            resource_arn="*",
            region=self._responses.get_region(),
        )

    def _is_known(self, role: dict[str, Any], account: str) -> bool:
        """Tell whether the documents of all attached policies are known."""
        resolve = self._evaluator._resolve_managed_policy_document
        return all(resolve(arn, account) is not None for arn in role.get("AttachedPolicies", []))

    def _allows(self, policies: list[list[Any]], action: str) -> bool:
        # Resources and conditions of an Allow are not looked at: rather too little is refused.
        matches = self._evaluator._action_matches
        return any(
            statement.effect == "Allow"
            and matches(action, statement.actions, statement.not_actions)
            for statements in policies
            for statement in statements
        )


def _denied(role_arn: str, action: str, reason: str) -> ApiError:
    return ApiError(
        "AccessDeniedException",
        f"User: {role_arn} is not authorized to perform: {action} on resource: * {reason}",
    )


def note_deployment_roles(permissions: Permissions) -> None:
    """Let every call to CloudFormation say with which role it acts."""
    package = module(CLOUDFORMATION)
    handle = package.handle_request

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        permissions.note_deployment_role(body)
        return await handle(method, path, headers, body, query)

    package.handle_request = handle_request


def refuse_missing_roles(is_member: Callable[[str], bool]) -> None:
    """Let nobody assume a role that a member account does not have, such as an invited one's.

    Args:
        is_member: tells whether an account is a member of an organization; of others nothing is
            known.
    """
    sts = module("ministack.services.sts")
    roles = module("ministack.services.iam")._roles
    handle = sts.handle_request

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        given = {**parse_qs(body.decode(errors="replace")), **query}
        parts = given.get("RoleArn", [""])[0].split(":")
        if given.get("Action") == ["AssumeRole"] and len(parts) == _ARN_PARTS:
            account, name = parts[4], parts[5].rpartition("/")[2]
            if is_member(account) and not roles.get_scoped(account, None, name):
                message = f"User is not authorized to perform: sts:AssumeRole on resource: {':'.join(parts)}"
                return sts._error(403, "AccessDenied", message, ns="sts")
        return await handle(method, path, headers, body, query)

    sts.handle_request = handle_request
