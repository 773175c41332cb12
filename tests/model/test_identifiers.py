"""Identifiers and names: what AWS accepts passes whole, and nothing else does."""

from __future__ import annotations

import string
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from org_constructs.model.errors import OrgError
from org_constructs.model.identifiers import (
    check_account_id,
    check_account_name,
    check_construct_id,
    check_email,
    check_organization_id,
    check_organizational_unit_id,
    check_organizational_unit_name,
    check_policy_id,
    check_role_name,
    check_root_id,
    is_reserved_email,
)

Check = Callable[[str], str]


def _email(value: str) -> str:
    return check_email(value, what="account 'a'")


def _account_name(value: str) -> str:
    return check_account_name(value, what="account 'a'")


def _unit_name(value: str) -> str:
    return check_organizational_unit_name(value, what="ou 'a'")


def _role_name(value: str) -> str:
    return check_role_name(value, what="account 'a'")


FORMS: dict[Check, str] = {
    check_account_id: r"[0-9]{12}",
    check_root_id: r"r-[0-9a-z]{4,32}",
    check_organizational_unit_id: r"ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}",
    check_organization_id: r"o-[a-z0-9]{10,32}",
    check_policy_id: r"p-[0-9a-zA-Z_]{8,128}",
    _role_name: r"[A-Za-z0-9_+=,.@-]{1,64}",
}


IDS = st.sampled_from(list(FORMS.items())).flatmap(
    lambda form: st.tuples(
        st.just(form[0]), st.from_regex(form[1], fullmatch=True).filter(str.isascii)
    )
)


@given(IDS)
def test_every_id_of_the_form_is_accepted(case: tuple[Check, str]) -> None:
    """What has the form that AWS documents is returned unchanged."""
    check, value = case
    assert check(value) == value


@given(
    IDS,
    st.sampled_from(["\n", " ", "/", "ü", "!"]),
    st.booleans(),
)
def test_fails_for_anything_around_an_id(
    case: tuple[Check, str],
    sign: str,
    before: bool,  # noqa: FBT001 - drawn
) -> None:
    """Forms are matched whole: a sign before or after, a line break too, is refused."""
    check, value = case
    with pytest.raises(OrgError) as caught:
        check(sign + value if before else value + sign)
    assert caught.value.code == "ORG004"


@given(st.text(max_size=140), st.sampled_from([*FORMS]))
def test_fails_with_one_code_or_passes(text: str, check: Check) -> None:
    """Any text is accepted unchanged or refused with ORG004, never another error."""
    try:
        assert check(text) == text
    except OrgError as error:
        assert error.code == "ORG004"  # noqa: PT017


@pytest.mark.parametrize("check", [*FORMS, check_construct_id, _email, _account_name, _unit_name])
@pytest.mark.parametrize("value", [None, 7, 246813579024, [], b"o-a1b2c3d4e5"])
def test_fails_for_what_is_no_string(check: Check, value: object) -> None:
    """A number or anything else is refused, not converted."""
    with pytest.raises(OrgError):
        check(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("12345678901", "has 11 digits, an account id has 12; check for a dropped leading zero"),
        ("1234567890123", "has 13 digits, an account id has 12"),
        ("12345678901x", "is not an account id; give 12 digits"),
        ("", "is not an account id"),
    ],
)
def test_fails_for_an_account_id(value: str, message: str) -> None:
    """The message says what is wrong with an account id."""
    with pytest.raises(OrgError, match=message):
        check_account_id(value)


@pytest.mark.parametrize("value", ["\u0661" * 12, "\uff11" * 12])
def test_fails_for_digits_of_other_scripts(value: str) -> None:
    """Only the digits 0 to 9 make an account id."""
    with pytest.raises(OrgError, match="is not an account id"):
        check_account_id(value)


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9-]*", fullmatch=True).filter(str.isascii))
def test_construct_ids(value: str) -> None:
    """Letters, digits and hyphens make an id, but for the two that CDK reserves."""
    if value in ("Default", "Resource"):
        return
    assert check_construct_id(value) == value


@given(st.text(max_size=30))
@example("Default")
@example("Resource")
@example("a\n")
@example("é")
def test_construct_ids_are_stable(text: str) -> None:
    """An id that is accepted loses no sign in a logical id but hyphens."""
    try:
        check_construct_id(text)
    except OrgError as error:
        assert error.code == "ORG005"  # noqa: PT017
    else:
        assert text.replace("-", "").isalnum()
        assert text.isascii()
        assert text not in ("Default", "Resource")


