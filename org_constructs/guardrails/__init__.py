"""Guardrails: rules of an organization as typed values, one file each.

A public name is the class of the module whose name it is in CamelCase: `RegionDeny` is in
`region_deny.py`. It is found by listing this folder, and loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

# begin: written by scripts/generate_exports.py
if TYPE_CHECKING:
    from ._guardrail import Guardrail
    from .deny_close_account import DenyCloseAccount
    from .deny_leave_organization import DenyLeaveOrganization
    from .deny_root_user import DenyRootUser
    from .protect_cloud_trail import ProtectCloudTrail
    from .region_deny import RegionDeny

__all__ = [
    "DenyCloseAccount",
    "DenyLeaveOrganization",
    "DenyRootUser",
    "Guardrail",
    "ProtectCloudTrail",
    "RegionDeny",
]
# end: written by scripts/generate_exports.py

if not TYPE_CHECKING:
    # Hidden from type checkers, for which any misspelt name would be right.

    def _modules() -> dict[str, str]:
        import pkgutil

        found = {"Guardrail": "_guardrail"}
        for module in pkgutil.iter_modules(__path__):
            if not module.name.startswith("_"):
                found["".join(word.capitalize() for word in module.name.split("_"))] = module.name
        return found

    def __getattr__(name: str) -> object:
        from importlib import import_module

        modules = {} if name.startswith("_") else _modules()
        if name not in modules:
            from difflib import get_close_matches

            close = get_close_matches(name, modules, n=1)
            hint = f"; did you mean '{close[0]}'" if close else ""
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}", name=name)
        value = getattr(import_module(f".{modules[name]}", __name__), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *_modules()})
