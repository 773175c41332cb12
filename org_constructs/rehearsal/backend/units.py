"""Organizational units."""

from __future__ import annotations

from .errors import ApiError, constraint_violation
from .operation import Call, Operation
from .paging import page
from .policy_types import attach_default_policies
from .state import Json, Organization, OrganizationalUnit
from .tags import tags_of


def _describe(organization: Organization, unit: OrganizationalUnit) -> Json:
    return {
        "Id": unit.id,
        "Arn": organization.arn("ou", unit.id),
        "Name": unit.name,
        "Path": organization.path(unit.id),
    }


def parent(organization: Organization, id: str) -> str:
    """Return the id of a container that exists.

    Raises:
        ApiError: `ParentNotFoundException`.
    """
    if not organization.is_container(id):
        raise ApiError(
            "ParentNotFoundException",
            "We can't find a root or OU with the ParentId that you specified.",
        )
    return id


def _unit(call: Call) -> OrganizationalUnit:
    unit = call.organization.units.get(call.params["OrganizationalUnitId"])
    if unit is None:
        raise ApiError(
            "OrganizationalUnitNotFoundException",
            "We can't find an OU with the OrganizationalUnitId that you specified.",
        )
    return unit


def _refuse_taken_name(organization: Organization, parent_id: str, name: str) -> None:
    if any(unit.name == name for unit in organization.units_in(parent_id)):
        raise ApiError(
            "DuplicateOrganizationalUnitException", "An OU with the same name already exists."
        )


def _create(call: Call) -> Json:
    organization = call.organization
    parent_id = parent(organization, call.params["ParentId"])
    tags = tags_of(call.params, call.settings)
    deepest = call.settings.quota("organizational_unit_depth")
    if organization.depth(parent_id) >= deepest:
        raise constraint_violation(
            f"You have exceeded the depth of the OU hierarchy: {deepest} levels below the root.",
            "OU_DEPTH_LIMIT_EXCEEDED",
        )
    most = call.settings.quota("organizational_units")
    if len(organization.units) >= most:
        raise constraint_violation(
            f"You have exceeded the number of OUs in an organization: {most}.",
            "OU_NUMBER_LIMIT_EXCEEDED",
        )
    _refuse_taken_name(organization, parent_id, call.params["Name"])
    unit = OrganizationalUnit(
        id=call.ids.organizational_unit(organization.root_id),
        name=call.params["Name"],
        parent_id=parent_id,
    )
    organization.units[unit.id] = unit
    organization.tags[unit.id] = tags
    attach_default_policies(organization, unit.id)
    return {"OrganizationalUnit": _describe(organization, unit)}


def _update(call: Call) -> Json:
    unit, name = _unit(call), call.params.get("Name")
    if name is not None and name != unit.name:
        _refuse_taken_name(call.organization, unit.parent_id, name)
        unit.name = name
    return {"OrganizationalUnit": _describe(call.organization, unit)}


def _delete(call: Call) -> Json:
    organization, unit = call.organization, _unit(call)
    if organization.units_in(unit.id) or organization.accounts_in(unit.id):
        raise ApiError(
            "OrganizationalUnitNotEmptyException",
            "The specified OU is not empty. Move all accounts to another root or to other OUs, "
            "remove all child OUs, and try the operation again.",
        )
    del organization.units[unit.id]
    organization.attachments.pop(unit.id, None)
    organization.tags.pop(unit.id, None)
    return {}


def _list(call: Call) -> Json:
    organization = call.organization
    units = organization.units_in(parent(organization, call.params["ParentId"]))
    items = [_describe(organization, unit) for unit in units]
    return page(call.params, "OrganizationalUnits", items)


OPERATIONS = {
    "CreateOrganizationalUnit": Operation(run=_create),
    "UpdateOrganizationalUnit": Operation(run=_update),
    "DeleteOrganizationalUnit": Operation(run=_delete),
    "DescribeOrganizationalUnit": Operation(
        run=lambda call: {"OrganizationalUnit": _describe(call.organization, _unit(call))},
        read=True,
    ),
    "ListOrganizationalUnitsForParent": Operation(run=_list, read=True),
}
