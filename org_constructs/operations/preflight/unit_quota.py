"""There is room for the OUs that the deployment creates.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
"""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.quotas import quota

from ._line import Line, failed, passed
from ._situation import Situation

POSITION = 61


def look(situation: Situation) -> Iterator[Line]:
    """Compare what is there and what is to come with the quota."""
    limit = quota("organizational_units", situation.quotas)
    new = sum(situation.id_of(key) is None for key in situation.app.organizational_units)
    counted = f"{len(situation.units)} OUs and {new} to come"
    if new and len(situation.units) + new > limit:
        yield failed(
            f"{counted} are more than the {limit} that are allowed", "delete OUs that are empty"
        )
    else:
        yield passed(f"{counted} of {limit}")
