"""`orgctl lock`: what is deployed is written down, and let go only by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from org_constructs.cli._app import app
from org_constructs.model import Lock

ACCOUNT = "Org/Accounts/Audit"
UNIT = "Org/Organization/Root/Security"


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory, feature_flags: dict[str, Any]) -> Path:
    """Return the assembly of a small organization."""
    import aws_cdk as cdk

    from org_constructs import Organization

    folder = tmp_path_factory.mktemp("assembly") / "cdk.out"
    lock_file = str(folder.parent / "none.lock.json")
    cdk_app = cdk.App(
        outdir=str(folder), context={**feature_flags, "org-constructs:lockFile": lock_file}
    )
    env = cdk.Environment(account="246813579024", region="us-east-1")
    stack = cdk.Stack(cdk_app, "Org", env=env)
    root = Organization.from_organization_attributes(
        stack,
        "Organization",
        organization_id="o-a1b2c3d4e5",
        root_id="r-ab12",
        management_account_id="246813579024",
    ).root
    root.add_organizational_unit("Security").add_account("Audit", email="audit@corp.com")
    cdk_app.synth()
    return folder


@pytest.fixture
def lock_file(tmp_path: Path, assembly: Path) -> Path:
    """Return a lock file that `orgctl lock` has written."""
    file = tmp_path / "organization.lock.json"
    result = run("lock", str(assembly), "--file", str(file))
    assert result.exit_code == 0, result.output
    return file


def run(*arguments: str) -> Any:
    """Run `orgctl`; messages wrap at no width."""
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "1000"}, catch_exceptions=False)


def test_it_writes_what_is_deployed(lock_file: Path, assembly: Path) -> None:
    """Accounts and OUs by path; it says how many, and that the file is to be committed."""
    lock = Lock.read(lock_file)
    assert lock is not None
    assert set(lock.accounts) == {ACCOUNT}
    assert lock.accounts[ACCOUNT].email == "audit@corp.com"
    assert set(lock.organizational_units) == {UNIT}
    output = run("lock", str(assembly), "--file", str(lock_file)).output
    assert "1 accounts, 1 OUs, 0 policies; commit it" in output


def test_the_same_assembly_gives_the_same_file(lock_file: Path, assembly: Path) -> None:
    """Version control shows a change only where there is one; no half-written file is left."""
    before = lock_file.read_bytes()
    assert run("lock", str(assembly), "--file", str(lock_file)).exit_code == 0
    assert lock_file.read_bytes() == before
    assert [path.name for path in lock_file.parent.iterdir()] == [lock_file.name]


def test_the_name_of_the_creation_is_never_overwritten(lock_file: Path, assembly: Path) -> None:
    """An assembly that was synthesized without the lock names the account as the code does."""
    content = json.loads(lock_file.read_text("utf-8"))
    content["accounts"][ACCOUNT] |= {"name": "First", "display_name": "Second"}
    lock_file.write_text(json.dumps(content), "utf-8")
    assert run("lock", str(assembly), "--file", str(lock_file)).exit_code == 0
    entry = json.loads(lock_file.read_text("utf-8"))["accounts"][ACCOUNT]
    assert (entry["name"], entry["display_name"]) == ("First", "Audit")


def test_no_assembly(tmp_path: Path) -> None:
    """Without an assembly it ends with 1, says what to do, and writes nothing."""
    file = tmp_path / "organization.lock.json"
    result = run("lock", str(tmp_path / "cdk.out"), "--file", str(file))
    assert result.exit_code == 1
    assert "cdk.out" in result.output
    assert "Traceback" not in result.output
    assert not file.exists()


def test_fails_for_an_assembly_that_was_refused(
    tmp_path: Path, lock_file: Path, feature_flags: dict[str, Any]
) -> None:
    """What was refused cannot have been deployed: writing it down would disarm the refusal."""
    import aws_cdk as cdk

    from org_constructs import Root

    before = lock_file.read_bytes()
    folder = tmp_path / "refused"
    cdk_app = cdk.App(
        outdir=str(folder),
        context={**feature_flags, "org-constructs:lockFile": str(lock_file)},
    )
    env = cdk.Environment(account="246813579024", region="us-east-1")
    stack = cdk.Stack(cdk_app, "Org", env=env)
    Root.from_root_id(stack, "Root", "r-ab12").add_organizational_unit("Other")
    with pytest.raises(RuntimeError, match="ORG121"):
        cdk_app.synth()
    result = run("lock", str(folder), "--file", str(lock_file))
    assert result.exit_code == 1
    assert "was refused at synthesis" in result.output
    assert lock_file.read_bytes() == before


def test_a_broken_assembly(tmp_path: Path) -> None:
    """A folder that holds something else is refused with a message, not with a traceback."""
    (tmp_path / "manifest.json").write_text("{", "utf-8")
    result = run("lock", str(tmp_path), "--file", str(tmp_path / "organization.lock.json"))
    assert result.exit_code == 1
    assert "manifest.json" in result.output


def test_a_place_that_cannot_be_written(tmp_path: Path, assembly: Path) -> None:
    """The file and the reason are named."""
    file = tmp_path / "missing" / "organization.lock.json"
    result = run("lock", str(assembly), "--file", str(file))
    assert result.exit_code == 1
    assert f"'{file}' cannot be written" in result.output


def test_release(lock_file: Path) -> None:
    """What is let go is remembered as such; everything else stays as it was."""
    before = json.loads(lock_file.read_text("utf-8"))
    result = run("lock", "--file", str(lock_file), "--release", ACCOUNT)
    assert result.exit_code == 0, result.output
    after = json.loads(lock_file.read_text("utf-8"))
    gone = before["accounts"].pop(ACCOUNT)
    entry = {"email": gone["email"], "is_pending": True, "path": ACCOUNT, "stack": "Org"}
    assert after.pop("released") == {"accounts": [entry]}
    assert after == before


def test_release_and_deploy(lock_file: Path, assembly: Path) -> None:
    """What is let go and still declared is deployed as before; nothing is remembered of it."""
    before = lock_file.read_bytes()
    assert run("lock", "--file", str(lock_file), "--release", ACCOUNT).exit_code == 0
    assert run("lock", str(assembly), "--file", str(lock_file)).exit_code == 0
    assert lock_file.read_bytes() == before


def test_what_the_deployment_no_longer_has(lock_file: Path, assembly: Path) -> None:
    """What the lock had and the deployed assembly has not is remembered as let go."""
    data = json.loads(lock_file.read_text("utf-8"))
    data["accounts"]["Org/Accounts/Old"] = {**data["accounts"][ACCOUNT], "email": "old@corp.com"}
    data["accounts"]["Org/Accounts/Old"]["logical_id"] = "Old"
    lock_file.write_text(json.dumps(data), "utf-8")
    assert run("lock", str(assembly), "--file", str(lock_file)).exit_code == 0
    lock = Lock.read(lock_file)
    assert lock is not None
    assert [(a.path, a.email, a.is_pending) for a in lock.released.accounts] == [
        ("Org/Accounts/Old", "old@corp.com", False)
    ]
    again = lock_file.read_bytes()
    assert run("lock", str(assembly), "--file", str(lock_file)).exit_code == 0
    assert lock_file.read_bytes() == again


def test_release_of_an_unknown_path(lock_file: Path) -> None:
    """The known paths are listed, and the file is left alone."""
    before = lock_file.read_bytes()
    result = run("lock", "--file", str(lock_file), "--release", "Org/Accounts/Adit")
    assert result.exit_code == 1
    assert "Org/Accounts/Adit" in result.output
    assert ACCOUNT in result.output
    assert lock_file.read_bytes() == before


def test_release_is_all_or_nothing(lock_file: Path) -> None:
    """One unknown path among several lets nothing go."""
    before = lock_file.read_bytes()
    arguments = ("--release", ACCOUNT, "--release", "Org/Accounts/Adit")
    assert run("lock", "--file", str(lock_file), *arguments).exit_code == 1
    assert lock_file.read_bytes() == before


def test_release_without_a_lock_file(tmp_path: Path) -> None:
    """There is nothing to let go from, and no file is made."""
    file = tmp_path / "organization.lock.json"
    result = run("lock", "--file", str(file), "--release", ACCOUNT)
    assert result.exit_code == 1
    assert f"there is no lock file '{file}'" in result.output
    assert not file.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 2}'])
def test_a_lock_file_that_cannot_be_understood(tmp_path: Path, text: str) -> None:
    """It is neither guessed at nor overwritten."""
    file = tmp_path / "organization.lock.json"
    file.write_text(text, "utf-8")
    result = run("lock", "--file", str(file), "--release", ACCOUNT)
    assert result.exit_code == 1
    assert "ORG120" in result.output
    assert file.read_text("utf-8") == text
