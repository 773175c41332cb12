"""Whatever a template holds, it is read or refused: a person's slip is no crash."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from org_constructs.evaluation.organization import levels_of
from org_constructs.model import Lock, OrganizationModel, OrgError
from org_constructs.model.intrinsics import _FUNCTIONS

TEXTS = ["A", "B", "r-ab12", "ou-ab12-12345678", "135792468013", "S", "T", "", "${A}", "${A.Id}"]
KINDS = ["OrganizationalUnit", "Account", "Policy", "Organization"]
TYPES = [
    *(f"AWS::Organizations::{kind}" for kind in KINDS),
    "AWS::CloudFormation::Stack",
    "AWS::SSM::Parameter",
    "Custom::AccountName",
    "Custom::CrossRegionExportReader",
    "Custom::CrossRegionExportWriter",
]
PROPERTIES = ["Name", "ParentId", "ParentIds", "TargetIds", "Type", "Content", "AccountName"]
PROPERTIES += ["TemplateURL", "Parameters", "Value", "WriterProps", "ReaderProps", "AccountId"]

leaves = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(TEXTS)
names = st.sampled_from(
    [*_FUNCTIONS, "a", "Value", "Export", "StackName", "OutputName", "Statement"]
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=2),
    max_leaves=5,
)
properties = st.dictionaries(st.sampled_from(PROPERTIES), values, max_size=4)
resources = st.fixed_dictionaries(
    {"Type": st.sampled_from(TYPES) | values},
    optional={
        "Properties": properties | values,
        **dict.fromkeys(["DependsOn", "Metadata", "Condition", "DeletionPolicy"], values),
    },
)
sections = st.dictionaries(st.sampled_from(["A", "B"]), values, max_size=2) | values
templates = st.fixed_dictionaries(
    {
        "Resources": st.dictionaries(
            st.sampled_from(["A", "B", "Fn::ForEach::X"]), resources | values
        )
    },
    optional=dict.fromkeys(
        ["Outputs", "Parameters", "Conditions", "Mappings", "Transform"], sections
    ),
)


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(["S", "T"]), templates, max_size=2))
def test_any_template(found: dict[str, dict[str, Any]]) -> None:
    """All that is read of a model can be read."""
    model = OrganizationModel.from_templates(found)
    for node in (*model.accounts, *model.organizational_units):
        assert model.name_path(node) is not None
        # A policy that AWS would reject is refused with its place.
        with suppress(OrgError):
            assert levels_of(model, node)
    for stack in model.assembly.every_stack:
        assert len(stack.deployment_order) <= len(stack.resources)
    for unknown in model.unknowns:
        assert str(unknown)
    assert Lock.of(model).to_json()
