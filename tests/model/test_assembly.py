"""Cloud assemblies: stacks in the order of deployment, with environment and construct paths."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from org_constructs.model.assembly import read_assembly
from org_constructs.model.errors import OrgError


def _artifact(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "type": "aws:cloudformation:stack",
        "environment": "aws://246813579024/us-east-1",
        "properties": {"templateFile": f"{name}.template.json"},
        "displayName": name,
        **changes,
    }


def _write(folder: Path, artifacts: dict[str, Any], **files: Any) -> Path:
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}), "utf-8")
    for name, artifact in artifacts.items():
        file = artifact.get("properties", {}).get("templateFile")
        if file:
            template = files.get(name, {"Resources": {name: {"Type": "T"}}})
            (folder / file).write_text(json.dumps(template), "utf-8")
    return folder


def test_stacks_in_order_of_deployment(tmp_path: Path) -> None:
    """A stack comes after those that it needs, else by id; other artifacts are left out."""
    artifacts = {
        "B": _artifact("B"),
        "A": _artifact("A", dependencies=["C", "A.assets"]),
        "C": _artifact("C", dependencies=["B"]),
        "Tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}},
    }
    assembly = read_assembly(_write(tmp_path, artifacts))
    assert [stack.id for stack in assembly.stacks] == ["B", "C", "A"]
    assert assembly.by_id["A"].needs == ("C", "A.assets")


def test_stacks_that_need_each_other(tmp_path: Path) -> None:
    """A circle of stacks, which CDK refuses itself, does not keep the reader from ending."""
    artifacts = {"A": _artifact("A", dependencies=["B"]), "B": _artifact("B", dependencies=["A"])}
    assert len(read_assembly(_write(tmp_path, artifacts)).stacks) == 2


@pytest.mark.parametrize(
    ("environment", "account", "region"),
    [
        ("aws://246813579024/us-east-1", "246813579024", "us-east-1"),
        ("aws://unknown-account/unknown-region", None, None),
        ("aws://246813579024/unknown-region", "246813579024", None),
        ("aws://unknown-account/us-east-1", None, "us-east-1"),
        ("", None, None),
    ],
)
def test_environment(
    tmp_path: Path, environment: str, account: str | None, region: str | None
) -> None:
    """An account or Region that only deployment knows is None."""
    stack = read_assembly(_write(tmp_path, {"A": _artifact("A", environment=environment)})).stacks[
        0
    ]
    assert (stack.account, stack.region) == (account, region)


def test_names_and_paths(tmp_path: Path) -> None:
    """A stack has its own name, and the path of its construct in a Stage."""
    artifact = _artifact("Live-Org", displayName="Live/Org (Live-Org)")
    artifact["properties"]["stackName"] = "Live-Org"
    stack = read_assembly(_write(tmp_path, {"LiveOrg": artifact})).stacks[0]
    assert (stack.id, stack.name, stack.path) == ("LiveOrg", "Live-Org", "Live/Org")
    assert stack.template_path == str(tmp_path / "Live-Org.template.json")


def test_construct_paths(tmp_path: Path) -> None:
    """Paths come from the manifest, its metadata file, the template, or the logical id."""
    entry = [{"type": "aws:cdk:logicalId", "data": "Inline"}, {"type": "other", "data": "x"}]
    artifact = _artifact(
        "A",
        metadata={"/A/Inline/Resource": entry},
        additionalMetadataFile="A.metadata.json",
    )
    template = {
        "Resources": {
            "Inline": {},
            "Filed": {},
            "Marked": {"Metadata": {"aws:cdk:path": "A/Marked/Resource"}},
            "Bare": {},
            "L1": {},
        }
    }
    _write(tmp_path, {"A": artifact}, A=template)
    filed = {
        "/A/Filed/Resource": [{"type": "aws:cdk:logicalId", "data": "Filed"}],
        "/A/L1": [{"type": "aws:cdk:logicalId", "data": "L1"}],
    }
    (tmp_path / "A.metadata.json").write_text(json.dumps(filed), "utf-8")
    stack = read_assembly(tmp_path).stacks[0]
    assert {id: stack.id_path(id) for id in stack.resources} == {
        "Inline": "A/Inline",
        "Filed": "A/Filed",
        "Marked": "A/Marked",
        "Bare": "A/Bare",
        "L1": "A/L1",
    }
    assert stack.id_path("Unheard") == "A/Unheard"


def test_fails_without_a_manifest(tmp_path: Path) -> None:
    """A folder that is no assembly is refused with what to give."""
    with pytest.raises(OrgError, match=r"cannot be read .*give the folder that `cdk synth`") as e:
        read_assembly(tmp_path)
    assert e.value.code == "ORG016"
    assert read_assembly(_write(tmp_path, {})).stacks == ()


def test_fails_for_a_broken_template(tmp_path: Path) -> None:
    """A template that is no JSON is named."""
    _write(tmp_path, {"A": _artifact("A")})
    (tmp_path / "A.template.json").write_text("{", "utf-8")
    with pytest.raises(OrgError, match=r"A\.template\.json' is not JSON .*synthesize again"):
        read_assembly(tmp_path)


def test_keys(tmp_path: Path) -> None:
    """A key leads back to the stack and the logical id; nothing else does."""
    artifact = _artifact("A", properties={"templateFile": "A.template.json", "stackName": "named"})
    assembly = read_assembly(_write(tmp_path, {"A": artifact}))
    stack = assembly.stacks[0]
    assert stack.key_of("Unit") == "A/Unit"
    assert assembly.locate("A/Unit") == (stack, "Unit")
    for other in ("named/Unit", "A", "Root", "ou-ab12-34cd56ef", '?{"Ref": "a/b"}'):
        assert assembly.locate(other) is None
    assert assembly.find("named", "anywhere") is stack
    assert assembly.find("A", "A/Unit") is None
    assert assembly.within(tmp_path.resolve()) == assembly
    assert assembly.within(tmp_path / "elsewhere").stacks == ()
