"""What the library knows of one Stage (or App): its organization resources, declared so far.

One leaf construct per Stage carries one Aspect that finishes them all when CDK synthesizes: an
Aspect on the whole tree would be visited for every construct, and a validation callback would be
too late, since Tags do not reach what is made there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

import aws_cdk as cdk
import jsii
from constructs import Construct, IConstruct

from ._render import is_token
from ._source import SourceLocation, caller, raised_at
from .contacts import AccountContacts
from .model.errors import OrgError

if TYPE_CHECKING:
    from ._order import Position
    from ._settings_handler import SettingsHandler
    from .checks import DroppedGuardrails
    from .invitation import InvitationSweep
    from .model.lock import LockedAccount
    from .policy import ServiceControlPolicy

_ATTRIBUTE = "_org_constructs_place"
_REGISTRY = "_org_constructs_registry"
_REGISTRIES = "_org_constructs_registries"
_LEAF_ID = "OrgConstructs"
# Reading or adding dependencies goes through one of these; only then are they read back.
_DEPENDENCY_NAMES = frozenset(
    {"node", "add_dependency", "add_depends_on", "add_resource_dependency", "replace_dependency"}
)
# After Tags (200) have been applied, before read-only Aspects (1000) look at the result.
_FINISH_PRIORITY = 800


class Tracked:
    """Notices that user code may have added a dependency to a construct.

    Asking every construct for its dependencies costs a call to Node each; most have none.
    """

    if not TYPE_CHECKING:

        def __getattribute__(self, name: str) -> Any:
            if name in _DEPENDENCY_NAMES:
                object.__getattribute__(self, "__dict__")["_org_constructs_touched"] = True
            return object.__getattribute__(self, name)


def untouch(construct: object) -> None:
    """Forget that the library itself has read a construct's node."""
    construct.__dict__.pop("_org_constructs_touched", None)


def is_touched(construct: object) -> bool:
    """Tell whether code has read a construct's node since it was made."""
    return "_org_constructs_touched" in construct.__dict__


@dataclass(eq=False, slots=True, kw_only=True)
class Item:
    """One organization resource: its L1, where it stands in the chain, what it needs first."""

    l1: cdk.CfnResource
    owner: Construct
    place: Place
    position: Position
    needs: list[Item] = field(default_factory=list)
    stacks_needed: list[cdk.Stack] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal found while the Stage was being finished, before templates exist."""

    code: str
    path: str
    message: str
    remedy: str
    source: SourceLocation | None


class Registry:
    """The organization resources of one Stage and what was said about them."""

    def __init__(self, stage: cdk.Stage) -> None:
        from .validation import register_plugin

        self.stage = stage
        self.items: list[Item] = []
        self.finishers: list[Finisher] = []
        self.policies: dict[str, ServiceControlPolicy] = {}
        self.dropped_guardrails: dict[str, DroppedGuardrails] = {}
        self.problems: list[Problem] = []
        self.sources: dict[str, SourceLocation] = {}
        self.acknowledged: dict[str, str] = {}
        self.quotas: dict[str, int] = {}
        self.management_account_ids: dict[str, set[str]] = {}
        self.retain_policies = False
        self.settings_handlers: dict[str, SettingsHandler] = {}
        self.sweeps: dict[str, InvitationSweep] = {}
        self.invitation_scopes: dict[str, Construct] = {}
        self.account_scopes: dict[str, Construct] = {}
        self.stack_names: dict[str, str] = {}
        self.account_paths: set[str] = set()
        self.contacts = AccountContacts()
        # Read when the first account asks.
        self.locked_accounts: Mapping[str, LockedAccount] | None = None
        self.scopes: dict[str, IConstruct] = {}
        self._stacks: set[str] = set()
        self._sealed = False
        self._finisher = _Finish(self)
        self.of_app: list[Registry] = stage.node.root.__dict__.setdefault(_REGISTRIES, [])
        self.of_app.append(self)
        register_plugin(self)

    def add(self, item: Item) -> Item:
        """Take an organization resource into the chain."""
        self.refuse_when_finished(item.place.path)
        if item.place.stack_path not in self._stacks:
            self._stacks.add(item.place.stack_path)
            self._come_last()
        self.items.append(item)
        return item

    def _come_last(self) -> None:
        """Put the leaf behind every stack: Aspects of users visit those before it finishes them."""
        self.stage.node.try_remove_child(_LEAF_ID)
        leaf = Construct(self.stage, _LEAF_ID)
        cdk.Aspects.of(leaf).add(self._finisher, priority=_FINISH_PRIORITY)

    def seal(self) -> None:
        """Refuse changes from now on: they would be lost without a word."""
        self._sealed = True

    def refuse_when_finished(self, path: str) -> None:
        """Raise when the synthesis has finished the organization already.

        Raises:
            OrgError: `ORG140`.
        """
        if self._sealed:
            raise OrgError(
                "ORG140",
                f"'{path}' is changed after the organization has been synthesized, the change would be lost; "
                "declare and attach everything before app.synth()",
            )

    def note_source(self, path: str) -> None:
        """Remember which line of the user's code declares the construct at `path`."""
        source = caller()
        if source is not None:
            self.sources[path] = source

    def report(self, error: BaseException, *, path: str, remedy: str = "") -> None:
        """Turn an exception that must not cross jsii into a refusal of this synthesis."""
        code = error.code if isinstance(error, OrgError) else "ORG000"
        text = str(error) if isinstance(error, OrgError) else f"{type(error).__name__}: {error}"
        source = raised_at(error.__traceback__) or self.sources.get(path)
        self.problems.append(Problem(code, path, text, remedy, source))

    def source_of(self, path: str) -> SourceLocation | None:
        """Return where the construct at `path`, or the nearest one around it, is declared."""
        while path:
            if path in self.sources:
                return self.sources[path]
            path = path.rpartition("/")[0]
        return None

    def finish(self) -> None:
        """Write guardrail policies, the chain and the final tags; runs once, in an Aspect."""
        from ._finish import finish

        finish(self)


