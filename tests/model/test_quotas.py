"""Quotas: dated data with a source, and overrides that AWS has granted."""

from __future__ import annotations

import pytest

from org_constructs.model import OrgError, default_quotas, quota


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scp_characters", 10_240),
        ("scps_per_target", 10),
        ("rcp_characters", 5_120),
        ("rcps_per_target", 5),
        ("organizational_unit_depth", 5),
    ],
)
def test_documented_values(name: str, value: int) -> None:
    """The quotas on which refusals rest are those that AWS documents."""
    assert quota(name) == value


def test_every_quota_is_complete() -> None:
    """Each has a positive value, a unit and a source; a date has ISO 8601's form."""
    for name, entry in default_quotas().items():
        assert entry.name == name
        assert entry.value > 0
        assert entry.unit
        assert entry.source
        assert entry.since is None or len(entry.since) == 10


def test_override() -> None:
    """A granted value replaces the documented one, for its name alone."""
    granted = {"scps_per_target": 20}
    assert quota("scps_per_target", granted) == 20
    assert quota("scp_characters", granted) == 10_240
    assert quota("scps_per_target") == 10


@pytest.mark.parametrize("value", [0, -1, True, 1.5, "10", None])
def test_fails_for_an_override_that_is_no_number(value: object) -> None:
    """An override is a positive integer."""
    with pytest.raises(OrgError, match="is not a positive integer") as caught:
        quota("scp_characters", {"scp_characters": value})  # type: ignore[dict-item]
    assert caught.value.code == "ORG013"


def test_fails_for_an_unknown_quota() -> None:
    """A misspelt quota is refused with those that exist, as a name and as an override."""
    with pytest.raises(OrgError, match="quota 'scp_size' is unknown; known are"):
        quota("scp_size")
    with pytest.raises(OrgError, match="quota 'scp_size' is unknown; known are"):
        quota("scp_characters", {"scp_size": 1})
