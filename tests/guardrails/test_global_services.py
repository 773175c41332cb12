"""The data behind RegionDeny: nothing that AWS exempts is denied, and every entry has evidence."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from org_constructs.guardrails import RegionDeny
from org_constructs.guardrails._global_services import exempt_actions, without_covered
from org_constructs.model.partitions import partitions
from org_constructs.policies import Document

ROOT = Path(__file__).parents[2]
DATA = ROOT / "org_constructs/guardrails/data"
PUBLISHED: dict[str, Any] = json.loads(
    (DATA / "published_region_deny_lists.json").read_text("utf-8")
)["lists"]
SERVICES: dict[str, Any] = json.loads((DATA / "global_services.json").read_text("utf-8"))


def covers(patterns: tuple[str, ...], action: str) -> bool:
    """Tell whether one of the patterns matches whatever `action` matches."""
    return any(fnmatchcase(action, pattern) for pattern in patterns)


@pytest.mark.parametrize("partition", [*partitions(), None])
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_entries_are_exempt(name: str, partition: str | None) -> None:
    """Every action that AWS itself exempts is exempt in every partition."""
    for action in PUBLISHED[name]["not_action"]:
        assert covers(exempt_actions(partition), action), action


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_lists_are_cited(name: str) -> None:
    """Each list names its pages and the day on which they were read."""
    entry = PUBLISHED[name]
    assert entry["source"]
    assert all(
        url.startswith(("https://docs.aws", "https://github.com/aws-")) for url in entry["source"]
    )
    assert entry["read_on"] == "2026-11-23"
    assert entry["not_action"] == sorted(set(entry["not_action"]))


def test_sizes_of_the_published_lists() -> None:
    """The lists are whole: 42 entries in the user guide, 86 of AWS Control Tower."""
    sizes = {name: len(entry["not_action"]) for name, entry in PUBLISHED.items()}
    assert sizes == {"control_tower": 86, "organizations_user_guide": 42}


@pytest.mark.parametrize(
    "prefix",
    [
        "bcm-dashboards",
        "bcm-data-exports",
        "bcm-pricing-calculator",
        "bcm-recommended-actions",
        "codecatalyst",
        "mechanicalturk",
        "partnercentral",
        "partnercentral-channel",
        "pricingplanmanager",
    ],
)
def test_global_services_in_neither_list(prefix: str) -> None:
    """What AWS's own sample denies, though it is global, is exempt in the partition `aws`."""
    assert f"{prefix}:*" in exempt_actions("aws")
    assert "published" not in SERVICES["exemptions"][f"{prefix}:*"]


def test_nothing_else_is_exempt() -> None:
    """Nothing but what AWS lists, or the SDK proves, is exempt."""
    listed = {action for entry in PUBLISHED.values() for action in entry["not_action"]}
    proven = {
        action
        for action, entry in SERVICES["exemptions"].items()
        if "aws" in entry.get("global_in", {})
    }
    assert set(exempt_actions("aws")) <= listed | proven


@pytest.mark.parametrize("action", list(SERVICES["exemptions"]))
def test_evidence(action: str) -> None:
    """Every entry is in a list of AWS, or has what proves it global in a partition that exists."""
    entry = SERVICES["exemptions"][action]
    assert set(entry.get("published", [])) <= set(PUBLISHED)
    assert set(entry.get("global_in", {})) <= set(partitions())
    assert entry
    for proof in entry.get("global_in", {}).values():
        assert proof["evidence"]


@pytest.mark.parametrize(
    ("action", "partition", "region"),
    [
        ("iam:*", "aws", "us-east-1"),
        ("iam:*", "aws-cn", "cn-north-1"),
        ("networkmanager:*", "aws", "us-west-2"),
        ("route53-recovery-control-config:*", "aws", "us-west-2"),
        ("organizations:*", "aws-cn", "cn-northwest-1"),
        ("organizations:*", "aws-us-gov", "us-gov-west-1"),
    ],
)
def test_where_global_services_sign(action: str, partition: str, region: str) -> None:
    """Most global services count as the partition's first Region; a few do not."""
    proof = SERVICES["exemptions"][action]["global_in"][partition]
    assert proof["requested_region"] == [region]


@pytest.mark.parametrize(
    "action",
    ["s3:*", "s3:CreateBucket", "ec2:RunInstances", "lambda:InvokeFunction", "ssm:GetParameter"],
)
@pytest.mark.parametrize("partition", [*partitions(), None])
def test_regional_actions_stay_denied(action: str, partition: str | None) -> None:
    """What holds data or workloads in a Region is not exempt."""
    assert not covers(exempt_actions(partition), action)


@pytest.mark.parametrize("prefix", list(SERVICES["single_region_not_exempt"]))
def test_services_of_one_region_stay_denied(prefix: str) -> None:
    """A service that lives in one Region, and that AWS does not list, is denied elsewhere."""
    assert not covers(exempt_actions("aws"), f"{prefix}:*")


def test_covered_actions_are_left_out() -> None:
    """An action that another entry covers would only take up room."""
    written = ["s3:Get*", "s3:GetObject", "s3:Put", "iam:*", "iam:*", "iam:Get*"]
    assert without_covered(written) == ("iam:*", "s3:Get*", "s3:Put")


@pytest.mark.parametrize(
    ("regions", "limit"),
    [(["us-east-1", "us-west-2"], 2300), (list(partitions()["aws"].regions), 2900)],
)
def test_size(regions: list[str], limit: int) -> None:
    """A RegionDeny leaves more than two thirds of the 10,240 characters of an SCP free."""
    document = Document(statements=RegionDeny(allowed_regions=regions).statements())
    assert document.characters < limit


def test_generator_reproduces_the_data() -> None:
    """The checked-in files are what the pinned SDK gives."""
    path = ROOT / "scripts/generate_global_services.py"
    spec = importlib.util.spec_from_file_location("generate_global_services", path)
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    for file, content in generator.generate().items():
        assert file.read_text("utf-8") == content, f"{file.name} is stale; run: make generate"


def test_generator_tells_a_stale_file() -> None:
    """`--check` is content with the checked-in files and writes nothing."""
    command = [sys.executable, str(ROOT / "scripts/generate_global_services.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
