"""What the handlers of the five resource types share: calls, retries, errors, tags.

Evidence is named as in the rules themselves: *handler* is AWS's published handler (June 2025),
*schema* the registered resource schema, *documentation* AWS's user guides, *inference* what
follows from them without being stated.
"""

from __future__ import annotations

import abc
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from org_constructs.rehearsal.backend import OPERATIONS, ApiError, Organizations

from .side_by_side import SIDE_BY_SIDE, Writer, conflict_with

Properties = Mapping[str, Any]

# Handler: attempts after the first, and the first delay in seconds, doubled each time. The jitter
# of up to half the delay is left out: it would only make runs differ.
_RETRIES = 2
_RETRY_DELAY = 15.0
_BUSY = {"ConcurrentModificationException", "ServiceException", "TooManyRequestsException"}
# Only calls about policies are refused with the fourth.
_RETRIABLE = _BUSY | {"PolicyChangesInProgressException"}

# Handler: the SDK's client makes three more attempts, up to 5 seconds apart, 10 when throttled. It
# draws the delays; these are the least ones, so that runs are alike.
_CLIENT_DELAYS = (0.5, 1.0, 2.0)

# Handler: how an error of the API becomes one of CloudFormation's.
_HANDLER_CODES = {
    "AccessDeniedException": "AccessDenied",
    "AccessDeniedForDependencyException": "AccessDenied",
    "AccountAlreadyClosedException": "NotFound",
    "AccountNotFoundException": "NotFound",
    "AlreadyInOrganizationException": "AlreadyExists",
    "AWSOrganizationsNotInUseException": "NotFound",
    "ChildNotFoundException": "NotFound",
    "ConcurrentModificationException": "ResourceConflict",
    "ConflictException": "InvalidRequest",
    "ConstraintViolationException": "ServiceLimitExceeded",
    "CreateAccountStatusNotFoundException": "NotFound",
    "DestinationParentNotFoundException": "InvalidRequest",
    "DuplicateAccountException": "InternalFailure",
    "DuplicateOrganizationalUnitException": "AlreadyExists",
    "DuplicatePolicyAttachmentException": "InternalFailure",
    "DuplicatePolicyException": "AlreadyExists",
    "FinalizingOrganizationException": "InvalidRequest",
    "InvalidInputException": "InvalidRequest",
    "MalformedPolicyDocumentException": "InvalidRequest",
    "OrganizationNotEmptyException": "InvalidRequest",
    "OrganizationalUnitNotEmptyException": "InvalidRequest",
    "OrganizationalUnitNotFoundException": "NotFound",
    "ParentNotFoundException": "NotFound",
    "PolicyChangesInProgressException": "ResourceConflict",
    "PolicyInUseException": "InvalidRequest",
    "PolicyNotAttachedException": "InternalFailure",
    "PolicyNotFoundException": "NotFound",
    "PolicyTypeNotAvailableForOrganizationException": "InvalidRequest",
    "PolicyTypeNotEnabledException": "InvalidRequest",
    "ResourcePolicyNotFoundException": "NotFound",
    "RootNotFoundException": "NotFound",
    "ServiceException": "ServiceInternalError",
    "SourceParentNotFoundException": "InvalidRequest",
    "TargetNotFoundException": "NotFound",
    "TooManyRequestsException": "Throttling",
    "UnsupportedAPIEndpointException": "InvalidRequest",
}


class HandlerError(Exception):
    """A handler failed, as CloudFormation reports it.

    Attributes:
        code: the HandlerErrorCode, such as `AlreadyExists`.
        left_behind: the id of what the handler had created before it failed, which CloudFormation
            knows and deletes in the next operation of the stack, unless it is retained.
    """

    def __init__(self, code: str, message: str, *, left_behind: str | None = None) -> None:
        super().__init__(
            f'Resource handler returned message: "{message}" (HandlerErrorCode: {code})'
        )
        self.code = code
        self.left_behind = left_behind


def handler_error(error: ApiError, *, left_behind: str | None = None) -> HandlerError:
    """Return the failure that an error of the API becomes."""
    code = _HANDLER_CODES.get(error.code, "GeneralServiceException")
    return HandlerError(code, error.message, left_behind=left_behind)


