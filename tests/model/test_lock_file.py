"""The lock file: written whole or not at all, read back equal, never guessed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from org_constructs.model import Lock, OrganizationModel, OrgError
from org_constructs.model.lock import LockedAccount, LockedPolicy, LockedUnit
from org_constructs.model.released import (
    Released,
    ReleasedAccount,
    ReleasedPolicy,
    ReleasedUnit,
)

TEXT = st.text(max_size=20)
PATHS = st.text(min_size=1, max_size=20)
LOCKS = st.builds(
    Lock,
    management_account_id=st.none() | st.from_regex(r"[0-9]{12}", fullmatch=True),
    organizational_units=st.dictionaries(
        PATHS, st.builds(LockedUnit, stack=TEXT, logical_id=TEXT, parent=TEXT, name=TEXT)
    ),
    accounts=st.dictionaries(
        PATHS,
        st.builds(
            LockedAccount,
            stack=TEXT,
            logical_id=TEXT,
            parent=TEXT,
            name=TEXT,
            email=TEXT,
            role_name=st.none() | TEXT,
            display_name=st.none() | TEXT,
        ),
    ),
    policies=st.dictionaries(
        PATHS,
        st.builds(
            LockedPolicy,
            stack=TEXT,
            logical_id=TEXT,
            type=TEXT,
            targets=st.lists(TEXT, max_size=3).map(tuple),
            denials=st.lists(TEXT, max_size=3).map(tuple),
            retained=st.booleans(),
        ),
    ),
    released=st.builds(
        Released,
        accounts=st.lists(
            st.builds(ReleasedAccount, path=PATHS, stack=TEXT, email=TEXT, is_pending=st.booleans())
        ).map(tuple),
        organizational_units=st.lists(
            st.builds(ReleasedUnit, path=PATHS, stack=TEXT, parent=TEXT, name=TEXT)
        ).map(tuple),
        policies=st.lists(
            st.builds(ReleasedPolicy, path=PATHS, stack=TEXT, type=TEXT, name=TEXT)
        ).map(tuple),
    ),
)


@given(LOCKS)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, lock: Lock) -> None:
    """What is written is read back equal."""
    file = tmp_path_factory.getbasetemp() / "round-trip.lock.json"
    lock.write(file)
    assert Lock.read(file) == lock


@given(LOCKS)
def test_text_is_sorted(lock: Lock) -> None:
    """Equal locks have equal text, whatever the order in which they were filled."""
    turned = Lock(
        management_account_id=lock.management_account_id,
        organizational_units=dict(reversed(list(lock.organizational_units.items()))),
        accounts=dict(reversed(list(lock.accounts.items()))),
        policies=dict(reversed(list(lock.policies.items()))),
        released=lock.released,
    )
    assert turned.to_json() == lock.to_json()
    assert lock.to_json().endswith("}\n")


def test_a_lock_of_an_older_release(tmp_path: Path) -> None:
    """A file without what later releases remember is read; one that needs it not is the same."""
    file = tmp_path / "organization.lock.json"
    policy = {"stack": "S", "logical_id": "P", "name": "p", "type": "T"}
    data = {
        "version": 1,
        "management_account_id": None,
        "organizations": {},
        "organizational_units": {},
        "accounts": {},
        "policies": {"S/P": {**policy, "targets": ["Root"], "denials": []}},
    }
    file.write_text(json.dumps(data), "utf-8")
    lock = Lock.read(file)
    assert lock is not None
    assert lock.released == Released()
    assert not lock.policies["S/P"].retained
    assert json.loads(lock.to_json()) == data


def test_no_file_is_no_lock(tmp_path: Path) -> None:
    """Before the first deployment there is no lock."""
    assert Lock.read(tmp_path / "organization.lock.json") is None


def test_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails half-way leaves the old lock as it was."""
    file = tmp_path / "organization.lock.json"
    Lock(management_account_id="246813579024").write(file)
    before = file.read_text("utf-8")

    def fail(self: Path, target: Path) -> None:
        raise OSError(f"no space for {self} to become {target}")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        Lock(management_account_id="135792468024").write(file)
    assert file.read_text("utf-8") == before


