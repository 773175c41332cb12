"""What all guardrails have in common: values, exemptions, names, and subclasses of one's own."""

from __future__ import annotations

import dataclasses
import json
import pickle
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from org_constructs import guardrails
from org_constructs.guardrails import (
    DenyCloseAccount,
    DenyLeaveOrganization,
    DenyRootUser,
    Guardrail,
    ProtectCloudTrail,
    RegionDeny,
)
from org_constructs.model.errors import OrgError
from org_constructs.model.partitions import partitions
from org_constructs.model.quotas import quota
from org_constructs.policies import Document, PolicyType, Statement, policy_type_spec

ACCOUNTS = st.one_of(st.just("*"), st.from_regex("[0-9]{12}", fullmatch=True))
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_+=,.@/-]{0,12}\*?", fullmatch=True)
PRINCIPALS = st.lists(
    st.builds("arn:*:iam::{}:{}/{}".format, ACCOUNTS, st.sampled_from(["role", "user"]), NAMES),
    max_size=3,
)
SUFFIXES = st.from_regex("[A-Za-z0-9]{0,6}", fullmatch=True)
ACTIONS = st.lists(st.from_regex("[a-z0-9-]{1,8}:[A-Z][A-Za-z]{0,8}", fullmatch=True), max_size=3)
COMMON = {"exempt_principals": PRINCIPALS, "sid_suffix": SUFFIXES}


def region_lists() -> st.SearchStrategy[list[str]]:
    """Draw Regions of one partition."""
    return st.sampled_from(list(partitions().values())).flatmap(
        lambda partition: st.lists(st.sampled_from(partition.regions), min_size=1)
    )


CALLS: st.SearchStrategy[tuple[type[Guardrail], dict[str, Any]]] = st.one_of(
    st.tuples(st.just(DenyLeaveOrganization), st.fixed_dictionaries(COMMON)),
    st.tuples(st.just(DenyCloseAccount), st.fixed_dictionaries(COMMON)),
    st.tuples(
        st.just(DenyRootUser),
        st.fixed_dictionaries(
            {**COMMON, "except_actions": ACTIONS, "except_privileged_sessions": st.booleans()}
        ),
    ),
    st.tuples(
        st.just(ProtectCloudTrail),
        st.fixed_dictionaries(
            {
                **COMMON,
                "trail_names": st.lists(st.from_regex("[a-z*-]{1,8}", fullmatch=True), max_size=2),
                "event_data_store_ids": st.lists(
                    st.from_regex("[0-9a-f]{8}", fullmatch=True), max_size=2
                ),
            }
        ),
    ),
    st.tuples(
        st.just(RegionDeny),
        st.fixed_dictionaries(
            {
                **COMMON,
                "allowed_regions": region_lists(),
                "extra_exempt_actions": ACTIONS,
                "bedrock_inference_profile_prefixes": st.lists(
                    st.sampled_from(["eu", "us", "apac", "us-gov"]), max_size=2
                ),
            }
        ),
    ),
)


