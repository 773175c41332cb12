"""The answer to CloudFormation: one JSON document, PUT to the address that the request brought."""

from __future__ import annotations

import json
import logging
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from .errors import SettingError
from .retry import never

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .retry import Patience

_LOGGER = logging.getLogger(__name__)

# CloudFormation ignores a longer answer and waits for its time-out.
_LONGEST_BODY_BYTES: Final = 4096
_LONGEST_PHYSICAL_ID_BYTES: Final = 1024
# The console shows about this much of a status reason.
_LONGEST_REASON_CHARACTERS: Final = 1000
_ELLIPSIS: Final = "…"
_PUT_TIMEOUT_SECONDS: Final = 5.0
_SERVER_ERROR: Final = 500


@dataclass(frozen=True, kw_only=True)
class Response:
    """What CloudFormation is told about one request.

    Attributes:
        status: whether the setting is in force.
        physical_id: the identity of the resource; another one is a replacement.
        reason: why it failed.
        attributes: what `Fn::GetAtt` returns.
    """

    status: Literal["SUCCESS", "FAILED"]
    physical_id: str
    reason: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    def body(self, event: Mapping[str, Any]) -> bytes:
        """Return the JSON document for the request `event`, within CloudFormation's limits.

        Raises:
            SettingError: the physical id or the attributes do not fit. A reason is shortened.
        """
        if len(self.physical_id.encode()) > _LONGEST_PHYSICAL_ID_BYTES:
            raise SettingError(
                f"physical id '{self.physical_id[:40]}{_ELLIPSIS}' has "
                f"{len(self.physical_id.encode())} bytes, at most {_LONGEST_PHYSICAL_ID_BYTES} are "
                "allowed; build it from shorter properties"
            )
        reason = _shortened(self.reason, _LONGEST_REASON_CHARACTERS)
        while len(body := self._encode(event, reason)) > _LONGEST_BODY_BYTES:
            if len(reason) <= 1:
                raise SettingError(
                    f"the answer for '{self.physical_id}' has {len(body)} bytes, at most "
                    f"{_LONGEST_BODY_BYTES} are allowed; return fewer attributes"
                )
            reason = _shortened(reason, len(reason) // 2)
        return body

    def _encode(self, event: Mapping[str, Any], reason: str) -> bytes:
        document: dict[str, Any] = {
            "Status": self.status,
            "PhysicalResourceId": self.physical_id,
            "StackId": event.get("StackId", ""),
            "RequestId": event.get("RequestId", ""),
            "LogicalResourceId": event.get("LogicalResourceId", ""),
        }
        if reason:
            document["Reason"] = reason
        if self.attributes:
            document["Data"] = dict(self.attributes)
        return json.dumps(document, ensure_ascii=False).encode()


class Reply:
    """The one answer to one request: the first to be delivered counts, later ones are dropped.

    Both the work and the watchdog answer, each in a thread of its own.

    Args:
        event: the request. Its `ResponseURL` grants whoever has it an answer in our name, so it
            is never logged.
        patience: makes the time that a delivery may take, at the moment it begins.
    """

    def __init__(self, event: Mapping[str, Any], *, patience: Callable[[], Patience]) -> None:
        self._event = event
        self._patience = patience
        self._lock = threading.Lock()
        self._delivered = False

    def send(self, response: Response) -> None:
        """Deliver `response`, unless an answer is delivered already; wait for one under way.

        Raises:
            Exception: it could not be delivered. The invocation then fails, and Lambda runs it
                again, which every setting allows.
        """
        with self._lock:
            if self._delivered:
                _LOGGER.info("%s is not sent, an answer is delivered already", response.status)
                return
            body = self._body(response)
            self._patience().call(
                lambda: _put(str(self._event["ResponseURL"]), body),
                awaited="the delivery of the answer to CloudFormation",
                transient=_is_worth_another_put,
                unsettled=never,
            )
            self._delivered = True

    def _body(self, response: Response) -> bytes:
        try:
            return response.body(self._event)
        except SettingError as error:
            _LOGGER.exception("the answer does not fit")
            return Response(
                status="FAILED",
                physical_id=identity(self._event),
                reason=str(error),
            ).body(self._event)


def identity(event: Mapping[str, Any]) -> str:
    """Return the physical id that a request names, or a stand-in for what was never created."""
    return str(event.get("PhysicalResourceId") or event.get("LogicalResourceId") or "unknown")


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + _ELLIPSIS


def _put(url: str, body: bytes) -> None:
    if not url.startswith(("https://", "http://")):
        raise ValueError("the request's ResponseURL is not an HTTP address; nobody can be answered")
    # The address is signed for an empty content type; any other is refused.
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
        url, data=body, method="PUT", headers={"Content-Type": ""}
    )
    with urllib.request.urlopen(request, timeout=_PUT_TIMEOUT_SECONDS) as answer:  # noqa: S310
        _LOGGER.info("answer delivered, HTTP status %d", answer.status)


def _is_worth_another_put(error: Exception) -> bool:
    # A refusal (4xx: an expired or spent address) stays one; everything else is the network.
    if isinstance(error, urllib.error.HTTPError):
        return error.code >= _SERVER_ERROR
    return isinstance(error, OSError)
