"""The only module that touches the emulator: puts Organizations and its resource types into it.

The emulator has no plug-in point, so names it keeps to itself are taken. All of them stand in
`TAKEN_NAMES`, and `install` refuses an emulator that lacks one, before anything is changed.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from .backend import ApiError, Organizations
from .cloudformation import RESOURCE_TYPES, Api, HandlerError, ResourceType

_CLOUDFORMATION = "ministack.services.cloudformation"

TAKEN_NAMES: dict[str, tuple[str, ...]] = {
    "ministack.app": ("app",),
    "ministack.core.responses": ("get_account_id", "request_scope"),
    "ministack.services.organizations": (
        "get_state",
        "handle_request",
        "load_persisted_state",
        "reset",
    ),
    _CLOUDFORMATION: ("_stacks",),
    f"{_CLOUDFORMATION}.changesets": (
        "_IMPORT_LOOKUPS",
        "_resolve_props_for_diff",
        "_resolve_refs",
    ),
    f"{_CLOUDFORMATION}.drift": ("_DRIFT_READERS",),
    f"{_CLOUDFORMATION}.engine": ("_evaluate_conditions", "_parse_template", "_resolve_refs"),
    f"{_CLOUDFORMATION}.handlers": ("_delete_stack_async", "_resolve_refs"),
    f"{_CLOUDFORMATION}.provisioners": (
        "_REPLACING_PROPERTIES",
        "_RESOURCE_HANDLERS",
        "_STACK_TAG_PROPERTY",
    ),
    f"{_CLOUDFORMATION}.stacks": (
        "_delete_stack_async",
        "_resolve_refs",
        "_runs_on_worker_thread",
    ),
}

_TARGET_PREFIX = "AWSOrganizationsV20161128."
_REMEDY = "install the one it is made for: pip install 'org-constructs[rehearsal]'"


class EmulatorError(RuntimeError):
    """The emulator is missing, or is not the one that the adapter is made for."""


def _module(name: str) -> Any:
    return importlib.import_module(name)


def check_emulator() -> None:
    """Refuse an emulator that lacks a name the adapter takes.

    Raises:
        EmulatorError: it is not installed, or is another version.
    """
    try:
        importlib.import_module("ministack")
    except ImportError:
        raise EmulatorError(
            "the rehearsal needs the emulator 'ministack'; pip install 'org-constructs[rehearsal]'"
        ) from None
    for module, names in TAKEN_NAMES.items():
        try:
            found = importlib.import_module(module)
        except ImportError:
            raise EmulatorError(f"this ministack has no module {module}; {_REMEDY}") from None
        for name in names:
            if not hasattr(found, name):
                raise EmulatorError(f"this ministack has no {module}.{name}; {_REMEDY}")


def install(organizations: Organizations) -> Any:
    """Put the embedded Organizations into the emulator and return its ASGI application.

    Raises:
        EmulatorError: the emulator is not the one that the adapter is made for.
    """
    check_emulator()
    _install_service(organizations)
    _install_resource_types(organizations)
    _install_references()
    _install_deletion_policies()
    return _module("ministack.app").app


def _install_service(organizations: Organizations) -> None:
    """Answer the API of Organizations."""
    service = _module("ministack.services.organizations")
    account_id: Callable[[], str] = _module("ministack.core.responses").get_account_id

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> tuple[int, dict[str, str], bytes]:
        del method, path, query
        operation = headers.get("x-amz-target", "").removeprefix(_TARGET_PREFIX)
        content = {"Content-Type": "application/x-amz-json-1.1"}
        try:
            answer = organizations.call(operation, json.loads(body or b"{}"), account_id())
        except ApiError as error:
            refusal = {"__type": error.code, "Message": error.message, "Reason": error.reason}
            # The code stands in a header too: some SDKs look only there.
            headers_out = {**content, "x-amzn-ErrorType": error.code}
            return 400, headers_out, json.dumps(refusal).encode()
        return 200, content, json.dumps(answer).encode()

    service.handle_request = handle_request
    service.reset = organizations.reset
    # Nothing outlives the process, so there is no state to save.
    service.get_state = dict
    service.load_persisted_state = lambda _data: None


def _install_resource_types(organizations: Organizations) -> None:
    """Teach CloudFormation the five types."""
    provisioners = _module(f"{_CLOUDFORMATION}.provisioners")
    drift = _module(f"{_CLOUDFORMATION}.drift")
    changesets = _module(f"{_CLOUDFORMATION}.changesets")
    account_id: Callable[[], str] = _module("ministack.core.responses").get_account_id

    for resource_type in RESOURCE_TYPES:
        handler = _Handler(resource_type, organizations, account_id)
        name = resource_type.name
        provisioners._RESOURCE_HANDLERS[name] = {
            "create": handler.create,
            "update": handler.update,
            "delete": handler.delete,
            "import": handler.adopt,
        }
        provisioners._REPLACING_PROPERTIES[name] = resource_type.create_only
        if resource_type.taggable:
            provisioners._STACK_TAG_PROPERTY[name] = ("Tags", "list")
        drift._DRIFT_READERS[name] = (handler.read, resource_type.readable)
        changesets._IMPORT_LOOKUPS[name] = ((resource_type.identifier,), handler.import_problem)

    stacks = _module(f"{_CLOUDFORMATION}.stacks")
    blocks = stacks._runs_on_worker_thread
    own = frozenset(resource_type.name for resource_type in RESOURCE_TYPES)
    # Handlers wait for what runs on the emulator's event loop, so they must not run on it.
    stacks._runs_on_worker_thread = lambda name: name in own or blocks(name)


class _Handler:
    """A resource type in the form that the emulator calls."""

    def __init__(
        self,
        resource_type: ResourceType,
        organizations: Organizations,
        account_id: Callable[[], str],
    ) -> None:
        self._type = resource_type
        self._organizations = organizations
        self._account_id = account_id

    def _api(self) -> Api:
        return Api(self._organizations, self._account_id())

    def create(
        self, logical_id: str, properties: dict[str, Any], stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        """Create the resource."""
        del logical_id, stack_name
        created = self._type.create(self._api(), properties)
        return created.physical_id, created.attributes

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        """Change the resource in place."""
        del stack_name
        return physical_id, self._type.update(self._api(), physical_id, old, new)

    def delete(self, physical_id: str, properties: dict[str, Any]) -> None:
        """Delete the resource; one that is gone already is deleted (documentation)."""
        try:
            self._type.delete(self._api(), physical_id, properties)
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


class _Distinct(dict[str, str]):
    """Attributes of a resource that is not looked up: each answers with its own name."""

    def __init__(self, logical_id: str) -> None:
        super().__init__()
        self._logical_id = logical_id

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: str) -> str:
        return f"{self._logical_id}.{key}"


def _install_references() -> None:
    """Mend what references resolve to: between stacks, and in change sets."""
    engine = _module(f"{_CLOUDFORMATION}.engine")
    changesets = _module(f"{_CLOUDFORMATION}.changesets")
    responses = _module("ministack.core.responses")
    resolve = engine._resolve_refs

    def resolve_refs(value: Any, *context: Any) -> Any:
        # The emulator looks for the output of another stack only in the caller's Region.
        if isinstance(value, dict) and "Fn::GetStackOutput" in value:
            source = value["Fn::GetStackOutput"]
            if isinstance(source, dict) and "Region" in source:
                region = resolve_refs(source["Region"], *context)
                local = {key: item for key, item in source.items() if key != "Region"}
                with responses.request_scope(responses.get_account_id(), region):
                    return resolve({"Fn::GetStackOutput": local}, *context)
        return resolve(value, *context)

    for module in ("engine", "stacks", "changesets", "handlers"):
        _module(f"{_CLOUDFORMATION}.{module}")._resolve_refs = resolve_refs

    def resolve_for_diff(
        template: dict[str, Any] | None, params: dict[str, Any], stack_name: str, stack_id: str
    ) -> dict[str, Any]:
        """Resolve a template so that different references stay different.

        The emulator resolves every Fn::GetAtt to nothing here, so an account that moves from one
        OU to another would be no difference, and `cdk deploy` would do nothing and say done.
        """
        if not template:
            return {}
        definitions = template.get("Resources", {})
        conditions: dict[str, bool] = {}
        with contextlib.suppress(Exception):
            conditions = engine._evaluate_conditions(template, params)
        references = {
            id: {"PhysicalResourceId": id, "Attributes": _Distinct(id)} for id in definitions
        }
        resolved = {}
        for id, definition in definitions.items():
            resolved[id] = dict(definition)
            # What cannot be resolved before it exists is compared as it is written.
            with contextlib.suppress(Exception):
                resolved[id]["Properties"] = resolve_refs(
                    copy.deepcopy(definition.get("Properties", {})),
                    references,
                    params,
                    conditions,
                    template.get("Mappings", {}),
                    stack_name,
                    stack_id,
                )
        return {"Resources": resolved}

    changesets._resolve_props_for_diff = resolve_for_diff


def _install_deletion_policies() -> None:
    """Honour DeletionPolicy when a stack is deleted whose last operation failed.

    The emulator keeps a template only after success, so that it would find no policies then and
    close accounts that are to be retained.
    """
    package = _module(_CLOUDFORMATION)
    engine = _module(f"{_CLOUDFORMATION}.engine")
    stacks = _module(f"{_CLOUDFORMATION}.stacks")
    delete = stacks._delete_stack_async

    async def delete_stack(stack_name: str, *args: Any, **kwargs: Any) -> None:
        stack = package._stacks.get(stack_name)
        if stack and str(stack.get("StackStatus", "")).endswith("FAILED"):
            attempted = engine._parse_template(stack.get("_template_body") or "{}")
            deployed = stack.get("_template") or {}
            stack["_template"] = {
                **attempted,
                **deployed,
                "Resources": {
                    **attempted.get("Resources", {}),
                    **deployed.get("Resources", {}),
                },
            }
        await delete(stack_name, *args, **kwargs)

    stacks._delete_stack_async = delete_stack
    _module(f"{_CLOUDFORMATION}.handlers")._delete_stack_async = delete_stack


@contextlib.contextmanager
def acting_as(account_id: str, region: str) -> Iterator[None]:
    """Let a block reach into the emulator as an account in a Region."""
    with _module("ministack.core.responses").request_scope(account_id, region):
        yield