@given(CALLS, st.randoms(use_true_random=False))
def test_value(call: tuple[type[Guardrail], dict[str, Any]], chance: random.Random) -> None:
    """Equal arguments in any order and of any kind of list give one value with one output."""
    kind, arguments = call

    def written(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        shuffled = chance.sample(value * 2, len(value) * 2)
        return chance.choice([list, tuple, set])(shuffled)

    one = kind(**arguments)
    other = kind(**{name: written(value) for name, value in arguments.items()})
    assert one == other
    assert hash(one) == hash(other)
    assert repr(one) == repr(other)
    assert len({one, other}) == 1
    assert [s.to_json() for s in one.statements()] == [s.to_json() for s in other.statements()]


@given(CALLS)
def test_document(call: tuple[type[Guardrail], dict[str, Any]]) -> None:
    """Every guardrail gives a valid SCP with room to spare, and only Deny statements."""
    kind, arguments = call
    document = Document(statements=kind(**arguments).statements())
    spec = policy_type_spec(PolicyType.SERVICE_CONTROL_POLICY)
    assert spec is not None
    assert spec.findings(document.to_json()) == []
    assert document.characters < quota("scp_characters") / 2
    assert {statement.effect for statement in document.statements} == {"Deny"}
    assert "arn:aws:" not in document.minified()


@given(CALLS)
def test_names(call: tuple[type[Guardrail], dict[str, Any]]) -> None:
    """Every Sid is the class, a part and the suffix; the id is the class in kebab-case."""
    kind, arguments = call
    guardrail = kind(**arguments)
    suffix = arguments["sid_suffix"]
    for statement in guardrail.statements():
        assert re.fullmatch(f"{kind.__name__}[A-Za-z]*{suffix}", statement.sid)
    expected = re.sub("(?<!^)(?=[A-Z])", "-", kind.__name__).lower()
    assert guardrail.id == (f"{expected}-{suffix}" if suffix else expected)


@given(CALLS)
def test_exemption_is_in_every_statement(call: tuple[type[Guardrail], dict[str, Any]]) -> None:
    """An exempt principal is exempt from each statement, beside its other conditions."""
    kind, arguments = call
    with_exemption = kind(**arguments).statements()
    without = kind(**{**arguments, "exempt_principals": []}).statements()
    for one, other in zip(with_exemption, without, strict=True):
        conditions = json.loads(json.dumps(one.to_json().get("Condition", {})))
        if arguments["exempt_principals"]:
            found = conditions["ArnNotLike"].pop("aws:PrincipalArn")
            listed = [found] if isinstance(found, str) else found
            assert listed == sorted(set(arguments["exempt_principals"]))
            if not conditions["ArnNotLike"]:
                del conditions["ArnNotLike"]
        assert conditions == other.to_json().get("Condition", {})


@given(CALLS)
def test_copies(call: tuple[type[Guardrail], dict[str, Any]]) -> None:
    """A guardrail can be pickled, changed into another, and changed back."""
    kind, arguments = call
    guardrail = kind(**arguments)
    assert pickle.loads(pickle.dumps(guardrail)) == guardrail  # noqa: S301
    changed = dataclasses.replace(guardrail, sid_suffix="Other")
    assert changed != guardrail
    assert dataclasses.replace(changed, sid_suffix=arguments["sid_suffix"]) == guardrail


@pytest.mark.parametrize("name", sorted(set(guardrails.__all__) - {"Guardrail"}))
def test_shape(name: str) -> None:
    """A guardrail gives its reason in one line and the page of AWS that it relies on."""
    kind = getattr(guardrails, name)
    guardrail = kind(allowed_regions=["eu-west-1"]) if kind is RegionDeny else kind()
    assert guardrail.why
    assert "\n" not in guardrail.why
    assert not guardrail.why.endswith(".")
    assert guardrail.documented_at.startswith("https://docs.aws.amazon.com/")
    with pytest.raises(dataclasses.FrozenInstanceError):
        guardrail.sid_suffix = "X"  # type: ignore[misc]
    with pytest.raises(TypeError):
        kind(["eu-west-1"])


def test_kinds_differ() -> None:
    """Guardrails of two kinds are never equal, though their fields are."""
    different: list[Guardrail] = [DenyLeaveOrganization(), DenyCloseAccount()]
    assert different[0] != different[1]


@pytest.mark.parametrize("suffix", ["a-b", "é", " ", 7, None])
def test_fails_for_a_suffix_that_no_sid_may_have(suffix: Any) -> None:
    """A Sid has letters and digits only."""
    with pytest.raises(OrgError, match="other signs than letters and digits") as caught:
        DenyLeaveOrganization(sid_suffix=suffix)
    assert caught.value.code == "ORG009"


def test_fails_without_statements() -> None:
    """The base says nothing by itself."""
    with pytest.raises(TypeError, match="abstract"):
        Guardrail()  # type: ignore[abstract]


@dataclass(frozen=True, kw_only=True)
class DenyPublicS3(Guardrail):
    """A guardrail as another app writes it."""

    why = "buckets stay private"

    buckets: Sequence[str] = ()
    owners: list[str] = dataclasses.field(default_factory=list)

    def statements(self) -> Sequence[Statement]:
        """Return one statement whose condition is about principals as well."""
        return [
            self.deny(
                actions=["s3:PutBucketAcl"],
                resources=[f"arn:*:s3:::{bucket}" for bucket in self.buckets] or ["*"],
                conditions={"ArnNotLike": {"aws:PrincipalARN": "arn:*:iam::*:role/Own"}},
            )
        ]


@dataclass(frozen=True, kw_only=True)
class EuropeanUnionOnly(RegionDeny):
    """A preset as another app writes it."""

    allowed_regions: Sequence[str] = ("eu-west-1", "eu-central-1")


def test_own_guardrail() -> None:
    """Lists of a user's own are values too, and exemptions join a condition on the same key."""
    guardrail = DenyPublicS3(
        buckets=["b", "a", "b"], owners=["y", "x"], exempt_principals=["arn:*:iam::*:role/Other"]
    )
    assert guardrail.buckets == ("a", "b")
    assert list(guardrail.owners) == ["x", "y"]
    assert guardrail.id == "deny-public-s3"
    assert [statement.to_json() for statement in guardrail.statements()] == [
        {
            "Sid": "DenyPublicS3",
            "Effect": "Deny",
            "Action": "s3:PutBucketAcl",
            "Resource": ["arn:*:s3:::a", "arn:*:s3:::b"],
            "Condition": {
                "ArnNotLike": {
                    "aws:PrincipalArn": ["arn:*:iam::*:role/Other", "arn:*:iam::*:role/Own"]
                }
            },
        }
    ]


def test_fails_for_one_string_in_a_list_of_ones_own() -> None:
    """The fields of a user's own guardrail are checked like the library's."""
    with pytest.raises(OrgError, match=re.escape("DenyPublicS3: buckets is one string")):
        DenyPublicS3(buckets="a")


def test_preset() -> None:
    """A preset has its own name, its own Sid, and all that it inherits."""
    preset = EuropeanUnionOnly(sid_suffix="X")
    assert preset.allowed_regions == ("eu-central-1", "eu-west-1")
    assert preset.id == "european-union-only-X"
    assert [statement.sid for statement in preset.statements()] == ["EuropeanUnionOnlyX"]
    assert preset != RegionDeny(allowed_regions=preset.allowed_regions, sid_suffix="X")
    with pytest.raises(OrgError, match="EuropeanUnionOnly: allowed_regions"):
        EuropeanUnionOnly(allowed_regions=["eu-west1"])
