"""The documents of service and resource control policies, each different one read once.

An organization attaches few documents to many targets. What a rule says of a document holds for
every policy that has it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from org_constructs.model.partitions import partition_of
from org_constructs.policies import PolicyType

from ._check import Finding, Severity, about

if TYPE_CHECKING:
    from org_constructs.evaluation._syntax import Condition, Kind, ParsedPolicy, ParsedStatement
    from org_constructs.model.organization import DeclaredPolicy, OrganizationModel

    from ._check import CheckContext

READ_TYPES = frozenset({PolicyType.SERVICE_CONTROL_POLICY, PolicyType.RESOURCE_CONTROL_POLICY})
_USUAL_PARTITION = "aws"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PolicyDocument:
    """A document and the policies that have it.

    Attributes:
        parsed: what it says; values that only deployment knows are left as they are.
        policies: the policies, one or more, all of one type and one partition.
        partition: name of the partition, `aws` where the stack does not say.
    """

    parsed: ParsedPolicy
    policies: tuple[DeclaredPolicy, ...]
    partition: str

    @property
    def binds_principals(self) -> bool:
        """Whether it is a service control policy, rather than one of resources."""
        return self.policies[0].type == PolicyType.SERVICE_CONTROL_POLICY

    @property
    def denials(self) -> Iterator[ParsedStatement]:
        """Its Deny statements."""
        return (s for s in self.parsed.statements if s.effect == "Deny")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a rule says of a document.

    Attributes:
        statement: the statement that is meant, None for the document as a whole.
        message: what is wrong, with the value shown, and why it matters.
        remedy: what to do.
        severity: how it ends a synthesis.
    """

    statement: ParsedStatement | None
    message: str
    remedy: str
    severity: Severity = Severity.WARNING


Judge = Callable[[PolicyDocument], Iterable[Judgement]]


def documents_of(model: OrganizationModel) -> tuple[PolicyDocument, ...]:
    """Return the documents of a model; one that cannot be read is left out."""
    found: dict[tuple[str, str, str], list[DeclaredPolicy]] = {}
    for policy in model.policies.values():
        if policy.type in READ_TYPES and isinstance(policy.content, Mapping | str):
            region = model.stack_of(policy).region
            partition = partition_of(region) if region else None
            key = (
                text_of(policy.content),
                policy.type,
                partition.name if partition else _USUAL_PARTITION,
            )
            found.setdefault(key, []).append(policy)
    return tuple(
        PolicyDocument(parsed=parsed, policies=tuple(policies), partition=partition)
        for (text, kind, partition), policies in found.items()
        if not isinstance(parsed := read(text, kind), str)
    )


def text_of(content: Mapping[str, Any] | str) -> str:
    """Return what tells documents apart."""
    return content if isinstance(content, str) else json.dumps(content)


@lru_cache(maxsize=1024)
def read(text: str, kind: str) -> ParsedPolicy | str:
    """Return what a document says, or why it cannot be read."""
    from org_constructs.evaluation._syntax import parse_policy
    from org_constructs.model.errors import OrgError

    try:
        return parse_policy(text, kind=cast("Kind", kind), unknowns="keep")
    except OrgError as error:
        return str(error).removeprefix("policy 'policy': ")


def judged(context: CheckContext, code: str, judge: Judge) -> Iterator[Finding]:
    """Return a rule's judgements of every document, once for each policy that has it."""
    for document in context.documents:
        for judgement in judge(document):
            for policy in document.policies:
                yield finding_of(policy, code, judgement)


def finding_of(policy: DeclaredPolicy, code: str, judgement: Judgement) -> Finding:
    """Return a judgement of a document as a finding about a policy that has it."""
    where = "" if judgement.statement is None else f": {judgement.statement.where}"
    return about(
        policy,
        code=code,
        severity=judgement.severity,
        message=f"policy '{policy.path}'{where}: {judgement.message}",
        remedy=judgement.remedy,
    )


def of_key(statement: ParsedStatement, key: str) -> Iterator[Condition]:
    """Return a statement's conditions on a key, whose case has no meaning."""
    wanted = key.lower()
    return (c for c in statement.conditions if c.key.lower() == wanted)


def is_deferred(text: str) -> bool:
    """Tell whether a value is only known at deployment: a function of a template or a CDK token."""
    return text.startswith('{"') or "#{" in text


def listed(values: Iterable[object], *, most: int = 3) -> str:
    """Return values for a message: a few of them, and how many more there are."""
    shown = [f"'{value}'" for value in values]
    if len(shown) > most + 1:
        shown = [*shown[:most], f"{len(shown) - most} more"]
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else "".join(shown)
