"""What policies mean: decisions on requests, with their reasons.

Names are imported when first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._exemptions import Exemption, is_service_linked_role
    from ._policies import Level, NamedPolicy
    from ._syntax import (
        Condition,
        ParsedPolicy,
        ParsedStatement,
        PolicySyntaxError,
        parse_policy,
    )
    from .action_set import ActionSet
    from .catalogue import AccessLevel, Catalogue
    from .decision import (
        Decision,
        Effect,
        LevelDecision,
        Request,
        StatementReference,
        decide,
    )
    from .equivalence import (
        AtMost,
        Counterexample,
        Different,
        Equal,
        NotDecided,
        PolicySet,
        compare,
        compare_documents,
        is_at_most,
    )
    from .organization import OrganizationDecision, levels_of
    from .permissions import EffectivePermissions, PermissionMatrix, Place

__all__ = [
    "AccessLevel",
    "ActionSet",
    "AtMost",
    "Catalogue",
    "Condition",
    "Counterexample",
    "Decision",
    "Different",
    "Effect",
    "EffectivePermissions",
    "Equal",
    "Exemption",
    "Level",
    "LevelDecision",
    "NamedPolicy",
    "NotDecided",
    "OrganizationDecision",
    "ParsedPolicy",
    "ParsedStatement",
    "PermissionMatrix",
    "Place",
    "PolicySet",
    "PolicySyntaxError",
    "Request",
    "StatementReference",
    "compare",
    "compare_documents",
    "decide",
    "is_at_most",
    "is_service_linked_role",
    "levels_of",
    "parse_policy",
]

_HOMES = {
    "_exemptions": ("Exemption", "is_service_linked_role"),
    "_policies": ("Level", "NamedPolicy"),
    "_syntax": (
        "Condition",
        "ParsedPolicy",
        "ParsedStatement",
        "PolicySyntaxError",
        "parse_policy",
    ),
    "action_set": ("ActionSet",),
    "catalogue": ("AccessLevel", "Catalogue"),
    "decision": (
        "Decision",
        "Effect",
        "LevelDecision",
        "Request",
        "StatementReference",
        "decide",
    ),
    "equivalence": (
        "AtMost",
        "Counterexample",
        "Different",
        "Equal",
        "NotDecided",
        "PolicySet",
        "compare",
        "compare_documents",
        "is_at_most",
    ),
    "organization": ("OrganizationDecision", "levels_of"),
    "permissions": ("EffectivePermissions", "PermissionMatrix", "Place"),
}

# Hidden from type checkers, which would accept any misspelt name otherwise.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a public name when it is first used."""
        from importlib import import_module

        for module, names in _HOMES.items():
            if name in names:
                value = getattr(import_module(f"{__name__}.{module}"), name)
                globals()[name] = value
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        """List the public names."""
        return sorted({*globals(), *__all__})
