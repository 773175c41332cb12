"""What all guardrails have in common."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from org_constructs.model.errors import OrgError
from org_constructs.policies import Statement
from org_constructs.policies._names import sorted_names

from ._exempt_principals import check_exempt_principal

_PRINCIPAL_KEY = "aws:PrincipalArn"
# `Sequence[str]` and its kin, however the annotation is spelt.
_NAMES = re.compile(
    r"(?:[\w.]+\.)?(?:Sequence|Collection|Iterable|list)\[str\]|tuple\[str, \.\.\.\]"
)


@dataclass(frozen=True, kw_only=True)
class Guardrail(ABC):
    """A rule that no principal of the accounts it reaches can break, as a value.

    A guardrail has no AWS and no CDK in it. Two with equal arguments are equal, whatever the order
    in which lists are written; it can be an item of a set. The management account and
    service-linked roles are never bound by it:
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html

    A guardrail of your own is a frozen, keyword-only dataclass (without `slots`) with a reason
    and statements. `deny` gives a statement its Sid and the exemptions:

        @dataclass(frozen=True, kw_only=True)
        class DenyDefaultVpc(Guardrail):
            '''No default VPC is created.'''

            why = "default VPCs are open to the internet and nobody plans their addresses"

            def statements(self) -> Sequence[Statement]:
                return [self.deny(actions=["ec2:CreateDefaultSubnet", "ec2:CreateDefaultVpc"])]

    A preset of one that exists changes its defaults, and has its own name and Sid:

        @dataclass(frozen=True, kw_only=True)
        class EuropeanUnionOnly(RegionDeny):
            '''Nothing is stored or processed outside the EU.'''

            allowed_regions: Sequence[str] = ("eu-central-1", "eu-west-1")

    Fields of the type `Sequence[str]` are sorted, lose duplicates and become tuples by themselves.
    A `__post_init__` of your own calls `super().__post_init__()` first.

    Attributes:
        exempt_principals: ARNs of the roles, users and root users to whom it does not apply, with
            wildcards if need be: `arn:*:iam::*:role/BreakGlass`. Nobody by default.
        sid_suffix: letters and digits after every Sid, so that two guardrails of one kind can
            stand in one policy. Nothing by default.

    Raises:
        OrgError: `ORG007` for a principal that can never match, or that is everyone; `ORG008`
            for one string in place of a list; `ORG009` for a `sid_suffix` with other signs.
    """

    documented_at: ClassVar[str] = ""
    """Where AWS documents what the guardrail relies on."""

    exempt_principals: Sequence[str] = ()
    sid_suffix: str = ""

    def __post_init__(self) -> None:
        what = type(self).__name__
        for item in fields(self):
            if _NAMES.fullmatch(_annotation(item.type)):
                value = getattr(self, item.name)
                names = sorted_names(
                    value, what=what, argument=item.name, sample=_sample(item.name)
                )
                object.__setattr__(self, item.name, names)
        for principal in self.exempt_principals:
            check_exempt_principal(principal, what=what)
        if not isinstance(self.sid_suffix, str) or not re.fullmatch(
            "[A-Za-z0-9]*", self.sid_suffix
        ):
            raise OrgError(
                "ORG009",
                f"{what}: sid_suffix {self.sid_suffix!r} has other signs than letters and digits; "
                "write one such as 'Sandbox'",
            )

    @abstractmethod
    def statements(self) -> Sequence[Statement]:
        """Return the statements of the policy that enforces the rule."""

    @property
    @abstractmethod
    def why(self) -> str:
        """The reason for the rule, or what it does, in one line."""

    @property
    def id(self) -> str:
        """Name of the kind in kebab-case and the suffix; it orders the statements of a policy."""
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", self._sid())
        return "-".join(filter(None, (words.lower(), self.sid_suffix)))

    def deny(
        self,
        part: str = "",
        *,
        actions: Sequence[str] = (),
        not_actions: Sequence[str] = (),
        resources: Sequence[str] = ("*",),
        conditions: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Statement:
        """Return a Deny statement of this guardrail, which does not bind the exempt principals.

        Args:
            part: tells the statements of one guardrail apart; its Sid is the name of the class,
                this part and `sid_suffix`.
            actions: what is denied.
            not_actions: what is not denied, while all else is.
            resources: on what; on everything by default.
            conditions: when it is denied; always by default. All of them have to be true.
        """
        merged = {operator: dict(keys) for operator, keys in (conditions or {}).items()}
        if self.exempt_principals:
            keys = merged.setdefault("ArnNotLike", {})
            # Keys are case-insensitive: a second spelling would be a second condition.
            given = [keys.pop(key) for key in list(keys) if key.lower() == _PRINCIPAL_KEY.lower()]
            principals = {
                arn for value in given for arn in ([value] if isinstance(value, str) else value)
            }
            keys[_PRINCIPAL_KEY] = [*principals, *self.exempt_principals]
        return Statement(
            sid=f"{self._sid()}{part}{self.sid_suffix}",
            effect="Deny",
            actions=actions,
            not_actions=not_actions,
            resources=resources,
            conditions=merged,
        )

    def _sid(self) -> str:
        return re.sub("[^A-Za-z0-9]", "", type(self).__name__)


def _annotation(annotation: object) -> str:
    return annotation if isinstance(annotation, str) else str(annotation)


def _sample(field_name: str) -> str:
    if "regions" in field_name:
        return "us-east-1"
    if "principals" in field_name:
        return "arn:*:iam::*:role/BreakGlass"
    return "ec2:DescribeRegions" if "actions" in field_name else "name"
