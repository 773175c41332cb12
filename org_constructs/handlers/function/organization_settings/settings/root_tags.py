"""Tags the organization's root, which CloudFormation has no resource for.

Only the keys that the code declares, or has declared before, are ever written or removed.
"""

# ruff: noqa: TID252 - the package has another name in Lambda, so its imports are relative

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ..errors import SettingError, error_code, explained
from ..properties import ROOT_ID, checked, turns_off
from ..retry import is_unsettled
from . import Outcome, Setting

if TYPE_CHECKING:
    from mypy_boto3_organizations import OrganizationsClient

    from . import Run

_LOGGER = logging.getLogger(__name__)

_ROOTS: Final = ("arn:{partition}:organizations::*:root/o-*/r-*",)
_REMEDIES: Final = {
    "MAX_TAG_LIMIT_EXCEEDED": "remove tags of the root that nobody needs",
    "TargetNotFoundException": (
        "use the id of this organization's root, which 'aws organizations list-roots' shows"
    ),
}


class RootTagsSetting(Setting):
    """The resource type `Custom::RootTags` with `RootId`, `Tags` and `TurnOffOnRemoval`."""

    resource_type = "Custom::RootTags"
    actions = {  # noqa: RUF012 - annotated in Setting
        "organizations:ListTagsForResource": "tells the tags that the root has",
        "organizations:TagResource": "adds and changes the declared tags",
        "organizations:UntagResource": "removes tags that were declared before",
    }
    removal_actions = {  # noqa: RUF012 - annotated in Setting
        "organizations:ListTagsForResource": "tells the tags that the root has",
        "organizations:UntagResource": "removes the declared tags",
    }
    resources = {  # noqa: RUF012 - annotated in Setting
        "organizations:ListTagsForResource": _ROOTS,
        "organizations:TagResource": _ROOTS,
        "organizations:UntagResource": _ROOTS,
    }
    kept = (
        "the root keeps its tags: policies may rely on them; to change that, set "
        "turn_off_on_removal, deploy, and then remove it"
    )

    def apply(
        self, properties: Mapping[str, Any], previous: Mapping[str, Any], run: Run
    ) -> Outcome:
        """See `Setting.apply`."""
        root_id = _root(properties)
        wanted = _tags(properties)
        turns_off(properties)
        # The tags of another root are another setting.
        declared_before = _tags(previous) if previous.get("RootId") == root_id else {}
        current = _current(root_id, run)
        changed = {key: value for key, value in wanted.items() if current.get(key) != value}
        gone = sorted(key for key in declared_before if key not in wanted and key in current)
        if changed:
            _write(
                "tag_resource",
                root_id,
                run,
                Tags=[{"Key": key, "Value": changed[key]} for key in sorted(changed)],
            )
        if gone:
            _write("untag_resource", root_id, run, TagKeys=gone)
        return Outcome(physical_id=f"{root_id}/tags")

    def remove(self, properties: Mapping[str, Any], run: Run) -> str:
        """See `Setting.remove`."""
        if not turns_off(properties):
            return self.kept
        root_id = _root(properties)
        current = _current(root_id, run)
        gone = sorted(key for key in _tags(properties) if key in current)
        if gone:
            _write("untag_resource", root_id, run, TagKeys=gone)
        return f"the root has no tags {', '.join(gone)} any more" if gone else "no tag is there"


SETTING = RootTagsSetting()


def _root(properties: Mapping[str, Any]) -> str:
    return checked(properties, "RootId", ROOT_ID, "'r-ab12'")


def _tags(properties: Mapping[str, Any]) -> dict[str, str]:
    tags = properties.get("Tags", {})
    if isinstance(tags, Mapping):
        return {str(key): str(value) for key, value in tags.items()}
    raise SettingError(f"property Tags is {tags!r}; give an object such as {{'owner': 'platform'}}")


def _current(root_id: str, run: Run) -> dict[str, str]:
    client: OrganizationsClient = run.client("organizations")
    pages = client.get_paginator("list_tags_for_resource")
    with explained(f"the tags of root '{root_id}' cannot be read", _REMEDIES):
        return run.patience.call(
            lambda: {
                tag["Key"]: tag["Value"]
                for page in pages.paginate(ResourceId=root_id)
                for tag in page["Tags"]
            },
            awaited=f"the tags of root '{root_id}'",
            unsettled=_is_unsettled,
        )


def _write(operation: str, root_id: str, run: Run, **parameters: Any) -> None:
    call = getattr(run.client("organizations"), operation)
    with explained(f"the tags of root '{root_id}' cannot be written", _REMEDIES):
        run.patience.call(
            lambda: call(ResourceId=root_id, **parameters),
            awaited=f"the tags of root '{root_id}' to be written",
            unsettled=_is_unsettled,
        )
    _LOGGER.info("%s of root %s: %s", operation, root_id, parameters)


def _is_unsettled(error: Exception) -> bool:
    return is_unsettled(error) or error_code(error) == "TargetNotFoundException"
