"""What the policies of an organization say of one request, and why.

Sources:
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_evaluation.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from org_constructs.model.errors import OrgError

from ._conditions import Context, plain
from ._exemptions import (
    Exemption,
    action_caveats,
    principal_caveats,
    resource_exemption,
    service_exemption,
)
from ._policies import Level, NamedPolicy, PolicyLike, ReadPolicy, read_level
from ._shown import shown
from ._statements import Question, applies, applies_to_some_resource
from ._syntax import RCP, SCP, Kind, ParsedStatement

_ACCOUNT_ID = re.compile(r"\d+", re.ASCII)
_ACTION = re.compile(r"[^\s:*?]+:[^\s:*?]+")


class Effect(StrEnum):
    """What policies say of a request; the values are AWS's words."""

    ALLOWED = "Allowed"
    EXPLICITLY_DENIED = "ExplicitlyDenied"
    IMPLICITLY_DENIED = "ImplicitlyDenied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that a principal of an account makes.

    Attributes:
        action: such as `ec2:RunInstances`; case has no meaning.
        resource: ARN, whose case has a meaning, or `*` for an action without a resource.
        region: shorthand for the key `aws:RequestedRegion`.
        principal_arn: shorthand for the key `aws:PrincipalArn`; for the session of a role it is
            the ARN of the role (documentation).
        context: condition keys, whose case has no meaning, with a value or a list of values.

    Raises:
        OrgError: `ORG031`.
    """

    action: str
    resource: str = "*"
    region: str | None = None
    principal_arn: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict, hash=False)
    _question: Question = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.action, str) or not _ACTION.fullmatch(self.action):
            raise OrgError(
                "ORG031",
                f"request: action {shown(self.action)} is not one action; write one such as "
                "'ec2:RunInstances', without wildcards",
            )
        if not isinstance(self.resource, str) or not (
            self.resource == "*" or self.resource.startswith("arn:")
        ):
            raise OrgError(
                "ORG031",
                f"request: resource {shown(self.resource)} is not an ARN; write one such as "
                "'arn:aws:s3:::logs', or '*'",
            )
        if not isinstance(self.context, Mapping):
            raise OrgError(
                "ORG031",
                f"request: context is {shown(self.context)}; give keys and values, such as "
                "{'aws:PrincipalOrgID': 'o-a1b2c3d4e5'}",
            )
        context = Context(self.context)
        for argument, key in (
            ("region", "aws:RequestedRegion"),
            ("principal_arn", "aws:PrincipalArn"),
        ):
            value = getattr(self, argument)
            if value is None:
                continue
            if not isinstance(value, str) or not value:
                raise OrgError(
                    "ORG031",
                    f"request: {argument} is {shown(value)}; give a string, or leave it out",
                )
            given = context.values.setdefault(key.lower(), (value,))
            if given != (value,):
                raise OrgError(
                    "ORG031",
                    f"request: {argument} is {shown(value)} and context has {key} {', '.join(given)}; "
                    "give one of them",
                )
        if self.principal_arn is not None and not self.principal_arn.startswith("arn:"):
            raise OrgError(
                "ORG031",
                f"request: principal_arn is {shown(self.principal_arn)}, which is no ARN; write "
                "one such as 'arn:aws:iam::111122223333:role/Admin'",
            )
        question = Question(self.action.lower(), self.resource, context)
        object.__setattr__(self, "_question", question)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form: only what was given."""
        content: dict[str, Any] = {"action": self.action, "resource": self.resource}
        if self.region is not None:
            content["region"] = self.region
        if self.principal_arn is not None:
            content["principal_arn"] = self.principal_arn
        if self.context:
            content["context"] = {key: plain(value) for key, value in self.context.items()}
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementReference:
    """A statement that decided something, by where it stands.

    Attributes:
        policy: name of the policy.
        path: where the policy stands in the organization, if it is known.
        index: place of the statement in the policy, from 0.
        sid: its Sid, or nothing.
        effect: `Allow` or `Deny`.
        guardrail: id of the guardrail that made it, if it is known.
    """

    policy: str
    path: str = ""
    index: int
    sid: str = ""
    effect: Literal["Allow", "Deny"]
    guardrail: str = ""

    def __str__(self) -> str:
        name = f"statement {self.index + 1}" + (f" '{self.sid}'" if self.sid else "")
        made = f" (guardrail {self.guardrail})" if self.guardrail else ""
        return f"{name} of policy '{self.policy}'{made}"

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelDecision:
    """What the policies of one level say.

    Attributes:
        kind: `SERVICE_CONTROL_POLICY` or `RESOURCE_CONTROL_POLICY`.
        number: place on the path, 1 is the root.
        of: how many levels the path has.
        name: name of the level, if it was given.
        effect: what this level says by itself.
        allowed_by: statements that allow, in order.
        denied_by: statements that deny, in order.
        policies: names of the policies of this level.
    """

    kind: Kind
    number: int
    of: int
    name: str = ""
    effect: Effect
    allowed_by: tuple[StatementReference, ...] = ()
    denied_by: tuple[StatementReference, ...] = ()
    policies: tuple[str, ...] = ()

    def __str__(self) -> str:
        named = f" '{self.name}'" if self.name else ""
        what = "" if self.kind == SCP else " of the resource"
        return f"level {self.number} of {self.of}{named}{what}"

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "kind": self.kind,
            "number": self.number,
            "name": self.name,
            "effect": self.effect.value,
            "allowed_by": [reference.to_json() for reference in self.allowed_by],
            "denied_by": [reference.to_json() for reference in self.denied_by],
            "policies": list(self.policies),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the policies of an organization say of a request.

    `Allowed` means that they do not stand in its way: they never grant anything, so a policy of
    the principal or of the resource has to allow it as well.

    Attributes:
        request: what was asked.
        effect: the answer.
        levels: what each level says: of the caller's path, root first, then of the resource's.
        missing_keys: condition keys that the request does not have and that could have changed
            the answer, in the case of the policies.
        exemptions: why policies do not reach the request, if they do not.
        of_some_resources: statements about certain resources that would have changed the answer,
            where the request names no resource.
    """

    request: Request
    effect: Effect
    levels: tuple[LevelDecision, ...] = ()
    missing_keys: tuple[str, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    of_some_resources: tuple[StatementReference, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the policies do not stand in the way."""
        return self.effect is Effect.ALLOWED

    @property
    def decided_by(self) -> tuple[StatementReference, ...]:
        """The statements that made the answer: those that deny, or else those that allow."""
        if self.effect is Effect.EXPLICITLY_DENIED:
            return tuple(ref for level in self.levels for ref in level.denied_by)
        if self.effect is Effect.ALLOWED:
            return tuple(ref for level in self.levels for ref in level.allowed_by[:1])
        return ()

    @property
    def not_allowed_at(self) -> tuple[LevelDecision, ...]:
        """The levels at which nothing allows the request."""
        return tuple(level for level in self.levels if level.kind == SCP and not level.allowed_by)

    @property
    def caveats(self) -> tuple[str, ...]:
        """What makes the answer unsure, by what AWS documents of the action and of the request."""
        if not self.levels:
            return ()
        question = self.request._question  # noqa: SLF001 - one module, one room
        restricted = any(level.kind == SCP and level.effect != "Allowed" for level in self.levels)
        return (
            *(action_caveats(self.request.action) if restricted else ()),
            *principal_caveats(question),
            *(
                f"The request names no resource, and {reference} "
                f"{'denies' if reference.effect == 'Deny' else 'allows'} it for certain ones"
                for reference in self.of_some_resources
            ),
        )

    @property
    def explanation(self) -> str:
        """One paragraph that names level, policy and statement."""
        from ._explanation import explain

        return explain(self)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "request": self.request.to_json(),
            "effect": self.effect.value,
            "explanation": self.explanation,
            "levels": [level.to_json() for level in self.levels],
            "missing_keys": list(self.missing_keys),
            "exemptions": [exemption.to_json() for exemption in self.exemptions],
            "caveats": list(self.caveats),
        }


