"""Which policies stand on the path to an account or OU, and what they say of a request.

AWS attaches FullAWSAccess to the root and to every OU and account where service control policies
are enabled (documentation). No template can take it away but by the setting that detaches it, so it
stands on every level here that has no such setting. That the policy type is enabled is assumed: a
policy that is declared is meant to be in force.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from org_constructs.model.errors import OrgError
from org_constructs.model.intrinsics import is_function
from org_constructs.model.organization import (
    DeclaredAccount,
    DeclaredPolicy,
    DeclaredUnit,
    OrganizationModel,
)
from org_constructs.model.stack_groups import ROOT
from org_constructs.model.unknowns import UnknownValue

from ._exemptions import Exemption
from ._explanation import explain
from ._policies import Level, NamedPolicy
from ._syntax import RCP, SCP, Kind, parse_policy
from .decision import Decision, Request, decide

FULL_AWS_ACCESS = "FullAWSAccess"

_ACCOUNT_ID_LENGTH = 12
_GUARDRAILS = "Guardrails: "
# Stands for the OUs between the root and the outermost one that is known.
_ABOVE = "?above "

Subject = str | DeclaredAccount | DeclaredUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationDecision(Decision):
    """A decision for an account of an organization, with what it does not know.

    Attributes:
        account: path of names of the account or OU that asks, or its id.
        unknowns: what the templates leave open and could change the answer.
    """

    account: str
    unknowns: tuple[UnknownValue, ...] = ()

    @property
    def is_certain(self) -> bool:
        """Whether nothing that the templates leave open could change the answer.

        Policies that were attached by somebody else to OUs above, which are not declared, are left
        out of account.
        """
        if self.allowed:
            return all(unknown.what == "place" for unknown in self.unknowns)
        unsure = {unknown.path for unknown in self.unknowns if unknown.is_of_policy}
        return not unsure or any(
            reference.path not in unsure for level in self.levels for reference in level.denied_by
        )

    @property
    def explanation(self) -> str:
        """One paragraph that names account, level, policy and statement, and what is not known."""
        # A dataclass with slots is made anew, so that super() without arguments finds it no more.
        text = f"{self.account}: {explain(self)}"
        return " ".join((text, *(f"Not known here: {unknown}." for unknown in self.unknowns)))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        found: dict[str, Any] = {"account": self.account, **Decision.to_json(self)}
        found["explanation"] = self.explanation
        found["certain"] = self.is_certain
        found["unknowns"] = [
            {"path": value.path, "what": value.what, "expression": value.expression}
            for value in self.unknowns
        ]
        return found


def levels_of(model: OrganizationModel, subject: Subject, *, kind: Kind = SCP) -> list[Level]:
    """Return the policies on the path to an account or OU: the root's first, its own last.

    Where the path leads through OUs that are not declared, one level stands for all of them, with
    FullAWSAccess only: its name says so. AWS's RCPFullAWSAccess allows everything and cannot be
    detached, so levels of resource control policies have it without its being listed.

    Args:
        model: the organization.
        subject: a declaration, a key, a name or path of names, or an id; `Root` for the root.
        kind: `SERVICE_CONTROL_POLICY` or `RESOURCE_CONTROL_POLICY`.

    Returns:
        The levels; none for the management account, which no such policy restricts.

    Raises:
        OrgError: `ORG017` or `ORG018` when nothing, or no single thing, is meant.
        PolicySyntaxError: for a policy that AWS would reject.
    """
    node = _node(model, subject)
    if node in model.management_account_ids:
        return []
    cache: dict[Any, Any] = model.evaluated
    levels: list[Level] = []
    for part in _path(model, node):
        key = (kind, part)
        if key not in cache:
            cache[key] = Level(name=_name(model, part), policies=_policies(model, part, kind))
        levels.append(cache[key])
    return levels


def decide_for(
    model: OrganizationModel,
    subject: Subject,
    request: Request,
    *,
    resource_account: Subject | None = None,
) -> OrganizationDecision:
    """Decide a request of an account; see `OrganizationModel.decide`."""
    node = _node(model, subject)
    managing = model.management_account_ids
    restricted = _has_resource_control_policies(model)
    owner = node if resource_account is None else _node(model, resource_account)
    decision = decide(
        levels_of(model, node),
        request,
        resource_levels=levels_of(model, owner, kind=RCP) if restricted else (),
        management_account=_management_account(model, node),
    )
    exemptions = decision.exemptions
    if node in managing:
        exempt = Exemption(kind=SCP, reason="the account is the management account")
        exemptions = (exempt, *exemptions)
    nodes = set() if node in managing else {node}
    if restricted and owner not in managing:
        nodes.add(owner)
    return OrganizationDecision(
        account=_name(model, node),
        request=decision.request,
        effect=decision.effect,
        levels=decision.levels,
        missing_keys=decision.missing_keys,
        exemptions=exemptions,
        of_some_resources=decision.of_some_resources,
        unknowns=_unknowns(model, frozenset(nodes)),
    )


def _has_resource_control_policies(model: OrganizationModel) -> bool:
    known: bool | None = model.evaluated.get(RCP)
    if known is None:
        known = any(policy.type == RCP for policy in model.policies.values())
        model.evaluated[RCP] = known
    return known


def _management_account(model: OrganizationModel, node: str) -> str | None:
    """Return the management account of the organization that a node belongs to, if it is known."""
    located = model.assembly.locate(node)
    own = located[0].account if located is not None else None
    if own in model.management_account_ids:
        return own
    known = list(model.management_account_ids)
    return known[0] if len(known) == 1 else None


def _node(model: OrganizationModel, subject: Subject) -> str:
    """Return the key or id of what is meant."""
    if isinstance(subject, DeclaredAccount | DeclaredUnit):
        return subject.key
    invited = model.invited(subject)
    if invited is not None:
        return invited.key
    if (
        subject in model.accounts
        or subject in model.organizational_units
        or subject in model.management_account_ids
        or model.is_root(subject)
        or subject in model.attached
    ):
        return subject
    if len(subject) == _ACCOUNT_ID_LENGTH and subject.isdigit():
        raise OrgError(
            "ORG017",
            f"account '{subject}' has no policy of its own here, and where it stands is not "
            "declared; ask for the OU that it is in, or for an account by its name",
        )
    if subject.startswith("ou-"):
        return subject
    try:
        return model.account(subject).key
    except OrgError as error:
        if error.code != "ORG017":
            raise
        try:
            return model.organizational_unit(subject).key
        except OrgError as other:
            raise (other if other.code != "ORG017" else error) from None


def _path(model: OrganizationModel, node: str) -> Iterator[str]:
    """Return the nodes from the root down to one; `?above …` stands for those in between."""
    chain = model.chain_of(node)
    if model.is_root(chain[0]):
        yield from chain
        return
    yield _root_of(model, chain)
    # The outermost node may be an expression, which stands for whatever is there itself.
    if not chain[0].startswith("?"):
        yield f"{_ABOVE}{chain[0]}"
    yield from chain


def _root_of(model: OrganizationModel, chain: tuple[str, ...]) -> str:
    """Return the root of the organization that a path whose beginning is unknown belongs to."""
    for node in chain:
        located = model.assembly.locate(node)
        if located is not None:
            return model.root_of(located[0].id)
    roots = {
        model.root_of(policy.stack_id) for node in chain for policy in model.attached.get(node, ())
    }
    return roots.pop() if len(roots) == 1 else ROOT


def _name(model: OrganizationModel, node: str) -> str:
    if model.is_root(node):
        return ROOT
    if node.startswith(_ABOVE):
        return f"whatever is between the root and {_name(model, node.removeprefix(_ABOVE))}"
    if node.startswith("?"):
        return f"a parent that is not known, {node[1:]}"
    return model.name_path(node) or node


def _policies(model: OrganizationModel, node: str, kind: Kind) -> tuple[NamedPolicy, ...]:
    own = [
        _named(model, policy, kind)
        for policy in model.attached.get(node, ())
        if policy.type == kind and not is_function(model.document_of(policy))
    ]
    has_full_access = kind == SCP and node not in model.allow_lists
    return (*([_full_access(model)] if has_full_access else ()), *own)


def _full_access(model: OrganizationModel) -> NamedPolicy:
    found: NamedPolicy | None = model.evaluated.get(FULL_AWS_ACCESS)
    if found is None:
        content = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
        }
        found = NamedPolicy(
            name=FULL_AWS_ACCESS, content=parse_policy(content, name=FULL_AWS_ACCESS)
        )
        model.evaluated[FULL_AWS_ACCESS] = found
    return found


def _named(model: OrganizationModel, policy: DeclaredPolicy, kind: Kind) -> NamedPolicy:
    """Return a declared policy, read once for all that it is attached to."""
    found: NamedPolicy | None = model.evaluated.get(policy.key)
    if found is None:
        name = policy.path if policy.name.startswith("?") else policy.name or policy.path
        content = parse_policy(model.document_of(policy), name=name, kind=kind, unknowns="keep")
        properties = model.stack_of(policy).properties_of(policy.logical_id)
        description = properties.get("Description")
        listed = description if isinstance(description, str) else ""
        guardrails = (
            listed.removeprefix(_GUARDRAILS).split(", ") if listed.startswith(_GUARDRAILS) else ()
        )
        found = NamedPolicy(name=name, content=content, path=policy.path, guardrails=guardrails)
        model.evaluated[policy.key] = found
    return found


def _unknowns(model: OrganizationModel, nodes: frozenset[str]) -> tuple[UnknownValue, ...]:
    """Return what is unknown and could change a decision about some nodes."""
    key = ("unknowns", nodes)
    if key not in model.evaluated:
        model.evaluated[key] = tuple(_find_unknowns(model, nodes))
    found: tuple[UnknownValue, ...] = model.evaluated[key]
    return found


def _find_unknowns(model: OrganizationModel, nodes: frozenset[str]) -> Iterator[UnknownValue]:
    parts = {part for node in nodes for part in _path(model, node)}
    for part in sorted(parts):
        if part.startswith(_ABOVE):
            below = part.removeprefix(_ABOVE)
            yield UnknownValue(
                path=_name(model, below), what="place", expression="which is not declared"
            )
    if not nodes or not model.unknowns:
        return
    on_path = {policy.path for part in parts for policy in model.attached.get(part, ())}
    on_path |= {model.shown(part) for part in parts}
    # Policies of other types, such as tag policies, restrict no request.
    others = {
        policy.path
        for policy in model.policies.values()
        if policy.type not in (SCP, RCP) and not policy.type.startswith("?")
    }
    for unknown in model.unknowns:
        if unknown.what in ("Name", "AccountName", "Email") or unknown.path in others:
            continue
        # What may be attached anywhere, or may be anything, counts everywhere.
        anywhere = unknown.what in ("target", "template", "resources", "result")
        if anywhere or unknown.path in on_path:
            yield unknown
