"""Requests that no service or resource control policy reaches.

Sources:
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ._statements import Question
from ._syntax import RCP, SCP, Kind

# The path is reserved for roles of this kind, and aws:PrincipalArn of a session is the ARN of its
# role (documentation). The ARN of a session itself has no path, but the name (inference).
_SERVICE_LINKED = re.compile(
    r"arn:[^:]*:(?:iam::[^:]*:role/aws-service-role/.+|sts::[^:]*:assumed-role/AWSServiceRoleFor.+)"
)
# Of the services that AWS names, Alexa's and the Product Marketing API have no actions of IAM.
_UNRESTRICTED = {"mechanicalturk": "Amazon Mechanical Turk"}
_SESSION = re.compile(r"arn:[^:]*:sts::[^:]*:assumed-role/.+")
_ACCOUNT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """Why the policies of one kind do not reach a request.

    Attributes:
        kind: `SERVICE_CONTROL_POLICY` or `RESOURCE_CONTROL_POLICY`.
        reason: in words.
    """

    kind: Kind
    reason: str

    def to_json(self) -> dict[str, str]:
        """Return the JSON form."""
        return {"kind": self.kind, "reason": self.reason}


def service_exemption(question: Question, management_account: str | None) -> Exemption | None:
    """Return why service control policies do not reach a request (documentation)."""
    if is_service_linked_role(_principal(question)):
        return Exemption(kind=SCP, reason="the principal is a service-linked role")
    if _is_service(question):
        return Exemption(kind=SCP, reason="the principal is a service of AWS, of no account")
    if management_account and _account_of_principal(question) == management_account:
        return Exemption(kind=SCP, reason="the principal is of the management account")
    return None


def resource_exemption(question: Question, management_account: str | None) -> Exemption | None:
    """Return why resource control policies do not reach a request (documentation)."""
    if is_service_linked_role(_principal(question)):
        return Exemption(kind=RCP, reason="the principal is a service-linked role")
    if question.action == "kms:retiregrant":
        return Exemption(kind=RCP, reason="kms:RetireGrant is not affected")
    from org_constructs.policies.types.resource_control_policy import supported_services

    service = question.action.partition(":")[0]
    if service not in supported_services():
        return Exemption(kind=RCP, reason=f"the service '{service}' does not support them")
    if management_account and _account_of_resource(question) == management_account:
        return Exemption(kind=RCP, reason="the resource is of the management account")
    return None


def action_caveats(action: str) -> Iterator[str]:
    """Yield what AWS says of an action that makes a denial of a service control policy unsure.

    AWS names tasks and not actions, so that the policies are evaluated and not left out.
    """
    service = action.partition(":")[0].lower()
    if service in _UNRESTRICTED:
        yield (
            "AWS documents that service control policies do not restrict tasks of "
            f"{_UNRESTRICTED[service]}"
        )


def principal_caveats(question: Question) -> Iterator[str]:
    """Yield what is not as AWS sends it in the key that names who asks (documentation)."""
    if _SESSION.fullmatch(_principal(question)):
        yield (
            "AWS gives the ARN of the role as aws:PrincipalArn and never that of its session, as "
            "this request does"
        )


def is_service_linked_role(principal_arn: str) -> bool:
    """Tell whether an ARN of a principal is that of a service-linked role."""
    return _SERVICE_LINKED.fullmatch(principal_arn) is not None


def _is_service(question: Question) -> bool:
    """Tell whether a service of AWS asks by itself; it has no ARN (documentation)."""
    flag = question.context.single("aws:principalisawsservice") or ""
    return flag.lower() == "true" and "aws:principalarn" not in question.context.values


def _principal(question: Question) -> str:
    return question.context.single("aws:principalarn") or ""


def _account_of_principal(question: Question) -> str:
    return question.context.single("aws:principalaccount") or _account(_principal(question))


def _account_of_resource(question: Question) -> str:
    return question.context.single("aws:resourceaccount") or _account(question.resource)


def _account(arn: str) -> str:
    parts = arn.split(":", 5)
    return parts[_ACCOUNT] if len(parts) > _ACCOUNT else ""
