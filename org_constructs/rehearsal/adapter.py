"""Puts Organizations and its CloudFormation types into the emulator."""

# The emulator has no public way in; the names taken stand in `emulator.TAKEN_NAMES`.
# ruff: noqa: SLF001

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from .account_api import install_account_api
from .backend import ApiError, Organizations
from .cloudformation import RESOURCE_TYPES, Api, HandlerError, ResourceType, Writer
from .custom_resources import mend_custom_resources
from .emulator import CLOUDFORMATION, check_emulator, module
from .event_rules import EventRules
from .events import Announcer
from .iam_api import install_iam_api
from .leftovers import Leftovers
from .mends import mend_cloudformation
from .permissions import Permissions, note_deployment_roles, refuse_missing_roles
from .phases import writers_before
from .protocol import read_request
from .stack_updates import refuse_protected_removal

_CALLS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Installed:
    """The emulator with the embedded Organizations in it.

    Attributes:
        application: its ASGI application.
        announcer: tells what happens in the organizations.
        rules: who is told, and when.
    """

    application: Any
    announcer: Announcer
    rules: EventRules


def install(organizations: Organizations) -> Installed:
    """Put the embedded Organizations into the emulator.

    Raises:
        EmulatorError: the emulator is not the one that the adapter is made for.
    """
    check_emulator()
    leftovers, permissions, announcer = Leftovers(), Permissions(), Announcer(organizations)
    rules = EventRules(organizations)
    _install_service(organizations, permissions, announcer, rules)
    rules.install()
    install_account_api(organizations)
    install_iam_api(organizations)
    _install_resource_types(organizations, leftovers, permissions, announcer)
    mend_cloudformation(leftovers)
    mend_custom_resources(organizations)
    note_deployment_roles(permissions)
    refuse_missing_roles(announcer.is_member)
    return Installed(module("ministack.app").app, announcer, rules)


def _install_service(
    organizations: Organizations,
    permissions: Permissions,
    announcer: Announcer,
    rules: EventRules,
) -> None:
    """Answer the API of Organizations."""
    service = module("ministack.services.organizations")
    responses = module("ministack.core.responses")
    # Its own, so that nothing else that waits there can keep a call from being answered.
    threads = ThreadPoolExecutor(_CALLS_AT_ONCE, thread_name_prefix="organizations")

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> tuple[int, dict[str, str], bytes]:
        del method, path, query
        content = {"Content-Type": "application/x-amz-json-1.1"}
        try:
            operation, params = read_request(headers.get("x-amz-target", ""), body)
            refusal = permissions.refusal_of_request(operation, headers)
            account_id = responses.get_account_id()
            # A write takes its time, during which others have to arrive.
            answer = await asyncio.get_running_loop().run_in_executor(
                threads,
                partial(organizations.call, operation, params, account_id, refusal=refusal),
            )
        except ApiError as error:
            details = {"__type": error.code, "Message": error.message}
            if error.reason is not None:
                details["Reason"] = error.reason
            # The code stands in a header too: some SDKs look only there.
            content["x-amzn-ErrorType"] = error.code
            return 400, content, json.dumps(details).encode()
        finally:
            announcer.announce()
        return 200, content, json.dumps(answer).encode()

    service.handle_request = handle_request

    def reset() -> None:
        organizations.reset()
        permissions.clear()
        announcer.clear()
        rules.clear()

    service.reset = reset
    # Nothing outlives the process, so there is no state to save.
    service.get_state = dict
    service.load_persisted_state = lambda _data: None