def decide(
    levels: Iterable[Level | Sequence[PolicyLike]],
    request: Request,
    *,
    resource_levels: Iterable[Level | Sequence[PolicyLike]] = (),
    management_account: str | None = None,
) -> Decision:
    """Decide a request by the policies of an organization.

    At every level at least one policy has to allow, and nothing at any level may deny.

    Args:
        levels: service control policies on the caller's path, the root's first, the account's
            last. Without any level nothing restricts the caller, as in the management account; a
            level without a policy that allows denies everything.
        request: what is asked.
        resource_levels: resource control policies on the path of the resource's owner, likewise.
            They only deny: AWS's RCPFullAWSAccess is always attached, whether or not it is given.
        management_account: id of the management account, whose principals and resources no policy
            reaches. The principal's account is that of `aws:PrincipalAccount` or
            `aws:PrincipalArn`, the resource's that of `aws:ResourceAccount` or of its ARN.

    Raises:
        PolicySyntaxError: for a policy that AWS would reject.
        OrgError: `ORG031` for what is no request, `ORG032` for levels that are none and for a
            management account that is no id.
    """
    if not isinstance(request, Request):
        raise OrgError(
            "ORG031",
            f"decide: request is {shown(request)}; give Request(action=…), such as "
            "Request(action='ec2:RunInstances')",
        )
    if management_account is not None and not (
        isinstance(management_account, str) and _ACCOUNT_ID.fullmatch(management_account)
    ):
        raise OrgError(
            "ORG032",
            f"decide: management_account is {shown(management_account)}; give its id, a string "
            "such as '111122223333', or leave it out",
        )
    question = request._question  # noqa: SLF001 - one module, one room
    answer = _Answer(question)
    exemptions = []
    paths: tuple[tuple[Kind, Any, Any], ...] = (
        (SCP, levels, service_exemption),
        (RCP, resource_levels, resource_exemption),
    )
    for kind, path, exemption_of in paths:
        read = [
            read_level(level, kind, number=number) for number, level in enumerate(_listed(path), 1)
        ]
        if not read:
            continue
        exemption = exemption_of(question, management_account)
        if exemption is not None:
            exemptions.append(exemption)
            continue
        for number, (name, policies) in enumerate(read, 1):
            answer.level(kind, number, len(read), name, policies)
    return Decision(
        request=request,
        effect=answer.effect,
        levels=tuple(answer.levels),
        missing_keys=answer.missing_keys(),
        exemptions=tuple(exemptions),
        of_some_resources=answer.of_some_resources(),
    )


