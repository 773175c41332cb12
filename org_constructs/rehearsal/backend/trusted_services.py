"""AWS services that integrate with Organizations, as dated data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedService:
    """A service that can get trusted access.

    Attributes:
        principal: its service principal.
        delegated_administrators: whether member accounts can administer it.
        most_delegated_administrators: how many at once, when AWS states it.
    """

    principal: str
    delegated_administrators: bool
    most_delegated_administrators: int | None


@cache
def trusted_services() -> Mapping[str, TrustedService]:
    """Return the services that AWS documents, by service principal."""
    return {
        principal: TrustedService(
            principal=principal,
            delegated_administrators=entry["delegated_administrators"],
            most_delegated_administrators=entry.get("most_delegated_administrators"),
        )
        for principal, entry in _data()["services"].items()
    }


@cache
def services_of_policy_types() -> Mapping[str, str]:
    """Return the service principal that needs trusted access before a policy type is enabled."""
    return {name: entry["service"] for name, entry in _data()["policy_types"].items()}


@cache
def _data() -> dict[str, Any]:
    path = resources.files(__package__).joinpath("data/trusted_services.json")
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return data