def _install_resource_types(
    organizations: Organizations,
    leftovers: Leftovers,
    permissions: Permissions,
    announcer: Announcer,
) -> None:
    """Teach CloudFormation the five types."""
    provisioners = module(f"{CLOUDFORMATION}.provisioners")
    drift = module(f"{CLOUDFORMATION}.drift")
    changesets = module(f"{CLOUDFORMATION}.changesets")

    for resource_type in RESOURCE_TYPES:
        handler = _Handler(resource_type, organizations, leftovers, permissions, announcer)
        name = resource_type.name
        provisioners._RESOURCE_HANDLERS[name] = {
            "create": handler.create,
            "update": handler.update,
            "delete": handler.delete,
            "import": handler.adopt,
            "update_with_logical_id": True,
            "delete_with_logical_id": True,
        }
        provisioners._REPLACING_PROPERTIES[name] = resource_type.create_only
        if resource_type.taggable:
            provisioners._STACK_TAG_PROPERTY[name] = ("Tags", "list")
        drift._DRIFT_READERS[name] = (handler.read, resource_type.readable)
        changesets._IMPORT_LOOKUPS[name] = ((resource_type.identifier,), handler.import_problem)

    stacks = module(f"{CLOUDFORMATION}.stacks")
    blocks = stacks._runs_on_worker_thread
    own = frozenset(resource_type.name for resource_type in RESOURCE_TYPES)
    # Off the event loop, so that clients are answered while a handler works.
    stacks._runs_on_worker_thread = lambda name: name in own or blocks(name)


class _Handler:
    """A resource type in the form in which the emulator calls it."""

    def __init__(
        self,
        resource_type: ResourceType,
        organizations: Organizations,
        leftovers: Leftovers,
        permissions: Permissions,
        announcer: Announcer,
    ) -> None:
        self._type = resource_type
        self._organizations = organizations
        self._leftovers = leftovers
        self._permissions = permissions
        self._announcer = announcer
        self._responses = module("ministack.core.responses")

    def _api(self, before: Callable[[str], Sequence[Writer]] = lambda _operation: ()) -> Api:
        return Api(
            self._organizations,
            self._responses.get_account_id(),
            self._permissions.refusal_of_deployment,
            before,
        )

    @contextmanager
    def _work(self, logical_id: str | None, *, removing: bool = False) -> Iterator[Api]:
        """Give a handler the API, and announce afterwards what it has done."""
        meets = logical_id is not None and self._organizations.settings.side_by_side
        try:
            yield (
                self._api(writers_before(str(logical_id), removing=removing))
                if meets
                else self._api()
            )
        finally:
            self._announcer.announce()

    def create(
        self, logical_id: str, properties: dict[str, Any], stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        """Create the resource, after what a failed attempt left behind is deleted."""
        self._leftovers.delete(stack_name, logical_id)
        try:
            with self._work(logical_id) as api:
                created = self._type.create(api, properties)
        except HandlerError as error:
            if error.left_behind is not None:
                self._leftovers.add(
                    stack_name, logical_id, self._type.name, error.left_behind, properties
                )
            raise
        return created.physical_id, created.attributes

    def update(
        self,
        physical_id: str,
        old: dict[str, Any],
        new: dict[str, Any],
        stack_name: str,
        logical_id: str | None = None,
    ) -> tuple[str, dict[str, Any]]:
        """Change the resource in place."""
        del stack_name
        with self._work(logical_id) as api:
            return physical_id, self._type.update(api, physical_id, old, new)

    def delete(
        self, physical_id: str, properties: dict[str, Any], logical_id: str | None = None
    ) -> None:
        """Delete the resource; one that is not found is deleted (documentation)."""
        refuse_protected_removal(logical_id, self._type.name)
        try:
            with self._work(logical_id, removing=True) as api:
                self._type.delete(api, physical_id, properties)
        except HandlerError as error:
            if error.code != "NotFound":
                raise

    def adopt(self, identifier: dict[str, str]) -> tuple[str, dict[str, Any]]:
        """Take an existing resource into a stack."""
        physical_id = identifier[self._type.identifier]
        return physical_id, self._type.attributes(self._api(), physical_id)

    def import_problem(self, physical_id: str) -> str | None:
        """Return why a resource cannot be imported, or None."""
        try:
            self._type.attributes(self._api(), physical_id)
        except HandlerError as error:
            return str(error)
        return None

    def read(self, physical_id: str, properties: dict[str, Any]) -> dict[str, Any] | None:
        """Return the current properties for drift detection, or None when it is gone."""
        try:
            return self._type.read(self._api(), physical_id, properties)
        except HandlerError as error:
            if error.code == "NotFound":
                return None
            raise
