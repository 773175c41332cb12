"""An Allow is about every resource: AWS's pages contradict each other about any other.

The table of elements takes Resource with Allow, the text below it takes only `*`.
Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html
"""

from __future__ import annotations

from collections.abc import Iterator

from ._certain import is_about_everything
from ._check import CheckContext, Finding
from ._documents import Judgement, PolicyDocument, judged, listed

ACKNOWLEDGEABLE = ("ORG218",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Find Allow statements for certain resources."""
    yield from judged(context, "ORG218", _judge)


def _judge(document: PolicyDocument) -> Iterator[Judgement]:
    for statement in document.parsed.statements:
        if statement.effect == "Allow" and not is_about_everything(statement):
            named = statement.resources or statement.not_resources
            yield Judgement(
                statement=statement,
                message=f"Allow for {listed(named)}: AWS documents an Allow with certain resources as "
                "supported in one place and as not supported in another",
                remedy="allow '*' and deny what is not wanted, or try it in an account without workloads first",
            )
