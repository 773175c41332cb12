"""The fixture `embedded_aws` in a project that is not this one."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

from org_constructs.rehearsal.backend import Fault
from org_constructs.rehearsal.backend.faults import Effect

CONFTEST = "from org_constructs.testing import embedded_aws\n\n__all__ = ['embedded_aws']\n"
TESTS = textwrap.dedent(
    """
    import os
    import pathlib

    import pytest

    from org_constructs.rehearsal import EmbeddedAws

    seen = []


    @pytest.mark.parametrize("time", ["first", "second"])
    def test_each_begins_empty(embedded_aws: EmbeddedAws, time: str) -> None:
        client = embedded_aws.client("organizations")
        with pytest.raises(client.exceptions.AWSOrganizationsNotInUseException):
            client.describe_organization()
        client.create_organization()
        member = embedded_aws.client("organizations", account_id="222222222222")
        with pytest.raises(member.exceptions.AWSOrganizationsNotInUseException):
            member.describe_organization()
        assert embedded_aws.configure().write_seconds == 0
        embedded_aws.configure(write_seconds=0.001)
        embedded_aws.act_as("333333333333", "eu-west-1")
        seen.append(embedded_aws)


    def test_one_server_serves_all(embedded_aws: EmbeddedAws) -> None:
        assert [aws is embedded_aws for aws in seen] == [True, True]
        assert embedded_aws.account_id == "111111111111"
        assert embedded_aws.environment()["AWS_ACCESS_KEY_ID"] == "111111111111"
        pathlib.Path(os.environ["PID_FILE"]).write_text(str(embedded_aws.pid))
    """
)


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of a project as its user would, without what this project sets."""
    environment = {"PATH": str(Path(sys.executable).parent), "PID_FILE": str(project / "pid")}
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-W",
            "error",
            "-p",
            "no:xdist",
            "-p",
            "no:randomly",
            *arguments,
        ],
        cwd=project,
        env=environment,
        capture_output=True,
        check=False,
        text=True,
    )


def test_a_project_uses_it(tmp_path: Path) -> None:
    """One import; each test gets an empty AWS, all of them one server, which ends with pytest."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    (tmp_path / "conftest.py").write_text(CONFTEST, "utf-8")
    (tmp_path / "test_app.py").write_text(TESTS, "utf-8")
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
    pid = (tmp_path / "pid").read_text("utf-8")
    left = subprocess.run(["ps", "-p", pid], capture_output=True, check=False)
    assert left.returncode == 1


def documented(name: str) -> str:
    """Return a file that the how-to shows."""
    page = Path(__file__).parents[2] / "docs/how-to/test-with-the-embedded-aws.md"
    return re.findall(rf"```py\n(# {name}\n.*?)```", page.read_text("utf-8"), re.DOTALL)[0]


def test_the_documented_project_passes(tmp_path: Path) -> None:
    """As it stands on the page."""
    for name in ("conftest.py", "test_inventory.py"):
        (tmp_path / name).write_text(documented(name), "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_documented_faults_can_be() -> None:
    """Every one of the page's table is read."""
    page = Path(__file__).parents[2] / "docs/how-to/test-with-the-embedded-aws.md"
    specs = re.findall(r"^\| `([^`]+)` \|", page.read_text("utf-8"), re.MULTILINE)
    assert len(specs) == 9
    assert {Fault.parse(spec).effect for spec in specs} == set(Effect)


def test_importing_the_room_needs_neither_pytest_nor_the_emulator() -> None:
    """Only using the fixture does, and then the missing one is named."""
    script = textwrap.dedent(
        """
        import sys
        import org_constructs.testing
        print([name for name in ("pytest", "ministack", "aws_cdk", "boto3") if name in sys.modules])
        sys.modules["pytest"] = None
        try:
            from org_constructs.testing import embedded_aws
        except ImportError as error:
            print("pytest" in str(error))
        try:
            org_constructs.testing.nothing
        except AttributeError as error:
            print(error)
        print(dir(org_constructs.testing) == org_constructs.testing.__all__)
        """
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert answer.stdout.decode().splitlines() == [
        "[]",
        "True",
        "module 'org_constructs.testing' has no attribute 'nothing'",
        "True",
    ]
