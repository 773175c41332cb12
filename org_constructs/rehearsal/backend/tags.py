"""Tags of the root, OUs, accounts and policies."""

from __future__ import annotations

from .errors import ApiError, constraint_violation, invalid_input
from .operation import Call, Operation
from .paging import page
from .settings import Settings
from .state import Json, Organization

# AWS documents pages of 20 for other lists and none for tags; 50, their quota, in one page.
_TAGS_PER_PAGE = 50


def tags_of(params: Json, settings: Settings) -> dict[str, str]:
    """Return the tags of a call, checked.

    Raises:
        ApiError: a key is repeated or reserved, or there are more tags than a resource can have.
    """
    tags: dict[str, str] = {}
    for tag in params.get("Tags") or []:
        key, value = tag.get("Key", ""), tag.get("Value", "")
        if key in tags:
            raise invalid_input(f"Tag key {key!r} is given twice.", "DUPLICATE_TAG_KEY")
        _refuse_system_tag(key)
        tags[key] = value
    _check_count(tags, settings)
    return tags


def _refuse_system_tag(key: str) -> None:
    # Neither added nor edited nor deleted (model).
    if key.lower().startswith("aws:"):
        raise invalid_input(
            f"Tag key {key!r} starts with the reserved prefix aws:.",
            "INVALID_SYSTEM_TAGS_PARAMETER",
        )


def _check_count(tags: dict[str, str], settings: Settings) -> None:
    limit = settings.quota("tags_per_resource")
    if len(tags) > limit:
        raise constraint_violation(
            f"You have exceeded the number of tags allowed on this resource: {limit}.",
            "MAX_TAG_LIMIT_EXCEEDED",
        )


def _resource(organization: Organization, id: str) -> dict[str, str]:
    policy = organization.policies.get(id)
    is_policy = policy is not None and not policy.aws_managed
    document = organization.resource_policy
    if organization.is_target(id) or is_policy or (document is not None and document.id == id):
        return organization.tags.setdefault(id, {})
    raise ApiError(
        "TargetNotFoundException", "We can't find a root, OU, account, or policy with that ID."
    )


def _tag(call: Call) -> Json:
    tags = _resource(call.organization, call.params["ResourceId"])
    merged = {**tags, **tags_of(call.params, call.settings)}
    _check_count(merged, call.settings)
    tags.update(merged)
    return {}


def _untag(call: Call) -> Json:
    tags = _resource(call.organization, call.params["ResourceId"])
    for key in call.params["TagKeys"]:
        _refuse_system_tag(key)
    for key in call.params["TagKeys"]:
        tags.pop(key, None)
    return {}


def _list(call: Call) -> Json:
    tags = _resource(call.organization, call.params["ResourceId"])
    items = [{"Key": key, "Value": value} for key, value in tags.items()]
    return page(call.params, "Tags", items, _TAGS_PER_PAGE)


OPERATIONS = {
    "TagResource": Operation(run=_tag),
    "UntagResource": Operation(run=_untag),
    "ListTagsForResource": Operation(run=_list, read=True),
}
