"""Policies of an organization: any type as JSON, service control policies as typed guardrails."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast, runtime_checkable

import aws_cdk as cdk
from aws_cdk import aws_organizations as organizations
from aws_cdk.interfaces import aws_organizations as refs
from constructs import Construct

from ._order import OrderStage, Position
from ._registry import Item, Place, Tracked, place_of, remember, stacks_behind
from ._render import is_token, plain, tag_list
from ._target import PolicyTarget, Target, kind_of, resolve_targets
from .guardrails import Guardrail
from .guardrails._compose import Composition, compose
from .model.errors import OrgError
from .model.identifiers import check_construct_id, check_policy_id
from .policies import PolicyType, check_policy_type

_NAME_LENGTH = 128
_DESCRIPTION_LENGTH = 512


class _CfnPolicy(Tracked, organizations.CfnPolicy):
    """The L1, watched for dependencies that user code adds."""


@runtime_checkable
class IPolicy(Protocol):
    """A policy of the organization, declared here or existing."""

    @property
    def policy_id(self) -> str:
        """Id of the policy, such as `p-12345678`."""
        ...

    @property
    def policy_ref(self) -> refs.PolicyReference:
        """Reference for constructs that take any policy."""
        ...


class Policy(Tracked, cdk.Resource):
    """Define a policy of any type of AWS Organizations.

    Args:
        scope: where the policy belongs; its stack deploys it.
        id: stable id, part of its logical id.
        type: the policy's type, such as `PolicyType.SERVICE_CONTROL_POLICY`; another type is
            another policy, because CloudFormation replaces it.
        content: the document as a JSON object. A string is refused: white space would count
            against the quota and drift could not be detected.
        targets: root, OUs or accounts; containers and accounts never in one policy, because
            they take different places in the chain of writes.
        name: 1 to 128 characters, unique for its type; built from the id by default.
        description: at most 512 characters.
        tags: tags of the policy.
        removal_policy: what happens when the code goes; deleted by default.

    Raises:
        OrgError: `ORG005` id, `ORG009` content, `ORG011` targets, `ORG012` tags,
            `ORG014` name or description, `ORG110` mixed targets.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-organizations-policy.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        type: PolicyType | str,
        content: Mapping[str, Any],
        targets: Sequence[Target] = (),
        name: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        removal_policy: cdk.RemovalPolicy | None = None,
    ) -> None:
        check_construct_id(id)
        place = place_of(scope).child(id)
        if not is_token(type):
            check_policy_type(type)
        name = policy_name(place) if name is None else name
        _check_texts(place, name, description)
        if not isinstance(content, Mapping):
            raise OrgError(
                "ORG009",
                f"'{place.path}': content is {kind_of(content)}, not a JSON object; give a mapping, "
                "such as json.loads(text)",
            )
        rendered = plain(content, where=f"'{place.path}': content")
        resolved = resolve_targets(targets, place, {})
        tag_values = tag_list(tags, where=f"'{place.path}'")
        super().__init__(scope, id)
        remember(self, place)
        self._place = place
        self._sizes: dict[str, int] = {}
        self._guardrails: tuple[Guardrail, ...] = ()
        self._targets = resolved
        self._resource = _CfnPolicy(
            self,
            "Resource",
            target_ids=self._target_ids() if targets else None,
            type=str(type),
            content=rendered,
            name=name,
            description=description,
            tags=tag_values,
        )
        self._has_removal_policy = removal_policy is not None
        if removal_policy is not None:
            self._resource.apply_removal_policy(removal_policy)
        self._item = place.registry.add(
            Item(
                l1=self._resource,
                owner=self,
                place=place,
                position=Position(OrderStage.UNTARGETED_POLICY, place.ids, place.path),
            )
        )
        place.registry.note_source(place.path)
        self._take_place()

    @classmethod
    def from_policy_id(cls, scope: Construct, id: str, policy_id: str) -> IPolicy:
        """Refer to a policy that exists.

        It can be passed where a policy is read, not attached: this app does not own it.

        Raises:
            OrgError: `ORG004` when `policy_id` is a literal that is not the id of a policy.
        """
        if not is_token(policy_id):
            check_policy_id(policy_id)
        return _ImportedPolicy(scope, id, policy_id)

    @property
    def policy_id(self) -> str:
        """Id of the policy."""
        return self._resource.attr_id

    @property
    def policy_arn(self) -> str:
        """ARN of the policy."""
        return self._resource.attr_arn

    @property
    def policy_aws_managed(self) -> cdk.IResolvable:
        """Whether AWS manages the policy; false for every policy of an app."""
        return self._resource.attr_aws_managed

    @property
    def policy_ref(self) -> refs.PolicyReference:
        """Reference for constructs that take any policy."""
        return self._resource.policy_ref

    @property
    def guardrail_sizes(self) -> Mapping[str, int]:
        """Characters of each guardrail in the document, by guardrail id; empty for other content."""
        return dict(self._sizes)

    @property
    def unlisted_regions(self) -> frozenset[str]:
        """Regions that its guardrails name as newer than the library's data."""
        return frozenset(
            region
            for guardrail in self._guardrails
            for region in getattr(guardrail, "unlisted_regions", ())
        )

    @property
    def retained_by_default(self) -> bool:
        """Whether it stays where policies are retained: it says nothing else itself."""
        return not self._has_removal_policy

    def retain_by_default(self) -> None:
        """Keep the policy in force when its code goes, unless it says otherwise itself."""
        if not self._has_removal_policy:
            self._resource.apply_removal_policy(cdk.RemovalPolicy.RETAIN)

    def _add_target(self, target: Target) -> None:
        self._place.registry.refuse_when_finished(self._place.path)
        self._targets = resolve_targets([target], self._place, self._targets)
        self._resource.target_ids = self._target_ids()
        self._take_place()

    def _target_ids(self) -> list[str]:
        # By path: tokens are numbered in the order of declaration, which must not show.
        return sorted(self._targets, key=self._target_path)

    def _target_path(self, target_id: str) -> str:
        target = self._targets[target_id]
        if isinstance(target, PolicyTarget):
            return target._place.path  # noqa: SLF001
        return cast("Construct", target).node.path

    def _take_place(self) -> None:
        """Find the policy's place in the chain from what it is attached to."""
        owned = [t for t in self._targets.values() if isinstance(t, PolicyTarget)]
        items = [t._item for t in owned if t._item is not None]  # noqa: SLF001
        self._item.needs = items
        self._item.stacks_needed = [
            *(t._place.stack for t in owned),  # noqa: SLF001
            *(
                stack
                for target_id, target in self._targets.items()
                if not isinstance(target, PolicyTarget) or target._item is None  # noqa: SLF001
                for stack in stacks_behind(target_id)
            ),
        ]
        places = [t._policy_position for t in owned]  # noqa: SLF001
        accounts = [ids for stage, ids in places if stage is OrderStage.ACCOUNT]
        if accounts:
            # After the last of its accounts: an account's own policies follow the account.
            self._item.position = Position(
                OrderStage.ACCOUNT, max(accounts), self._place.path, rank=1
            )
        elif self._targets:
            self._item.position = Position(
                OrderStage.CONTAINER_POLICY, self._place.ids, self._place.path
            )


