"""What allows in place of FullAWSAccess stays as it is until FullAWSAccess is back.

CloudFormation changes policies before it deletes what has gone from a template, and the deletion of
the setting is what attaches FullAWSAccess again. In between, nothing but the changed policy allows.
"""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.denials import allowance_of

from ._check import CheckContext, Finding, about

# A reason may stand in for the remedy.
ACKNOWLEDGEABLE = ("ORG156",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Find policies that change in the deployment that gives FullAWSAccess back."""
    if context.lock is None:
        return
    model = context.model
    still = {model.shown(target) for target in model.allow_lists}
    policies = {policy.path: policy for policy in model.policies.values()}
    for locked in context.lock.allow_lists.values():
        if locked.target in still:
            continue
        for path, allowed in locked.allows.items():
            policy = policies.get(path)
            # One that goes is deleted after the setting, which waits for it.
            if policy is None:
                continue
            stays = locked.target in {model.shown(target) for target in policy.targets}
            if stays and allowance_of(model.document_of(policy)) == allowed:
                continue
            what = "allows something else" if stays else "leaves it"
            yield about(
                policy,
                code="ORG156",
                message=f"'{path}' {what} in the deployment that gives FullAWSAccess back to '{locked.target}': until "
                "that is back, what the policy allowed before is denied to everybody below",
                remedy="deploy twice: first without deny_by_default(), then with the change of the policy; or acknowledge "
                "ORG156 with a reason",
            )
