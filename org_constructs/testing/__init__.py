"""What the tests of apps that use this library import.

- `OrganizationAssertions`: what the policies of a synthesized organization allow and deny, account
  by account. A failed assertion says which statement of which policy decides, on which level.
- `normalized_template`: a template without what changes by itself, for snapshots.
- `embedded_aws`: a pytest fixture, an embedded AWS with nothing in it. It needs pytest and the
  extra `rehearsal`; nothing else here does, because names are imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._assertions import OrganizationAssertions, TargetAssertions
    from ._embedded_aws import embedded_aws
    from ._snapshots import normalized_template

__all__ = ["OrganizationAssertions", "TargetAssertions", "embedded_aws", "normalized_template"]

_HOMES = {
    "_assertions": ("OrganizationAssertions", "TargetAssertions"),
    "_embedded_aws": ("embedded_aws",),
    "_snapshots": ("normalized_template",),
}

# Hidden from type checkers, which would accept any misspelt name otherwise.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a public name when it is first used."""
        from importlib import import_module

        for module, names in _HOMES.items():
            if name in names:
                return getattr(import_module(f"{__name__}.{module}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
