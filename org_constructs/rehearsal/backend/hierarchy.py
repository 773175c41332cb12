"""Who is in what: parents and children of any kind."""

from __future__ import annotations

from .errors import ApiError
from .operation import Call, Operation
from .paging import page
from .state import Json
from .units import parent


def _parents(call: Call) -> Json:
    organization, child = call.organization, call.params["ChildId"]
    if child not in organization.units and child not in organization.accounts:
        raise ApiError(
            "ChildNotFoundException",
            "We can't find an organizational unit (OU) or AWS account with the ChildId that you "
            "specified.",
        )
    parent_id = organization.parent_of(child)
    kind = "ROOT" if parent_id == organization.root_id else "ORGANIZATIONAL_UNIT"
    return page(call.params, "Parents", [{"Id": parent_id, "Type": kind}])


def _children(call: Call) -> Json:
    organization, kind = call.organization, call.params["ChildType"]
    parent_id = parent(organization, call.params["ParentId"])
    ids = (
        [account.id for account in organization.accounts_in(parent_id)]
        if kind == "ACCOUNT"
        else [unit.id for unit in organization.units_in(parent_id)]
    )
    return page(call.params, "Children", [{"Id": child, "Type": kind} for child in ids])


OPERATIONS = {
    "ListParents": Operation(run=_parents, read=True),
    "ListChildren": Operation(run=_children, read=True),
}