def _listed(levels: object) -> list[Any]:
    if isinstance(levels, str | Mapping | Level) or not isinstance(levels, Iterable):
        raise OrgError(
            "ORG032",
            f"decide: levels is {shown(levels)}; give a list of levels, each a list of policies, the "
            "root's first",
        )
    return list(levels)


class _Answer:
    """Collects what the levels say."""

    __slots__ = (
        "allow_keys",
        "certain",
        "deny_keys",
        "effect",
        "elsewhere",
        "levels",
        "never",
        "question",
    )

    def __init__(self, question: Question) -> None:
        self.question = question
        self.effect = Effect.ALLOWED
        self.levels: list[LevelDecision] = []
        # A statement denies whatever the missing keys are.
        self.certain = False
        # Some level allows it on no account.
        self.never = False
        self.deny_keys: list[str] = []
        self.allow_keys: list[str] = []
        # Statements that only the resource keeps away, of a request that names none.
        self.elsewhere: list[StatementReference] = []

    def level(
        self, kind: Kind, number: int, of: int, name: str, policies: Sequence[ReadPolicy]
    ) -> None:
        allowed: list[StatementReference] = []
        denied: list[StatementReference] = []
        allow_keys: list[str] = []
        surely = False
        elsewhere: list[StatementReference] = []
        nowhere = self.question.resource == "*"
        for policy in policies:
            for statement in policy.parsed.statements:
                missing: list[str] = []
                holds = applies(statement, self.question, missing)
                if nowhere and not holds and applies_to_some_resource(statement, self.question):
                    elsewhere.append(_reference(policy, statement))
                if statement.effect == "Deny":
                    self.deny_keys += missing
                    if holds:
                        denied.append(_reference(policy, statement))
                        self.certain = self.certain or not missing
                    continue
                allow_keys += missing
                if holds:
                    allowed.append(_reference(policy, statement))
                    surely = surely or not missing
        # What a level allows anyway is not changed by another statement that allows.
        self.elsewhere += [ref for ref in elsewhere if ref.effect == "Deny" or not allowed]
        effect = Effect.ALLOWED
        if denied:
            effect = self.effect = Effect.EXPLICITLY_DENIED
        elif not allowed and kind == SCP:
            effect = Effect.IMPLICITLY_DENIED
            if self.effect is Effect.ALLOWED:
                self.effect = effect
        if kind == SCP and not surely:
            self.allow_keys += allow_keys
            self.never = self.never or not (allowed or allow_keys)
        self.levels.append(
            LevelDecision(
                kind=kind,
                number=number,
                of=of,
                name=name,
                effect=effect,
                allowed_by=tuple(allowed),
                denied_by=tuple(denied),
                policies=tuple(policy.name for policy in policies),
            )
        )

    def of_some_resources(self) -> tuple[StatementReference, ...]:
        """Return the statements that could have changed the answer, had it been their resource."""
        if self.effect is Effect.EXPLICITLY_DENIED:
            return ()
        wanted = "Deny" if self.effect is Effect.ALLOWED else "Allow"
        return tuple(ref for ref in self.elsewhere if ref.effect == wanted)

    def missing_keys(self) -> tuple[str, ...]:
        """Return the keys that could have changed the answer, each once."""
        if self.certain:
            return ()
        keys = self.deny_keys if self.never else self.deny_keys + self.allow_keys
        return tuple(sorted({key.lower(): key for key in reversed(keys)}.values(), key=str.lower))


def _reference(policy: ReadPolicy, statement: ParsedStatement) -> StatementReference:
    return StatementReference(
        policy=policy.name,
        path=policy.path,
        index=statement.index,
        sid=statement.sid,
        effect=statement.effect,
        guardrail=policy.guardrail_of(statement.sid) if policy.guardrails else "",
    )


__all__ = [
    "Decision",
    "Effect",
    "Level",
    "LevelDecision",
    "NamedPolicy",
    "Request",
    "StatementReference",
    "decide",
]