class Api:
    """The API of Organizations as a handler uses it, on behalf of the stack's account.

    One of these lives as long as one handler works on one resource.

    Args:
        organizations: the service.
        account_id: the account of the stack.
        refusal: why CloudFormation's role may not make a call, or None.
        writers_before: asked once, at the first write: the resources that are written side by
            side with this one and come first (see `Waves`).
    """

    def __init__(
        self,
        organizations: Organizations,
        account_id: str,
        refusal: Callable[[str], ApiError | None] = lambda _operation: None,
        writers_before: Callable[[str], Sequence[Writer]] = lambda _operation: (),
    ) -> None:
        self._organizations = organizations
        self._account_id = account_id
        self._refusal = refusal
        self._writers_before = writers_before
        self._waiting_for: list[Writer] | None = None
        self._met_account = False
        self._retries: Counter[str] = Counter()

    @property
    def partition(self) -> str:
        """The partition in which the stack is."""
        return self._organizations.settings.partition

    def try_call(self, operation: str, **params: Any) -> dict[str, Any]:
        """Make one call and let the API's error through.

        Handler: the SDK's client repeats what AWS is too busy for, reads included.
        """
        for delay in _CLIENT_DELAYS:
            try:
                return self._send(operation, params)
            except ApiError as error:
                if error.code not in _BUSY or error.reason == SIDE_BY_SIDE:
                    raise
                # Handler: twice as long when it is throttled.
                throttled = error.code == "TooManyRequestsException"
                self.sleep(2 * delay if throttled else delay)
        return self._send(operation, params)

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        """Make one call once; its error is the handler's failure."""
        try:
            return self.try_call(operation, **params)
        except ApiError as error:
            raise handler_error(error) from error

    def create(self, operation: str, **params: Any) -> dict[str, Any]:
        """Make the creating call and let the API's error through.

        Handler: the SDK's client repeats it, the handler does not. Inference: the client's four
        attempts, a few seconds together, outlast one other writer, but not an account in creation.
        """
        try:
            return self.try_call(operation, **params)
        except ApiError as error:
            if error.reason != SIDE_BY_SIDE or self._outlives(operation):
                raise
            self.sleep(sum(_CLIENT_DELAYS))
            return self.try_call(operation, **params)

    def _outlives(self, operation: str) -> bool:
        """Tell whether another writer takes longer than the client's patience."""
        return operation == "CreateAccount" and self._met_account

    def write(self, operation: str, **params: Any) -> dict[str, Any]:
        """Make a write that the handler repeats when AWS is busy, and let other errors through.

        Handler: all writes but the creating call itself are repeated in this way, twice for each
        operation, however many calls of it a resource makes.
        """
        while True:
            try:
                return self.try_call(operation, **params)
            except ApiError as error:
                if error.code not in _RETRIABLE or self._retries[operation] == _RETRIES:
                    raise
                self.sleep(_RETRY_DELAY * 2 ** self._retries[operation])
                self._retries[operation] += 1

    def _send(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        refusal = self._refusal(operation) or self._conflict(operation)
        return self._organizations.call(operation, params, self._account_id, refusal=refusal)

    def _conflict(self, operation: str) -> ApiError | None:
        """Return the conflict with the next writer that comes first, or None when it is our turn."""
        if OPERATIONS[operation].read:
            return None
        if self._waiting_for is None:
            self._waiting_for = list(self._writers_before(operation))
            self._met_account = any(w.operation == "CreateAccount" for w in self._waiting_for)
        return conflict_with(self._waiting_for.pop(0)) if self._waiting_for else None

    def existing(self, operation: str, key: str, **params: Any) -> list[dict[str, Any]]:
        """List what exists before something is created.

        Handler: the pre-existence check drops an error of its list and goes on to create.
        """
        try:
            return self.all(operation, key, **params)
        except HandlerError:
            return []

    def all(self, operation: str, key: str, **params: Any) -> list[dict[str, Any]]:
        """Return the elements of all pages of a list."""
        items: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            answer = self.call(operation, **params, **token)
            items.extend(answer[key])
            if "NextToken" not in answer:
                return items
            token = {"NextToken": answer["NextToken"]}

    def now(self) -> float:
        """Return the time on the clock of the embedded AWS."""
        return self._organizations.clock.now()

    def sleep(self, seconds: float) -> None:
        """Let time pass: the clock is moved, nobody waits."""
        self._organizations.clock.advance(seconds)


@dataclass(frozen=True, slots=True)
class Created:
    """A resource that exists: its physical id and what Fn::GetAtt answers."""

    physical_id: str
    attributes: dict[str, Any]


class ResourceType(abc.ABC):
    """One resource type of CloudFormation.

    Attributes:
        name: the type's name.
        identifier: the property by which `cdk import` names a resource.
        create_only: properties whose change replaces the resource.
        readable: properties that drift detection compares.
        taggable: whether stack tags reach the resource.
    """

    name: ClassVar[str]
    identifier: ClassVar[str] = "Id"
    create_only: ClassVar[tuple[str, ...]] = ()
    readable: ClassVar[frozenset[str]]
    taggable: ClassVar[bool] = True

    @abc.abstractmethod
    def create(self, api: Api, properties: Properties) -> Created:
        """Create the resource, or raise `HandlerError`."""

    @abc.abstractmethod
    def update(
        self, api: Api, physical_id: str, old: Properties, new: Properties
    ) -> dict[str, Any]:
        """Change the resource in place and return its attributes, or raise `HandlerError`."""

    @abc.abstractmethod
    def delete(self, api: Api, physical_id: str, properties: Properties) -> None:
        """Delete the resource, or raise `HandlerError`."""

    @abc.abstractmethod
    def attributes(self, api: Api, physical_id: str) -> dict[str, Any]:
        """Return what Fn::GetAtt answers; raise `HandlerError` `NotFound` when it is gone."""

    @abc.abstractmethod
    def read(self, api: Api, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return the current properties; raise `HandlerError` `NotFound` when it is gone.

        Args:
            api: the API.
            physical_id: which resource.
            properties: the template's, whose shape the answer takes.
        """


def tag_list(properties: Properties) -> list[dict[str, str]]:
    """Return the tags that a handler sends.

    Schema: CloudFormation adds its own `aws:cloudformation:` tags to four of the types, which no
    caller of the API may set; what they look like from outside is not known, so they are left out.
    """
    return [
        {"Key": tag["Key"], "Value": str(tag["Value"])}
        for tag in properties.get("Tags") or []
        if not tag["Key"].lower().startswith("aws:")
    ]


def update_tags(api: Api, resource_id: str, old: Properties, new: Properties) -> None:
    """Bring tags from the old template's to the new one's; others are left alone.

    Handler: first removes the keys that are gone, then sets what is new or changed.
    """
    # A resource's own tag comes first and wins over the stack's.
    before = {tag["Key"]: tag["Value"] for tag in reversed(tag_list(old))}
    after = {tag["Key"]: tag["Value"] for tag in reversed(tag_list(new))}
    gone = [key for key in before if key not in after]
    changed = [
        {"Key": key, "Value": value} for key, value in after.items() if before.get(key) != value
    ]
    try:
        if gone:
            api.write("UntagResource", ResourceId=resource_id, TagKeys=gone)
        if changed:
            api.write("TagResource", ResourceId=resource_id, Tags=changed)
    except ApiError as error:
        raise handler_error(error) from error


def current_tags(api: Api, resource_id: str) -> list[dict[str, str]]:
    """Return the tags that a resource has."""
    tags = api.all("ListTagsForResource", "Tags", ResourceId=resource_id)
    return [{"Key": tag["Key"], "Value": tag["Value"]} for tag in tags]


def require(properties: Properties, names: Iterable[str], what: str) -> None:
    """Refuse a resource that lacks a required property.

    Raises:
        HandlerError: `InvalidRequest`.
    """
    missing = [name for name in names if properties.get(name) in (None, "")]
    if missing:
        raise HandlerError("InvalidRequest", f"{what} cannot be created without {missing[0]}!")
