"""The stacks go to the partition of the caller, and to its Organizations Region."""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.partitions import partition_of

from ._line import Line, failed, passed, unknown
from ._situation import Situation

POSITION = 20
_STACKS = "the stacks of the organization"


def look(situation: Situation) -> Iterator[Line]:
    """Compare Regions and partitions."""
    model = situation.app
    makers = {
        declared.stack_id
        for kind in (
            model.organizations,
            model.organizational_units,
            model.accounts,
            model.policies,
        )
        for declared in kind.values()
    }
    regions = {
        stack.region or situation.region
        for stack in situation.management_stacks
        if stack.id in makers
    } or {situation.region}
    theirs = str(situation.identity["Arn"]).split(":")[1]
    for region in sorted(regions):
        partition = partition_of(region)
        if partition is None:
            yield unknown(f"nothing is known of Region '{region}'", "see whether it is mistyped")
        elif partition.name != theirs:
            yield failed(
                f"{_STACKS} go to {region} of partition {partition.name}, the credentials are of "
                f"partition {theirs}",
                f"sign in to an account of {partition.name}, or name a Region of {theirs}",
            )
        elif region != partition.organizations_region:
            yield failed(
                f"{_STACKS} go to {region}; events of Organizations appear only in "
                f"{partition.organizations_region}",
                f"deploy to {partition.organizations_region}",
            )
        else:
            yield passed(f"partition {theirs}, Region {region}")
