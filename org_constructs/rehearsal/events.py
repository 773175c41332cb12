"""What AWS tells about the organization: events on the default bus of the management account.

CloudTrail delivers them to EventBridge in the Region of the partition's Organizations endpoint
(documentation). What happens is read from the call log, in its order.
"""

# The emulator has no public way in; the names taken stand in `emulator.TAKEN_NAMES`.
# ruff: noqa: SLF001

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from org_constructs.model.partitions import partitions

from .backend import OTHER_OPERATIONS, SERVICE, Organizations
from .emulator import module

_API_CALL = "AWS API Call via CloudTrail"
_SERVICE_EVENT = "AWS Service Event via CloudTrail"
_DEFAULT_ROLE = "OrganizationAccountAccessRole"
_DEPARTURES = {"LeaveOrganization": "LEFT", "RemoveAccountFromOrganization": "REMOVED"}


@dataclass(frozen=True, slots=True)
class Event:
    """An event: in which account, of which detail-type, and its detail."""

    account_id: str
    detail_type: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account that was created, and the role through which its creator administers it."""

    account_id: str
    management_account_id: str
    role_name: str


@dataclass(slots=True)
class Reporter:
    """Turns entries of the call log into events, and remembers what entries alone do not say."""

    _requests: dict[str, tuple[str, str]] = field(default_factory=dict)
    _closers: dict[str, str] = field(default_factory=dict)
    _managers: dict[str, str] = field(default_factory=dict)

    def read(self, entry: Mapping[str, Any]) -> Iterator[Event | NewAccount]:
        """Yield what one entry of the call log tells."""
        # CloudTrail tells of renamed accounts, contacts and root access as events of other services.
        if entry["read"] or entry["operation"] in OTHER_OPERATIONS:
            return
        if entry["caller"] == SERVICE:
            yield from self._results(entry)
            return
        caller, operation = entry["caller"], entry["operation"]
        # Documentation: refused calls are logged too, with their error.
        yield Event(caller, _API_CALL, _detail(entry, "AwsApiCall", caller) | _call(entry))
        if entry["error"] is not None:
            return
        result = entry["result"] or {}
        if operation == "CreateAccount":
            request = result["CreateAccountStatus"]["Id"]
            self._requests[request] = (caller, entry["params"].get("RoleName") or _DEFAULT_ROLE)
        elif operation == "AcceptHandshake":
            yield from self._accepted(entry, result["Handshake"])
        elif operation in _DEPARTURES:
            account_id = entry["params"].get("AccountId", caller)
            manager = self._managers.pop(account_id, caller)
            yield _departed(entry, account_id, manager, _DEPARTURES[operation])
        elif operation == "CloseAccount":
            self._closers[entry["params"]["AccountId"]] = caller

    def is_member(self, account_id: str) -> bool:
        """Tell whether an account has joined an organization and not left it."""
        return account_id in self._managers

    def _results(self, entry: Mapping[str, Any]) -> Iterator[Event | NewAccount]:
        """Yield the end of something that AWS did in the background."""
        result = entry["result"] or {}
        if entry["operation"] == "CloseAccountResult":
            if (manager := self._closers.pop(result["AccountId"], None)) is not None:
                closed = {"accountId": result["AccountId"], "state": "SUCCEEDED"}
                yield _service_event(entry, manager, closeAccountStatus=closed)
            return
        status = result.get("CreateAccountStatus")
        if status is None or status["Id"] not in self._requests:
            return
        manager, role_name = self._requests.pop(status["Id"])
        yield _service_event(entry, manager, createAccountStatus=_lower(status))
        if status["State"] == "SUCCEEDED":
            account_id = status["AccountId"]
            self._managers[account_id] = manager
            yield NewAccount(account_id, manager, role_name)
            yield _joined(entry, account_id, manager, "CREATED")

    def _accepted(self, entry: Mapping[str, Any], handshake: Mapping[str, Any]) -> Iterator[Event]:
        # The ARN is that of the account which sent it (model).
        manager = str(handshake["Arn"]).split(":")[4]
        # The invited account has made the call; its manager learns of it from the service.
        detail = _detail(entry, "AwsServiceEvent", manager)
        answer = {"responseElements": {"handshake": _lower(handshake)}}
        yield Event(manager, _SERVICE_EVENT, detail | answer)
        if handshake.get("Action", "INVITE") == "INVITE":
            self._managers[entry["caller"]] = manager
            yield _joined(entry, entry["caller"], manager, "INVITED")


def _detail(entry: Mapping[str, Any], event_type: str, account_id: str) -> dict[str, Any]:
    return {
        "eventVersion": "1.08",
        "eventTime": _time(entry["time"]),
        "eventSource": SERVICE,
        "eventName": entry["operation"],
        "eventType": event_type,
        "managementEvent": True,
        "readOnly": False,
        "recipientAccountId": account_id,
    }


def _call(entry: Mapping[str, Any]) -> dict[str, Any]:
    error = entry["error"]
    failed = {} if error is None else {"errorCode": error["code"], "errorMessage": error["message"]}
    return {
        "userIdentity": {"type": "AssumedRole", "accountId": entry["caller"]},
        "requestParameters": _lower(entry["params"]),
        "responseElements": _lower(entry["result"] or {}) or None,
        **failed,
    }


def _service_event(entry: Mapping[str, Any], account_id: str, **details: Any) -> Event:
    detail = _detail(entry, "AwsServiceEvent", account_id)
    return Event(account_id, _SERVICE_EVENT, detail | {"serviceEventDetails": details})


def _joined(entry: Mapping[str, Any], account_id: str, manager: str, method: str) -> Event:
    # Documentation since 2026-05: the event and what it says; which detail-type and which spelling
    # EventBridge uses is not documented (guess).
    named = {**entry, "operation": "AccountJoinedOrganization"}
    time = _time(entry["time"])
    return _service_event(
        named, manager, accountId=account_id, joinedMethod=method, joinedTime=time
    )


def _departed(entry: Mapping[str, Any], account_id: str, manager: str, method: str) -> Event:
    named = {**entry, "operation": "AccountDepartedOrganization"}
    time = _time(entry["time"])
    return _service_event(
        named, manager, accountId=account_id, departureMethod=method, departureTime=time
    )


def _lower(value: Any) -> Any:
    """Write keys as CloudTrail does, with a small first letter."""
    if isinstance(value, Mapping):
        return {key[:1].lower() + key[1:]: _lower(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_lower(item) for item in value]
    return value


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Announcer:
    """Puts events on the emulator's buses, and gives new accounts their role."""

    def __init__(self, organizations: Organizations) -> None:
        self._organizations = organizations
        self._responses = module("ministack.core.responses")
        self._event_bridge = module("ministack.services.eventbridge")
        self._iam = module("ministack.services.iam")
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Begin with an empty call log."""
        self._seen = 0
        self._reporter = Reporter()

    def is_member(self, account_id: str) -> bool:
        """Tell whether an account has joined an organization and not left it."""
        return self._reporter.is_member(account_id)

    def announce(self) -> None:
        """Announce what the call log has that was not announced yet."""
        with self._lock:
            entries = self._organizations.calls(since=self._seen)
            self._seen += len(entries)
            news = [item for entry in entries for item in self._reporter.read(entry)]
        for item in news:
            if isinstance(item, Event):
                self._put(item)
            else:
                self._create_role(item)

    def _put(self, event: Event) -> None:
        settings = self._organizations.settings
        if not {"*", event.detail["eventName"]}.isdisjoint(settings.lost_events):
            return
        region = partitions()[settings.partition].organizations_region
        entry = {
            "Source": "aws.organizations",
            "DetailType": _API_CALL if settings.service_events_as_calls else event.detail_type,
            "Detail": json.dumps({**event.detail, "awsRegion": region}, default=str),
        }
        with self._responses.request_scope(event.account_id, region):
            self._event_bridge._put_events({"Entries": [entry]}, allow_aws_source=True)

    def _create_role(self, new: NewAccount) -> None:
        """Create the role of a created account; an invited one gets none (documentation)."""
        partition = self._organizations.settings.partition
        principal = f"arn:{partition}:iam::{new.management_account_id}:root"
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": "sts:AssumeRole",
        }
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        with self._responses.request_scope(new.account_id, self._responses.get_region()):
            self._iam._create_role(
                {"RoleName": [new.role_name], "AssumeRolePolicyDocument": [trust]}
            )
            role = self._iam._roles[new.role_name]
            role["AttachedPolicies"].append(f"arn:{partition}:iam::aws:policy/AdministratorAccess")