class ServiceControlPolicy(Policy):
    """Define a service control policy: from guardrails, or from a document of your own.

    Guardrails that belong to one root, OU or account are attached there. Declare a policy of its
    own to share guardrails over many targets, or to split what would not fit into one policy.

    Args:
        scope: where the policy belongs.
        id: stable id, part of its logical id.
        guardrails: typed values, in any order; not together with `content`.
        content: the document as a JSON object; not together with `guardrails`.
        targets: root and OUs, or accounts.
        name: 1 to 128 characters; built from the id by default.
        description: at most 512 characters; lists the guardrails by default.
        tags: tags of the policy.
        removal_policy: what happens when the code goes; deleted by default.

    Raises:
        OrgError: as `Policy`; also `ORG009` when not just one of guardrails and content is
            given, `ORG113` for two different guardrails with one Sid.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        guardrails: Sequence[Guardrail] | None = None,
        content: Mapping[str, Any] | None = None,
        targets: Sequence[Target] = (),
        name: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        removal_policy: cdk.RemovalPolicy | None = None,
    ) -> None:
        composition: Composition | None = None
        if guardrails is not None:
            composition = compose(guardrails, where=f"service control policy '{id}'")
        if (composition is None) == (content is None):
            raise OrgError(
                "ORG009", f"service control policy '{id}': give either guardrails or content"
            )
        if composition is not None:
            if not composition.guardrails:
                raise OrgError(
                    "ORG009",
                    f"service control policy '{id}': guardrails is empty; name at least one",
                )
            content = composition.content
            description = composition.description if description is None else description
        super().__init__(
            scope,
            id,
            type=PolicyType.SERVICE_CONTROL_POLICY,
            content=cast("Mapping[str, Any]", content),
            targets=targets,
            name=name,
            description=description,
            tags=tags,
            removal_policy=removal_policy,
        )
        if composition is not None:
            self._sizes = composition.sizes
            self._guardrails = composition.guardrails
        self._place.registry.policies[self._place.path] = self


class _ImportedPolicy(cdk.Resource):
    """A policy that this app does not own."""

    def __init__(self, scope: Construct, id: str, policy_id: str) -> None:
        check_construct_id(id)
        super().__init__(scope, id)
        self._policy_id = policy_id

    @property
    def policy_id(self) -> str:
        """Id of the policy."""
        return self._policy_id

    @property
    def policy_ref(self) -> refs.PolicyReference:
        """Reference for constructs that take any policy."""
        return refs.PolicyReference(policy_id=self._policy_id, policy_arn="")


def policy_name(place: Place) -> str:
    """Return a policy's default name: a readable part and eight characters of its path's hash."""
    ids = place.ids if place.ids[-1] != "Guardrails" else place.ids[:-1]
    digest = hashlib.sha256(place.lasting_path.encode()).hexdigest()[:8]
    return f"{'-'.join(ids[-2:])[: _NAME_LENGTH - 9]}-{digest}"


def _check_texts(place: Place, name: str, description: str | None) -> None:
    if not is_token(name) and (
        not isinstance(name, str)
        or not 1 <= len(name.strip()) <= _NAME_LENGTH
        or len(name) > _NAME_LENGTH
    ):
        raise OrgError(
            "ORG014",
            f"'{place.path}': name {name!r} does not have 1 to {_NAME_LENGTH} characters",
        )
    if description is not None and not isinstance(description, str):
        raise OrgError("ORG014", f"'{place.path}': description {description!r} is not a string")
    if (
        description is not None
        and not is_token(description)
        and len(description) > _DESCRIPTION_LENGTH
    ):
        raise OrgError(
            "ORG014",
            f"'{place.path}': description has {len(description)} characters, at most "
            f"{_DESCRIPTION_LENGTH} are allowed; shorten it",
        )
