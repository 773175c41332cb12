"""The entry point: one custom resource request in, exactly one answer out, whatever happens."""

from __future__ import annotations

import logging
import random
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .errors import SettingError, error_code, explain
from .response import Reply, Response, identity
from .retry import DeadlineError, Patience
from .settings import Run, discover

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .settings import Setting

_LOGGER = logging.getLogger(__package__)
_LOGGER.setLevel(logging.INFO)

# Left for saying that the time is up, after the work has stopped; then for the watchdog, which
# says so when the work hangs. A function with very little time leaves shares of it.
_RESERVE_SECONDS: Final = 20.0
_RESERVE_SHARE: Final = 0.4
_WATCHDOG_SECONDS: Final = 10.0
_WATCHDOG_SHARE: Final = 0.2
_LONGEST_DELIVERY_SECONDS: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the function takes from outside, so that tests can replace it.

    Attributes:
        settings: returns the settings by resource type.
        client: makes the boto3 client of a service.
        clock: seconds that only grow.
        sleep: waits so many seconds.
        jitter: a random number between two bounds.
    """

    settings: Callable[[], Mapping[str, Setting]]
    client: Callable[[str], Any]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[float, float], float] = random.uniform

    def patience(self, seconds: float) -> Patience:
        """Return the patience of so many seconds."""
        return Patience(seconds, clock=self.clock, sleep=self.sleep, jitter=self.jitter)


def connect(service: str) -> Any:
    """Return the boto3 client of a service, with bounded waits and the standard retries.

    The endpoint is the environment's: `AWS_ENDPOINT_URL` and its kin hold.
    """
    import boto3
    from botocore.config import Config

    # Few retries here: Patience goes on until the deadline, and it can tell what it waits for.
    config = Config(
        connect_timeout=5,
        read_timeout=15,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    # Any service, so none of the overloads that the stubs have for each of them.
    make: Callable[..., Any] = boto3.client
    return make(service, config=config)


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Answer one request of CloudFormation.

    Args:
        event: the request.
        context: Lambda's context object.
    """
    handle(event, context, Surroundings(settings=discover, client=connect))


def handle(event: Mapping[str, Any], context: Any, surroundings: Surroundings) -> None:
    """Answer one request of CloudFormation with what `surroundings` offers.

    Raises:
        Exception: no answer could be delivered; Lambda then runs the request again.
    """
    total = context.get_remaining_time_in_millis() / 1000
    reply = Reply(
        event,
        patience=lambda: surroundings.patience(
            # A second is for Lambda to end in.
            min(_LONGEST_DELIVERY_SECONDS, context.get_remaining_time_in_millis() / 1000 - 1)
        ),
    )
    _LOGGER.info("%s %s %s", event.get("RequestType"), event.get("ResourceType"), identity(event))
    with _watchdog(total - min(_WATCHDOG_SECONDS, total * _WATCHDOG_SHARE), event, reply):
        response = _answer(
            event,
            context,
            surroundings,
            surroundings.patience(total - min(_RESERVE_SECONDS, total * _RESERVE_SHARE)),
        )
        if response.status == "FAILED":
            _LOGGER.error("%s", response.reason)
        reply.send(response)


def _answer(
    event: Mapping[str, Any], context: Any, surroundings: Surroundings, patience: Patience
) -> Response:
    # Whatever goes wrong must be told: a request without an answer blocks the stack until
    # CloudFormation's own time-out.
    try:
        return _fulfil(event, surroundings, patience)
    except (SettingError, DeadlineError) as error:
        return _failed(event, str(error))
    except Exception as error:
        _LOGGER.exception("the setting could not be applied")
        reason = explain(error)
        if not error_code(error):
            reason = (
                f"{reason[:700]}; see log stream '{getattr(context, 'log_stream_name', '?')}' of "
                f"group '{getattr(context, 'log_group_name', '?')}'"
            )
        return _failed(event, reason)


def _fulfil(event: Mapping[str, Any], surroundings: Surroundings, patience: Patience) -> Response:
    request = event.get("RequestType")
    if request == "Delete":
        return _remove(event, surroundings, patience)
    if request not in ("Create", "Update"):
        raise SettingError(f"request type {request!r} is none of Create, Update and Delete")
    resource_type = event.get("ResourceType")
    settings = surroundings.settings()
    setting = settings.get(str(resource_type))
    if setting is None:
        raise SettingError(
            f"resource type '{resource_type}' is no setting of this function, which knows "
            f"{', '.join(sorted(settings))}; deploy the function and the resource from one version"
        )
    outcome = setting.apply(
        event.get("ResourceProperties") or {},
        event.get("OldResourceProperties") or {},
        Run(patience=patience, client=surroundings.client),
    )
    return Response(
        status="SUCCESS", physical_id=outcome.physical_id, attributes=outcome.attributes
    )


def _remove(event: Mapping[str, Any], surroundings: Surroundings, patience: Patience) -> Response:
    """Answer a deletion, which keeps what is in force unless the setting itself says otherwise.

    What was never created, because it was wrong, and what no setting knows, must be deletable too.
    """
    removed = "nothing is turned off"
    setting: Setting | None = None
    try:
        setting = surroundings.settings().get(str(event.get("ResourceType")))
    except Exception as error:  # noqa: BLE001 - what cannot be listed can do nothing
        _LOGGER.warning("no setting tells what is kept: %s", explain(error))
    if setting is not None and identity(event) != event.get("LogicalResourceId"):
        removed = setting.remove(
            event.get("ResourceProperties") or {},
            Run(patience=patience, client=surroundings.client),
        )
    elif setting is not None:
        removed = setting.kept
    _LOGGER.info("deleted %s: %s", identity(event), removed)
    return Response(status="SUCCESS", physical_id=identity(event))


def _failed(event: Mapping[str, Any], reason: str) -> Response:
    # With another id a failed update would count as a replacement.
    return Response(status="FAILED", physical_id=identity(event), reason=reason)


@contextmanager
def _watchdog(seconds: float, event: Mapping[str, Any], reply: Reply) -> Iterator[None]:
    """Answer FAILED after so many seconds, unless an answer is delivered before."""

    def bark() -> None:
        reason = (
            f"no result after {seconds:.0f} seconds, just before the function's time-out; deploy "
            "again, and if that does not help look for a call in the function's log that hangs"
        )
        _LOGGER.error("%s", reason)
        reply.send(_failed(event, reason))

    timer = threading.Timer(max(seconds, 0.0), bark)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
