"""The root users of member accounts do nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from org_constructs.model.errors import OrgError
from org_constructs.policies import Statement
from org_constructs.policies.statement import check_action

from ._guardrail import Guardrail


@dataclass(frozen=True, kw_only=True)
class DenyRootUser(Guardrail):
    """Deny everything to the root users of the accounts it reaches.

    The root user of the management account is never bound. A bucket or queue whose policy locks
    everyone out is then unlocked centrally, by a privileged session (`sts:AssumeRoot`), which is
    denied as well unless `except_privileged_sessions` is set, or by exempting the actions for it.
    Of `exempt_principals`, only root users make a difference here.

    Sources: https://docs.aws.amazon.com/controltower/latest/controlreference/strongly-recommended-preventive-controls.html#disallow-root-auser-actions,
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-privileged-task.html,
    https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-tasks.html

    Attributes:
        except_actions: what root users may do nonetheless, such as `s3:DeleteBucketPolicy`,
            `s3:GetBucketPolicy` and `s3:PutBucketPolicy` to recover a locked bucket. Nothing by
            default.
        except_privileged_sessions: whether the sessions that the management account or a
            delegated administrator opens with `sts:AssumeRoot` for one of AWS's root tasks may do
            their work. They may not by default.

    Raises:
        OrgError: `ORG007` when all root users are exempt; `ORG009` for an exempt action that is
            none, or that is all.
    """

    documented_at: ClassVar[str] = (
        "https://docs.aws.amazon.com/controltower/latest/controlreference/strongly-recommended-preventive-controls.html#disallow-root-auser-actions"
    )

    except_actions: Sequence[str] = ()
    except_privileged_sessions: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        what = type(self).__name__
        for action in self.except_actions:
            check_action(action, what=f"{what}: except_actions")
            if not action.strip("*?"):
                raise OrgError(
                    "ORG009",
                    f"{what}: except_actions '{action}' exempts everything, so the guardrail would "
                    "deny nothing; name actions such as 's3:DeleteBucketPolicy'",
                )
        for principal in self.exempt_principals:
            if principal.endswith("::*:root"):
                raise OrgError(
                    "ORG007",
                    f"{what}: exempt_principals '{principal}' exempts every root user, so the "
                    "guardrail would bind nobody; name accounts such as "
                    "'arn:*:iam::123456789012:root'",
                )

    @property
    def why(self) -> str:
        """The reason, in one line."""
        return "a root user has every permission, and nobody can tell who used it"

    def statements(self) -> Sequence[Statement]:
        """Return one statement."""
        conditions: dict[str, dict[str, Any]] = {
            "ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:root"}
        }
        if self.except_privileged_sessions:
            conditions["Null"] = {"aws:AssumedRoot": True}
        if self.except_actions:
            return [self.deny(not_actions=self.except_actions, conditions=conditions)]
        return [self.deny(actions=["*"], conditions=conditions)]
