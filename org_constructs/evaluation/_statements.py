"""Whether a statement applies to a request, compiled when it is first asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ._conditions import Context, Test, compile_condition
from ._matching import Template, _glob, actions_matcher, resource_template_of
from ._syntax import ParsedStatement


@dataclass(frozen=True, slots=True)
class Question:
    """What every statement is asked: an action in lower case, a resource, a context."""

    action: str
    resource: str
    context: Context


# Called with a question and a list for missing keys.
ResourceTest = Callable[[Question, "list[str]"], bool]


class Compiled:
    """The tests of one statement."""

    __slots__ = ("action", "conditions", "negated", "resource")

    def __init__(self, statement: ParsedStatement) -> None:
        self.action = actions_matcher(statement.actions or statement.not_actions)
        self.negated = not statement.actions
        self.resource = _resource_test(statement)
        self.conditions: tuple[Test, ...] = tuple(
            compile_condition(condition, variables=statement.variables)
            for condition in statement.conditions
        )


def applies(statement: ParsedStatement, question: Question, missing: list[str]) -> bool:
    """Tell whether a statement applies to a request.

    Args:
        statement: of a policy.
        question: the request.
        missing: a list to which the keys are added that the answer depends on and that the request
            does not have; none when the statement cannot apply whatever they are.
    """
    compiled: Compiled | None = statement.compiled
    if compiled is None:
        compiled = Compiled(statement)
        object.__setattr__(statement, "compiled", compiled)
    if compiled.action(question.action) is compiled.negated:
        return False
    unknown: list[str] = []
    holds = True
    if compiled.resource is not None and not compiled.resource(question, unknown):
        if not unknown:
            return False
        holds = False
    for test in compiled.conditions:
        known = len(unknown)
        if not test(question.context, unknown):
            if len(unknown) == known:
                return False
            holds = False
    missing += unknown
    return holds


def applies_to_some_resource(statement: ParsedStatement, question: Question) -> bool:
    """Tell whether only the resource, of which the request names none, keeps a statement away.

    To be asked of a statement that does not apply, after `applies`.
    """
    compiled: Compiled = statement.compiled
    # Most statements are about every resource, and nothing of theirs is kept away by it.
    return (
        compiled.resource is not None
        and bool(statement.resources)
        and compiled.action(question.action) is not compiled.negated
        and all(test(question.context, []) for test in compiled.conditions)
    )


def _resource_test(statement: ParsedStatement) -> ResourceTest | None:
    """Return the test of Resource or NotResource; None when every resource is meant."""
    patterns = statement.resources or statement.not_resources
    negated = bool(statement.not_resources)
    if not patterns or (not negated and any(not pattern.strip("*") for pattern in patterns)):
        return None
    templates: list[Template] = []
    fixed = []
    for pattern in patterns:
        template = resource_template_of(pattern) if statement.variables else None
        if template is None:
            fixed.append(_glob(pattern))
        else:
            templates.append(template)

    def test(question: Question, missing: list[str]) -> bool:
        resource, lookup = question.resource, question.context.single
        if any(pattern.fullmatch(resource) is not None for pattern in fixed):
            return not negated
        found = False
        unknown: list[str] = []
        for template in templates:
            lacking = template.lacking(question.context.values)
            if template.matches(resource, lookup):
                if not lacking:
                    return not negated
                found = True
            unknown += lacking
        missing += unknown
        return found is not negated

    return test
