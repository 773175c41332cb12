"""What the documents of service and resource control policies have in common: IAM's language.

A finding says what is wrong and what to write instead. What only deployment knows, a CDK token or
a function of a template, is never a finding.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .document import VERSION
from .statement import CONDITION_OPERATORS

StatementGrammar = Callable[[Mapping[str, Any], str], Iterator[str]]

_TOP_LEVEL = ("Version", "Id", "Statement")
# AWS's own samples differ in case, so case is no error.
_OPERATOR = re.compile(
    rf"(?:(?:ForAllValues|ForAnyValue):)?(?:{'|'.join(sorted(CONDITION_OPERATORS))})(?:IfExists)?",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[$#]\{Token\[")
_SID = re.compile(r"[A-Za-z0-9]*")


def document_findings(content: Mapping[str, Any], grammar: StatementGrammar) -> Iterator[str]:
    """Return what is wrong with a document whose statements have a grammar of their own.

    Args:
        content: the document.
        grammar: returns what is wrong with one statement; called with the statement and with how
            messages name it.
    """
    if not isinstance(content, Mapping):
        yield f"the document is {content!r}; give a JSON object with Version and Statement"
        return
    if is_deferred(content):
        return
    for key in content:
        if key not in _TOP_LEVEL:
            yield f"element '{key}' is unknown{hint(key, _TOP_LEVEL)}"
    version = content.get("Version")
    if version != VERSION and not is_deferred(version):
        yield (
            f"Version is {version!r}; write '{VERSION}'"
            if "Version" in content
            else f"Version is missing; write 'Version': '{VERSION}'"
        )
    yield from _statements(content.get("Statement"), grammar)


def _statements(raw: object, grammar: StatementGrammar) -> Iterator[str]:
    if is_deferred(raw):
        return
    statements = [raw] if isinstance(raw, Mapping) else raw
    if not isinstance(statements, list | tuple) or not statements:
        yield f"Statement is {raw!r}; give at least one statement"
        return
    for number, statement in enumerate(statements, start=1):
        yield from _statement(statement, number, grammar)
    sids = Counter(
        statement["Sid"]
        for statement in statements
        if isinstance(statement, Mapping) and isinstance(statement.get("Sid"), str)
    )
    for sid, count in sids.items():
        if sid and count > 1:
            yield f"{count} statements have the Sid '{sid}'; give each its own"


def _statement(statement: object, number: int, grammar: StatementGrammar) -> Iterator[str]:
    if is_deferred(statement):
        return
    if not isinstance(statement, Mapping):
        yield f"statement {number} is {statement!r}; give a JSON object"
        return
    sid = statement.get("Sid", "")
    where = f"statement {number} '{sid}'" if isinstance(sid, str) and sid else f"statement {number}"
    yield from grammar(statement, where)


def sid_findings(statement: Mapping[str, Any], where: str) -> Iterator[str]:
    """Return what is wrong with a statement's Sid."""
    sid = statement.get("Sid", "")
    if not is_deferred(sid) and not (isinstance(sid, str) and _SID.fullmatch(sid)):
        yield f"{where}: Sid {sid!r} has other signs than letters and digits"


def either_findings(statement: Mapping[str, Any], where: str, element: str) -> Iterator[str]:
    """Return what is wrong with an element or its negation, one of which a statement has."""
    given = [key for key in (element, f"Not{element}") if key in statement]
    if len(given) > 1:
        yield f"{where}: {element} and Not{element} are both given; keep one of them"
    if not given:
        yield f"{where}: neither {element} nor Not{element} is given; give one of them"
    for key in given:
        yield from names_findings(statement[key], f"{where}: {key}", is_action=element == "Action")


def names_findings(value: object, where: str, *, is_action: bool) -> Iterator[str]:
    """Return what is wrong with one or several actions or resources."""
    if is_deferred(value):
        return
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names:
        yield f"{where} is {value!r}; give a string or a list of at least one"
        return
    for name in names:
        if is_deferred(name):
            continue
        if not isinstance(name, str) or not name:
            yield f"{where} has the item {name!r}; give a string"
        elif is_action and name != "*" and ":" not in name:
            yield f"{where} '{name}' names no service; write one such as 'ec2:{name}'"
        elif not is_action and name != "*" and not name.startswith("arn:"):
            yield f"{where} '{name}' is not an ARN; write '*' or one such as 'arn:*:s3:::logs/*'"


def condition_findings(statement: Mapping[str, Any], where: str) -> Iterator[str]:
    """Return what is wrong with a statement's Condition."""
    condition = statement.get("Condition", {})
    if is_deferred(condition):
        return
    if not isinstance(condition, Mapping):
        yield f"{where}: Condition is {condition!r}; give operators with keys and values"
        return
    for operator, keys in condition.items():
        if not is_deferred(operator) and not _OPERATOR.fullmatch(str(operator)):
            near = difflib.get_close_matches(
                str(operator).rpartition(":")[2], sorted(CONDITION_OPERATORS), n=1
            )
            hint = f"; did you mean '{near[0]}'" if near else ""
            yield f"{where}: Condition operator '{operator}' is unknown{hint}"
        if not isinstance(keys, Mapping) and not is_deferred(keys):
            yield f"{where}: Condition {operator} is {keys!r}; give keys and values"


def is_deferred(value: object) -> bool:
    """Tell whether a value is only known at deployment: a CDK token or a function of a template."""
    if isinstance(value, str):
        return bool(_TOKEN.search(value))
    if isinstance(value, list | tuple):
        return len(value) == 1 and isinstance(value[0], str) and value[0].startswith("#{Token[")
    if isinstance(value, Mapping):
        name = next(iter(value), "")
        return len(value) == 1 and (name == "Ref" or name.startswith("Fn::"))
    return hasattr(value, "__jsii_type__")


def hint(key: str, known: tuple[str, ...]) -> str:
    """Return the end of a message about an unknown element: the nearest one, or all."""
    close = difflib.get_close_matches(key.capitalize(), known, n=1)
    return f"; did you mean '{close[0]}'" if close else f"; known are {', '.join(known)}"