class Finisher(Protocol):
    """Something that is completed at synthesis: what it needs was not known before."""

    @property
    def path(self) -> str:
        """Path of the construct that it completes."""
        ...

    def collect(self) -> None:
        """Ask user code for what belongs to it; that may declare more."""
        ...

    def finish(self) -> None:
        """Complete it."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a construct stands, known in Python without asking Node again."""

    registry: Registry
    stack: cdk.Stack
    stack_path: str
    path: str

    def child(self, id: str) -> Place:
        """Return the place of a child construct."""
        return Place(self.registry, self.stack, self.stack_path, f"{self.path}/{id}")

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids below the stack."""
        return tuple(self.path[len(self.stack_path) + 1 :].split("/"))

    @property
    def lasting_path(self) -> str:
        """The path as from the stack's name: that lasts when its construct id, or Stage, is renamed.

        What CloudFormation shall know a thing by is made from this.
        """
        known = self.registry.stack_names
        if self.stack_path not in known:
            name = self.stack.stack_name
            # A nested stack, which is refused later, has no name of its own.
            known[self.stack_path] = self.stack_path if is_token(name) else name
        return known[self.stack_path] + self.path[len(self.stack_path) :]


def place_of(scope: IConstruct) -> Place:
    """Return where `scope` stands; asks Node once per construct of the user's.

    Raises:
        OrgError: `ORG005` when `scope` is not inside a Stack.
    """
    known = getattr(scope, "__dict__", {}).get(_ATTRIBUTE)
    if known is not None:
        return cast("Place", known)
    if not isinstance(scope, Construct):
        raise OrgError(
            "ORG005", f"scope {scope!r} is not a construct; give a Stack or a construct in one"
        )
    stage = cdk.Stage.of(scope)
    try:
        stack = cdk.Stack.of(scope)
    except RuntimeError:
        stack = None
    if stage is None or stack is None:
        raise OrgError(
            "ORG005",
            f"'{scope.node.path or 'App'}' is not inside a Stack; organization resources need one",
        )
    registry = stage.__dict__.get(_REGISTRY)
    if registry is None:
        registry = Registry(stage)
        stage.__dict__[_REGISTRY] = registry
    was_touched = is_touched(scope)
    place = Place(registry, stack, stack.node.path, scope.node.path)
    if not was_touched:
        untouch(scope)
    remember(scope, place)
    registry.scopes[place.path] = scope
    return place


def remember(construct: object, place: Place) -> None:
    """Note where a construct of this library stands."""
    construct.__dict__[_ATTRIBUTE] = place


def stacks_behind(*values: object) -> list[cdk.Stack]:
    """Return the stacks whose resources the tokens in `values` refer to."""
    return [
        cdk.Stack.of(cast("Any", token).target)
        for value in values
        if is_token(value)
        for token in cdk.Tokenization.reverse_string(cast("str", value)).tokens
        if cdk.Reference.is_reference(token)
    ]


def items_by_l1(items: Iterable[Item]) -> Mapping[int, Item]:
    """Index items by the identity of their L1."""
    return {id(item.l1): item for item in items}


@jsii.implements(cdk.IAspect)
class _Finish:
    """Finishes a Stage when CDK visits the leaf."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._done = False

    def visit(self, node: IConstruct) -> None:
        """Finish once; a second synthesis of the same tree finds everything done."""
        del node
        if self._done:
            return
        self._done = True
        try:
            self._registry.finish()
        except Exception as error:  # noqa: BLE001 - an exception through jsii loses its type; a refusal does not
            self._registry.report(error, path=_LEAF_ID)
