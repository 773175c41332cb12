"""The audit log goes on, and goes on where it was set up to go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from org_constructs.model.errors import OrgError
from org_constructs.policies import Statement
from org_constructs.policies._names import TOKEN

from ._guardrail import Guardrail

# Each of these ends or thins out what a trail records, or sends it elsewhere; what they act on is
# in the service authorization reference. CreateTrail and StartLogging only ever add.
_TRAIL_ACTIONS = (
    "cloudtrail:DeleteTrail",
    "cloudtrail:PutEventConfiguration",
    "cloudtrail:PutEventSelectors",
    "cloudtrail:PutInsightSelectors",
    "cloudtrail:StopLogging",
    "cloudtrail:UpdateTrail",
)
_EVENT_DATA_STORE_ACTIONS = (
    "cloudtrail:DeleteEventDataStore",
    "cloudtrail:PutEventConfiguration",
    "cloudtrail:PutInsightSelectors",
    "cloudtrail:StopEventDataStoreIngestion",
    "cloudtrail:UpdateEventDataStore",
)
_TRAIL_NAME = re.compile(r"[A-Za-z0-9._*?-]{1,128}")
_EVENT_DATA_STORE_ID = re.compile(r"[0-9a-f*?-]{1,36}")


@dataclass(frozen=True, kw_only=True)
class ProtectCloudTrail(Guardrail):
    """Deny stopping, deleting, redirecting and thinning out AWS CloudTrail.

    By default every trail and event data store of the accounts it reaches is protected. Once one
    of the two lists is given, only what they name is: teams may then manage trails of their own.
    An organization trail belongs to the management account; its copies in member accounts have its
    name, and cannot be changed there anyway.

    What the log is written to is not covered: protect the bucket and its key by their own policies
    in the log archive account.

    Sources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudtrail.html,
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-trail-organization.html

    Attributes:
        trail_names: names of trails, or ARNs, with wildcards if need be: `org-*`.
        event_data_store_ids: ids of event data stores of CloudTrail Lake, or ARNs, likewise.

    Raises:
        OrgError: `ORG009` for what can be neither a name nor an ARN.
    """

    documented_at: ClassVar[str] = (
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudtrail.html"
    )

    trail_names: Sequence[str] = ()
    event_data_store_ids: Sequence[str] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self._trails()
        self._event_data_stores()

    @property
    def why(self) -> str:
        """The reason, in one line."""
        return "what happens in an account can only be reconstructed from an unbroken log"

    def statements(self) -> Sequence[Statement]:
        """Return one statement for everything, or one for the trails and one for the stores."""
        if not self.trail_names and not self.event_data_store_ids:
            return [self.deny(actions=sorted({*_TRAIL_ACTIONS, *_EVENT_DATA_STORE_ACTIONS}))]
        statements = []
        if self.trail_names:
            statements.append(self.deny("Trails", actions=_TRAIL_ACTIONS, resources=self._trails()))
        if self.event_data_store_ids:
            statements.append(
                self.deny(
                    "EventDataStores",
                    actions=_EVENT_DATA_STORE_ACTIONS,
                    resources=self._event_data_stores(),
                )
            )
        return statements

    def _trails(self) -> list[str]:
        return [
            self._arn(name, "trail_names", "trail", _TRAIL_NAME, "org-trail")
            for name in self.trail_names
        ]

    def _event_data_stores(self) -> list[str]:
        return [
            self._arn(
                name,
                "event_data_store_ids",
                "eventdatastore",
                _EVENT_DATA_STORE_ID,
                "ee54f226-431e-4baa-8e5d-5d5b2e3a1c0f",
            )
            for name in self.event_data_store_ids
        ]

    def _arn(
        self, name: str, argument: str, kind: str, pattern: re.Pattern[str], sample: str
    ) -> str:
        if TOKEN.search(name):
            is_arn = name.startswith("arn:")
            return name if is_arn else f"arn:*:cloudtrail:*:*:{kind}/{name}"
        if re.fullmatch(rf"arn:[^:]+:cloudtrail:[^:]+:[^:]+:{kind}/.+", name):
            return name
        if pattern.fullmatch(name):
            return f"arn:*:cloudtrail:*:*:{kind}/{name}"
        raise OrgError(
            "ORG009",
            f"{type(self).__name__}: {argument} '{name}' is neither a name nor such an ARN; "
            f"write one such as '{sample}' or 'arn:*:cloudtrail:*:*:{kind}/{sample}'",
        )
