"""Another team's app, on the wheel that is built from here, in an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from reference_app import ROOT

pytestmark = pytest.mark.e2e

SOURCE = ROOT / "org_constructs"


@dataclass(frozen=True, kw_only=True)
class Installed:
    """The example and the environment in which it runs."""

    wheel: Path
    python: Path
    folder: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the example's folder and environment."""
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("AWS_", "PYTHON", "VIRTUAL_ENV"))
        }
        environment |= {
            "PATH": os.pathsep.join([str(self.python.parent), os.environ["PATH"]]),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_DISABLE_CLI_TELEMETRY": "1",
        }
        return subprocess.run(
            command, cwd=self.folder, env=environment, check=False, capture_output=True, text=True
        )


def _run(*command: str | Path) -> None:
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Build the wheel, install it into a fresh environment and copy the example beside it.

    Third-party packages come from the tests' environment, after the wheel. Its `.pth` files are
    not read there, so that an editable install of this repository stays unseen.
    """
    folder = tmp_path_factory.mktemp("example")
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "environment"
    _run(sys.executable, "-m", "venv", "--without-pip", environment)
    python = environment / "bin" / "python"
    install = ("install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
    _run(sys.executable, "-m", "pip", "--python", python, *install, wheel)
    packages = environment.joinpath(
        "lib", f"python{sysconfig.get_python_version()}", "site-packages"
    )
    (packages / "tests_environment.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    example = folder / "app"
    made = shutil.ignore_patterns(".*", "cdk.out", "__pycache__")
    shutil.copytree(ROOT / "examples" / "subclassing", example, ignore=made)
    return Installed(wheel=wheel, python=python, folder=example)


@pytest.fixture(scope="module")
def templates(installed: Installed) -> dict[str, dict[str, Any]]:
    """Synthesize the example with the real CDK CLI; return its templates by stack."""
    done = installed.run("cdk", "synth", "--quiet")
    assert done.returncode == 0, done.stdout + done.stderr
    return {
        file.name.removesuffix(".template.json"): json.loads(file.read_text("utf-8"))
        for file in (installed.folder / "cdk.out").glob("*.template.json")
    }


def _resources(template: dict[str, Any], type: str) -> dict[str, dict[str, Any]]:
    return {
        id: resource
        for id, resource in template["Resources"].items()
        if resource["Type"] == f"AWS::Organizations::{type}"
    }


def _sids(policy: dict[str, Any]) -> list[str]:
    return [statement["Sid"] for statement in policy["Properties"]["Content"]["Statement"]]


def test_it_runs_on_the_installed_wheel(installed: Installed) -> None:
    """The library that the example imports is the wheel's, not this repository's."""
    shown = installed.run(
        "python", "-c", "import org_constructs; print(org_constructs.__file__)"
    ).stdout.strip()
    assert Path(shown).is_relative_to(installed.python.parents[1])


def test_the_wheel_has_everything_and_nothing_else(installed: Installed) -> None:
    """All of the library: data, function sources, the marker of types; no tests, no stacks."""
    with zipfile.ZipFile(installed.wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        str(file.relative_to(ROOT))
        for file in SOURCE.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert names == expected
    assert "org_constructs/py.typed" in names
    assert "org_constructs/guardrails/data/global_services.json" in names
    assert "org_constructs/handlers/function/organization_settings/index.py" in names


def test_a_subclass_extends_the_guardrails_of_its_base(templates: dict[str, Any]) -> None:
    """Both guardrails form one policy; the subclass reads what its constructor set after super()."""
    policies = _resources(templates["ResearchTeam"], "Policy")
    (policy,) = [policy for policy in policies.values() if "RegionDeny" in _sids(policy)]
    assert _sids(policy) == ["DenyLargeInstances", "RegionDeny"]
    own = policy["Properties"]["Content"]["Statement"][0]
    assert own["Condition"]["StringNotLike"]["ec2:InstanceType"] == ["*.medium", "*.small"]


def test_a_preset_has_its_own_name(templates: dict[str, Any]) -> None:
    """A subclass of a guardrail brings its defaults and its Sid, on an OU known by its id only."""
    policies = _resources(templates["ResearchTeam"], "Policy")
    (policy,) = [policy for policy in policies.values() if _sids(policy) == ["EuropeanUnionOnly"]]
    assert policy["Properties"]["TargetIds"] == ["ou-ab12-34cd56ef"]
    condition = policy["Properties"]["Content"]["Statement"][0]["Condition"]
    assert condition["StringNotEquals"]["aws:RequestedRegion"] == ["eu-central-1", "eu-west-1"]


def test_an_ou_lies_below_one_of_another_stack(templates: dict[str, Any]) -> None:
    """Its parent is an output of the organization's stack; accounts lie in both kinds of OU."""
    (unit,) = _resources(templates["ResearchTeam"], "OrganizationalUnit").items()
    parent = json.dumps(unit[1]["Properties"]["ParentId"])
    assert '"Organization"' in parent
    assert [name for name in templates["Organization"]["Outputs"] if name in parent]
    accounts = _resources(templates["ResearchTeam"], "Account").values()
    assert sorted(json.dumps(a["Properties"]["ParentIds"]) for a in accounts) == sorted(
        [json.dumps([{"Fn::GetAtt": [unit[0], "Id"]}]), '["ou-ab12-34cd56ef"]']
    )


@pytest.mark.parametrize("stack", ["Organization", "ResearchTeam"])
def test_each_stack_is_one_chain(templates: dict[str, Any], stack: str) -> None:
    """Every organization resource but the first waits for another one: none runs beside another."""
    template = templates[stack]
    members = {
        id
        for id, resource in template["Resources"].items()
        if resource["Type"].startswith(("AWS::Organizations::", "Custom::Organization"))
    }
    waits = {id: set(template["Resources"][id].get("DependsOn", [])) & members for id in members}
    ordered: list[str] = []
    while len(ordered) < len(members):
        following = [id for id in members if waits[id] == set(ordered[-1:])]
        assert len(following) == 1, (ordered, waits)
        ordered += following


def test_the_stacks_deploy_one_after_another(
    installed: Installed,
    templates: dict[str, Any],  # noqa: ARG001 - synthesized
) -> None:
    """The assembly says that the team's stack waits for the organization's."""
    manifest = json.loads((installed.folder / "cdk.out" / "manifest.json").read_text("utf-8"))
    assert "Organization" in manifest["artifacts"]["ResearchTeam"]["dependencies"]


def test_strict_type_checking_accepts_it(installed: Installed, tmp_path: Path) -> None:
    """`mypy --strict` sees the types of the installed library and finds nothing in the example."""
    without_cdk = str(ROOT / "tests" / "mypy_without_cdk.ini")
    arguments = (
        *(sys.executable, "-m", "mypy", "--config-file", without_cdk),
        *("--python-executable", str(installed.python), "--cache-dir", str(tmp_path / "cache")),
    )
    done = installed.run(*arguments, "app.py")
    assert done.returncode == 0, done.stdout + done.stderr
    wrong = installed.folder / "wrong.py"
    wrong.write_text("from org_constructs import Organization\nOrganization(1, 2)\n", "utf-8")
    refused = installed.run(*arguments, "wrong.py")
    assert 'to "Organization" has incompatible type "int"' in refused.stdout