def test_write_leaves_nothing_else(tmp_path: Path) -> None:
    """After a write there is the lock alone."""
    Lock().write(tmp_path / "organization.lock.json")
    assert [f.name for f in tmp_path.iterdir()] == ["organization.lock.json"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be understood"),
        ("[]", "cannot be understood"),
        ('{"version": 1}', "restore it from version control, or write it anew with `orgctl lock`"),
        ("{}", "lock file has version None, this release reads 1; install the release that wrote"),
        ('{"version": "1"}', "has version '1'"),
    ],
)
def test_fails_for_what_is_no_lock(tmp_path: Path, text: str, message: str) -> None:
    """A lock that cannot be understood is refused, never taken for none."""
    file = tmp_path / "organization.lock.json"
    file.write_text(text, "utf-8")
    with pytest.raises(OrgError, match=message) as caught:
        Lock.read(file)
    assert caught.value.code == "ORG120"


@pytest.mark.parametrize("entry", [{"surprise": 1}, {"stack": "S"}, 7, None])
def test_fails_for_an_entry_of_another_shape(tmp_path: Path, entry: object) -> None:
    """An entry with unknown or missing keys is refused, not read in part."""
    file = tmp_path / "organization.lock.json"
    data = json.loads(Lock().to_json())
    for kind in ("organizational_units", "accounts", "policies"):
        file.write_text(json.dumps({**data, kind: {"Org/A": entry}}), "utf-8")
        with pytest.raises(OrgError, match="cannot be understood"):
            Lock.read(file)


