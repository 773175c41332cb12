"""Well-known mistakes with L1 stacks: what AWS does with each, and this library instead.

`docs/reference/mistakes.md` is written from this table, and `test_mistakes.py` tries every row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stack_harness import CONTENT, ROOT, Cloud, account, after, get, resource, scp, unit

Template = dict[str, Any]

PAGE = "docs/reference/mistakes.md"
_HEAD = """# Well-known mistakes

What happens when an organization is written with CDK's L1 constructs or plain CloudFormation, and what this library
does instead. Every row is tried against the embedded AWS, and beside it the same wish with this library; this page is
written from the table of those tests (`make generate`).

The last column says how AWS's side is known: *handler*, AWS's published source of the resource types;
*documentation*; *inference*, what follows from both. None of it was compared with a live account.

| Mistake | What AWS does | With this library | Known from |
|---|---|---|---|
"""


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One mistake.

    Attributes:
        title: what is written.
        at_aws: what AWS does with it.
        library: what this library does with the same wish.
        known_from: the evidence for `at_aws`.
        before: the template that is deployed before, if any.
        meanwhile: what others do between the two deployments.
        template: the template with the mistake.
        status: how its deployment ends.
        reason: what CloudFormation says, in part.
        code: the refusal at synthesis, or None when the wish deploys cleanly.
    """

    title: str
    at_aws: str
    library: str
    known_from: str
    before: Template | None = None
    meanwhile: Callable[[Cloud], None] | None = None
    template: Template
    status: str
    reason: str
    code: str | None = None

    @property
    def id(self) -> str:
        """The name of its tests."""
        return self.title.replace(" ", "-")


def render() -> str:
    """Return the page."""
    rows = [f"| {m.title} | {m.at_aws} | {m.library} | {m.known_from} |" for m in MISTAKES]
    return _HEAD + "\n".join(rows) + "\n"


def _join_the_unit(cloud: Cloud) -> None:
    """Let somebody put an account of their own into the OU."""
    cloud.create_account("foreign", cloud.physical_id("Moved"))


def _take_full_access_away(cloud: Cloud) -> None:
    """Let somebody detach FullAWSAccess, so that the stack's policy is the only one."""
    cloud.organizations.detach_policy(PolicyId="p-FullAWSAccess", TargetId=cloud.physical_id("A"))


_ORGANIZATION = {"Organization": resource("Organization")}
_UNITS = {**_ORGANIZATION, "A": unit("A"), "B": after("A", unit("B"))}
_LONG = {**CONTENT, "Id": "x" * 10_240}


def _moved(parent: str) -> Template:
    """Return an OU with a policy, under one of two others."""
    moved = after("B", unit("Moved", get(parent), policy=None))
    return {**_UNITS, "Moved": moved, "Policy": scp(get("Moved"))}


MISTAKES = (
    Mistake(
        title="a policy whose type is off",
        at_aws="creates the policy, refuses to attach it; the policy stays, unattached",
        library="`enable_policy_type` turns the type on, before any policy of the app",
        known_from="handler",
        template={**_ORGANIZATION, "Policy": scp(ROOT)},
        status="CREATE_FAILED",
        reason="isn't currently enabled",
    ),
    Mistake(
        title="two accounts without `DependsOn`",
        at_aws="creates them at once and refuses one with ConcurrentModificationException",
        library="one chain over everything that writes to the organization",
        known_from="documentation",
        template={**_UNITS} | {name: account(get("B"), name=name) for name in ("one", "two")},
        status="CREATE_FAILED",
        reason="ResourceConflict",
    ),
    Mistake(
        title="twenty policies at once",
        at_aws="refuses what meets another write with ConcurrentModificationException; no handler repeats the creating call",
        library="one chain over everything that writes to the organization",
        known_from="handler, inference",
        template={
            **_ORGANIZATION,
            **{f"Policy{n}": scp(name=f"deny-{n}") for n in range(20)},
        },
        status="CREATE_FAILED",
        reason="ResourceConflict",
    ),
    Mistake(
        title="a policy that is too long",
        at_aws="fails the resource in the middle of the deployment",
        library="refused at synthesis (`ORG104`), with the size of each guardrail",
        known_from="documentation",
        template={**_ORGANIZATION, "Policy": scp(content=_LONG)},
        status="CREATE_FAILED",
        reason="ServiceLimitExceeded",
        code="ORG104",
    ),
    Mistake(
        title="two OUs of one name under one parent",
        at_aws="creates one and fails the other",
        library="refused at synthesis (`ORG102`)",
        known_from="handler",
        template={**_ORGANIZATION, "A": unit("same"), "B": after("A", unit("same"))},
        status="CREATE_FAILED",
        reason="AlreadyExists",
        code="ORG102",
    ),
    Mistake(
        title="one e-mail address for two accounts, in another case",
        at_aws="takes the request and fails the account later with EMAIL_ALREADY_EXISTS",
        library="refused at synthesis (`ORG103`)",
        known_from="handler",
        template={
            **_UNITS,
            "One": after("B", account(get("A"), name="one")),
            "Two": after("One", resource("Account", AccountName="two", Email="ONE@corp.com")),
        },
        status="CREATE_FAILED",
        reason="EMAIL_ALREADY_EXISTS",
        code="ORG103",
    ),
    Mistake(
        title="the last SCP of a target detached",
        at_aws="attaches the policy to its new target and fails: a target keeps one SCP; the policy is now on both",
        library="guardrails stand beside FullAWSAccess, which goes only where another policy allows something",
        known_from="handler, documentation",
        before={**_UNITS, "Policy": after("B", scp(get("A")))},
        meanwhile=_take_full_access_away,
        template={**_UNITS, "Policy": after("B", scp(get("B")))},
        status="UPDATE_FAILED",
        reason="ServiceLimitExceeded",
    ),
    Mistake(
        title="an OU removed with an account inside",
        at_aws="retains the account, cannot delete the OU, and calls the update complete; no stack has the account any more",
        library="refused at synthesis (`ORG121`, `ORG122`) until both are let go",
        known_from="handler, inference",
        before={
            **_UNITS,
            "Full": after("B", unit("Full", policy=None)),
            "Inside": account(get("Full"), name="inside", policy=None),
        },
        template=_UNITS,
        status="UPDATE_COMPLETE",
        reason="is not empty",
        code="ORG122",
    ),
    Mistake(
        title="a changed e-mail address",
        at_aws="fails the account, and cannot roll it back either",
        library="refused at synthesis (`ORG123`); the account API changes it",
        known_from="handler",
        before={**_UNITS, "Account": after("B", account(get("A")))},
        template={**_UNITS, "Account": after("B", account(get("A"), name="other"))},
        status="UPDATE_FAILED",
        reason="you must sign in as the root user",
        code="ORG123",
    ),
    Mistake(
        title="an OU with another parent, and somebody's account in it",
        at_aws="makes a new OU, takes the policy to it, cannot delete the old OU and calls the update complete; "
        "the account stays there without its denials",
        library="refused at synthesis (`ORG126`)",
        known_from="handler, inference",
        before=_moved("A"),
        meanwhile=_join_the_unit,
        template=_moved("B"),
        status="UPDATE_COMPLETE",
        reason="is not empty",
        code="ORG126",
    ),
)

__all__ = ["MISTAKES", "PAGE", "Mistake", "render"]