LOCAL = st.text(string.ascii_letters + string.digits + "+_-", min_size=1, max_size=30)
LABEL = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=10)


@given(LOCAL, st.lists(LABEL, min_size=2, max_size=3))
def test_emails(local: str, labels: list[str]) -> None:
    """An address of 6 to 64 characters is accepted, a shorter or longer one refused."""
    value = f"{local}@{'.'.join(labels)}"
    if 6 <= len(value) <= 64:
        assert _email(value) == value
    else:
        with pytest.raises(OrgError, match=f"has {len(value)} characters"):
            _email(value)


@pytest.mark.parametrize(
    "value", ["audit.@corp.com", "au..dit@corp.com", "a!#$*/=?^`{}~-@c-o-r-p.co", "A@1.2.c"]
)
def test_emails_of_unusual_form(value: str) -> None:
    """CreateAccount's rules are taken word for word, not those of RFC 5321."""
    assert _email(value) == value


@pytest.mark.parametrize("size", [6, 64])
def test_email_length_accepted(size: int) -> None:
    """Six and 64 characters are accepted."""
    assert _email("a" * (size - 5) + "@b.cd")


@pytest.mark.parametrize("size", [5, 65])
def test_fails_for_email_length(size: int) -> None:
    """Five and 65 characters are refused."""
    with pytest.raises(OrgError, match=f"has {size} characters; give one of 6 to 64"):
        _email("a" * (size - 4) + "@b.c" if size < 6 else "a" * (size - 5) + "@b.cd")


@pytest.mark.parametrize(
    "value",
    [
        "audit@",
        "@corp.com",
        "audit@corp",
        "audit.corp.com",
        "a@b@corp.com",
        "audit@corp..com",
        ".audit@corp.com",
        "audit@.corp.com",
        "audit@corp.com.",
        "audit@-corp.com",
        "audit@corp-.com",
        "au dit@corp.com",
        "audit@corp.com\n",
        "au\tdit@corp.com",
        "au\x00dit@corp.com",
        'au"dit@corp.com',
        "au(dit)@corp.com",
        "<audit@corp.com>",
        "audit,b@corp.com",
        "au%dit@corp.com",
        "au&dit@corp.com",
        "au|dit@corp.com",
        "au\\dit@corp.com",
        "mailto:audit@corp.com",
    ],
)
def test_fails_for_an_email_form(value: str) -> None:
    """What is no address, or has a sign that CreateAccount refuses, is refused."""
    with pytest.raises(OrgError, match="is not an address") as caught:
        _email(value)
    assert caught.value.code == "ORG001"


@pytest.mark.parametrize("value", ["müller@corp.com", "audit@mü.com", "audit@corp.com\u200b"])
def test_fails_for_an_email_outside_ascii(value: str) -> None:
    """AWS takes ASCII addresses only."""
    with pytest.raises(OrgError, match="outside ASCII"):
        _email(value)


@pytest.mark.parametrize(
    ("value", "reserved"),
    [
        ("a@example.com", True),
        ("a@sub.example.org", True),
        ("a@EXAMPLE.net", True),
        ("a@corp.test", True),
        ("a@corp.example", True),
        ("a@corp.invalid", True),
        ("a@my-example.com", False),
        ("a@example.com.de", False),
        ("a@corp.com", False),
        ("a@testing.com", False),
    ],
)
def test_reserved_domains(value: str, reserved: bool) -> None:  # noqa: FBT001 - a table
    """Domains of documentation receive no mail, whatever is before them."""
    assert is_reserved_email(value) is reserved


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=60))
def test_account_names(value: str) -> None:
    """Printable ASCII of 1 to 50 characters that is not all space is a name."""
    if value.strip() and len(value) <= 50:
        assert _account_name(value) == value
    else:
        with pytest.raises(OrgError) as caught:
            _account_name(value)
        assert caught.value.code == "ORG002"


@given(st.text(max_size=140))
def test_unit_names(value: str) -> None:
    """Any text of 1 to 128 characters that is not all space is an OU's name."""
    if value.strip() and len(value) <= 128:
        assert _unit_name(value) == value
    else:
        with pytest.raises(OrgError) as caught:
            _unit_name(value)
        assert caught.value.code == "ORG003"