def test_fails_for_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A binary file is refused like any other that is no lock."""
    file = tmp_path / "organization.lock.json"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OrgError, match="cannot be understood"):
        Lock.read(file)


def test_without() -> None:
    """An account or OU is let go; all else stays."""
    unit = LockedUnit(stack="S", logical_id="U", parent="Root", name="u")
    account = LockedAccount(stack="S", logical_id="A", parent="S/U", name="a", email="a.x@corp.com")
    lock = Lock(organizational_units={"S/U": unit}, accounts={"S/A": account})
    let_go = ReleasedAccount(path="S/A", stack="S", email="a.x@corp.com", is_pending=True)
    assert lock.without("S/A") == Lock(
        organizational_units={"S/U": unit}, released=Released(accounts=(let_go,))
    )
    gone = ReleasedUnit(path="S/U", stack="S", parent="Root", name="u", is_pending=True)
    assert lock.without("S/U") == Lock(
        accounts={"S/A": account}, released=Released(organizational_units=(gone,))
    )
    with pytest.raises(OrgError, match="knows no account or OU 'S/X'; known are S/A, S/U") as e:
        lock.without("S/X")
    assert e.value.code == "ORG120"
    with pytest.raises(OrgError, match="known are none"):
        Lock().without("S/X")


def test_of_templates() -> None:
    """A lock is made of the templates that are deployed."""
    template = {
        "Resources": {
            "U": {
                "Type": "AWS::Organizations::OrganizationalUnit",
                "Properties": {"Name": "u", "ParentId": "r-ab12"},
            },
            "A": {
                "Type": "AWS::Organizations::Account",
                "Properties": {
                    "AccountName": "a",
                    "Email": "A.x@corp.com",
                    "RoleName": "Admin",
                    "ParentIds": [{"Fn::GetAtt": ["U", "Id"]}],
                },
            },
            "P": {
                "Type": "AWS::Organizations::Policy",
                "Properties": {
                    "Name": "p",
                    "Type": "SERVICE_CONTROL_POLICY",
                    "Content": {"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}},
                    "TargetIds": [{"Ref": "U"}, "r-ab12"],
                },
            },
        }
    }
    lock = Lock.of(OrganizationModel.from_templates({"S": template}))
    assert lock.management_account_id is None
    assert lock.organizational_units == {
        "S/U": LockedUnit(stack="S", logical_id="U", parent="Root", name="u")
    }
    assert lock.accounts["S/A"].parent == "S/U"
    assert lock.accounts["S/A"].email == "A.x@corp.com"
    assert lock.accounts["S/A"].role_name == "Admin"
    assert lock.policies["S/P"].targets == ("Root", "S/U")
    assert len(lock.policies["S/P"].denials) == 1


AUDIT = LockedAccount(
    stack="S", logical_id="A", parent="Root", name="audit", email="audit.x@corp.com"
)


def _renamed(**properties: object) -> Lock:
    template = {
        "Resources": {
            "A": {
                "Type": "AWS::Organizations::Account",
                "Properties": {"AccountName": "audit", "Email": "audit.x@corp.com"},
            },
            "N": {
                "Type": "Custom::AccountName",
                "Properties": {"AccountId": {"Fn::GetAtt": ["A", "AccountId"]}, **properties},
            },
        }
    }
    return Lock.of(OrganizationModel.from_templates({"S": template}))


def test_a_rename_is_a_name_beside_that_of_the_creation() -> None:
    """The template keeps the first name; the setting tells the one in force."""
    assert _renamed(Name="Log archive").accounts == {
        "S/A": replace(AUDIT, display_name="Log archive")
    }
    assert _renamed(Name={"Ref": "P"}).accounts == {"S/A": AUDIT}


def test_an_account_that_was_never_renamed_has_no_field_for_it(tmp_path: Path) -> None:
    """Its entry is that of older releases, which read it and whose entries are read."""
    file = tmp_path / "organization.lock.json"
    Lock(accounts={"S/A": AUDIT}).write(file)
    entry = json.loads(file.read_text("utf-8"))["accounts"]["S/A"]
    assert set(entry) == {"stack", "logical_id", "parent", "name", "email", "role_name"}
    assert Lock.read(file) == Lock(accounts={"S/A": AUDIT})
    Lock(accounts={"S/A": replace(AUDIT, display_name="audit")}).write(file)
    entry = json.loads(file.read_text("utf-8"))["accounts"]["S/A"]
    assert (entry["name"], entry["display_name"]) == ("audit", "audit")


@pytest.mark.parametrize(
    ("fresh", "known", "kept"),
    [
        ({}, {}, {}),
        ({}, {"display_name": "b"}, {"display_name": "b"}),
        ({"display_name": "c"}, {"display_name": "b"}, {"display_name": "c"}),
        ({"name": "b"}, {}, {"display_name": "b"}),
        ({"name": "Audit"}, {}, {"display_name": "Audit"}),
        ({"name": "c"}, {"display_name": "b"}, {"display_name": "c"}),
        ({"name": '?{"Ref": "P"}'}, {"display_name": "b"}, {"display_name": "b"}),
        ({"parent": "S/U"}, {"display_name": "b"}, {"parent": "S/U", "display_name": "b"}),
        ({"name": "b", "logical_id": "B"}, {}, {"name": "b", "logical_id": "B"}),
        ({"name": "b", "stack": "T"}, {}, {"name": "b", "stack": "T"}),
    ],
    ids=[
        "nothing",
        "a setting that is gone",
        "another rename",
        "synthesized without the lock",
        "another case without the lock",
        "renamed twice without the lock",
        "an expression",
        "moved",
        "another account",
        "another stack",
    ],
)
def test_names_are_kept(fresh: dict[str, str], known: dict[str, str], kept: dict[str, str]) -> None:
    """The name of the creation is never overwritten, and a rename is never forgotten."""
    lock = Lock(accounts={"S/A": replace(AUDIT, **fresh), "S/New": AUDIT})  # type: ignore[arg-type]
    previous = Lock(accounts={"S/A": replace(AUDIT, **known), "S/Old": AUDIT})  # type: ignore[arg-type]
    assert lock.keeping_names(previous).accounts == {
        "S/A": replace(AUDIT, **kept),  # type: ignore[arg-type]
        "S/New": AUDIT,
    }


def test_names_of_another_organization_are_not_kept() -> None:
    """The same app for another management account has other accounts."""
    lock = Lock(management_account_id="135792468024", accounts={"S/A": AUDIT})
    renamed = {"S/A": replace(AUDIT, display_name="b")}
    other = Lock(management_account_id="246813579024", accounts=renamed)
    assert lock.keeping_names(other) == lock
    assert lock.keeping_names(Lock(accounts=renamed)).accounts == renamed
