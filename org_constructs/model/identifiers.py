"""Identifiers and names of AWS Organizations: what AWS accepts, refused early and clearly.

Patterns are those of botocore's Organizations model and of the CloudFormation schemas; they are
matched whole, never as a prefix.
"""

from __future__ import annotations

import re

from .errors import OrgError

_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_ROOT_ID = re.compile(r"r-[0-9a-z]{4,32}")
_OU_ID = re.compile(r"ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}")
_ORGANIZATION_ID = re.compile(r"o-[a-z0-9]{10,32}")
_POLICY_ID = re.compile(r"p-[0-9a-zA-Z_]{8,128}")
_CONSTRUCT_ID = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_ROLE_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
# CloudFormation's schema: printable ASCII from space to tilde.
# The setting that renames an account; the settings function knows it by this type.
ACCOUNT_NAME = "Custom::AccountName"
ALLOW_LIST = "Custom::AllowList"
_ACCOUNT_NAME = re.compile(r"[ -~]{1,50}")
# The account API's model: the same without < and >.
_ACCOUNT_NAME_FOR_RENAME = re.compile(r"[ -;=?-~]{1,50}")
# CreateAccount's documented rules: one @; the local name does not begin with a dot; the domain has
# letters, digits, hyphens and dots, and parts that neither begin nor end with a hyphen.
_EMAIL = re.compile(
    r"[!-?A-~](?<!\.)[!-?A-~]*@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+"
)
_EMAIL_FORBIDDEN = set(" \"'()<>[]:;,\\|%&")
# RFC 2606 and RFC 6761: names that can never receive the mail by which an account is recovered.
_RESERVED_DOMAINS = ("example.com", "example.net", "example.org")
_RESERVED_TOP_LEVEL = ("example", "invalid", "localhost", "test")


def check_account_id(value: str, *, what: str = "account id") -> str:
    """Return `value` if it is a 12-digit account id.

    Raises:
        OrgError: `ORG004`.
    """
    if not isinstance(value, str):
        raise OrgError(
            "ORG004",
            f"{what} {value!r} is not a string; quote it, a number loses its leading zeros",
        )
    if _ACCOUNT_ID.fullmatch(value):
        return value
    if value.isascii() and value.isdigit():
        hint = "; check for a dropped leading zero" if len(value) < 12 else ""  # noqa: PLR2004
        raise OrgError(
            "ORG004", f"{what} '{value}' has {len(value)} digits, an account id has 12{hint}"
        )
    raise OrgError(
        "ORG004", f"{what} '{value}' is not an account id; give 12 digits such as '123456789012'"
    )


def check_root_id(value: str) -> str:
    """Return `value` if it is the id of a root, else raise `OrgError` `ORG004`."""
    return _check(_ROOT_ID, value, "root id", "r-ab12")


def check_organizational_unit_id(value: str) -> str:
    """Return `value` if it is the id of an OU, else raise `OrgError` `ORG004`."""
    return _check(_OU_ID, value, "organizational unit id", "ou-ab12-34cd56ef")


def check_organization_id(value: str) -> str:
    """Return `value` if it is the id of an organization, else raise `OrgError` `ORG004`."""
    return _check(_ORGANIZATION_ID, value, "organization id", "o-a1b2c3d4e5")


def check_policy_id(value: str) -> str:
    """Return `value` if it is the id of a policy, else raise `OrgError` `ORG004`."""
    return _check(_POLICY_ID, value, "policy id", "p-12345678")


def _check(pattern: re.Pattern[str], value: str, what: str, sample: str) -> str:
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    raise OrgError(
        "ORG004",
        f"{what} {value!r} does not have the form {pattern.pattern}; give one such as '{sample}'",
    )


def check_construct_id(value: str) -> str:
    """Return `value` if it can be the id of an OU, account or policy in the construct tree.

    Ids become CloudFormation logical ids, which are the identity of a deployed resource: signs
    that CDK strips would make two ids alike, and `Default` and `Resource` have a meaning of
    their own.

    Raises:
        OrgError: `ORG005`.
    """
    if not isinstance(value, str) or not _CONSTRUCT_ID.fullmatch(value):
        raise OrgError(
            "ORG005",
            f"id {value!r} is not stable as a logical id; begin with a letter, use only letters, "
            "digits and '-', and give the display name as name=",
        )
    if value in ("Default", "Resource"):
        raise OrgError(
            "ORG005",
            f"id {value!r} is reserved by CDK; choose another id and give the display name as name=",
        )
    return value


def check_email(value: str, *, what: str) -> str:
    """Return `value` if AWS accepts it as the e-mail address of an account.

    Args:
        value: the address.
        what: whose address it is, for the message, such as `account 'audit'`.

    Raises:
        OrgError: `ORG001`.
    """
    rule = "give one of 6 to 64 ASCII characters such as 'aws+audit@corp.com'"
    if not isinstance(value, str):
        raise OrgError("ORG001", f"{what}: email {value!r} is not a string; {rule}")
    if not value.isascii():
        raise OrgError("ORG001", f"{what}: email '{value}' has characters outside ASCII; {rule}")
    if not 6 <= len(value) <= 64:  # noqa: PLR2004
        raise OrgError("ORG001", f"{what}: email '{value}' has {len(value)} characters; {rule}")
    if not _EMAIL.fullmatch(value) or _EMAIL_FORBIDDEN & set(value.rpartition("@")[0]):
        raise OrgError("ORG001", f"{what}: email '{value}' is not an address; {rule}")
    if "${" in value:
        raise OrgError(
            "ORG001", f"{what}: email '{value}' has a placeholder that nothing fills in; {rule}"
        )
    return value


def is_reserved_email(value: str) -> bool:
    """Tell whether an address lies in a domain that no mail ever reaches (RFC 2606, RFC 6761)."""
    domain = value.rpartition("@")[2].lower().rstrip(".")
    return domain.rpartition(".")[2] in _RESERVED_TOP_LEVEL or any(
        domain == name or domain.endswith(f".{name}") for name in _RESERVED_DOMAINS
    )


def check_account_name(value: str, *, what: str) -> str:
    """Return `value` if AWS accepts it as an account's name, else raise `OrgError` `ORG002`."""
    if isinstance(value, str) and _ACCOUNT_NAME.fullmatch(value) and value.strip():
        return value
    detail = (
        f"has {len(value)} characters"
        if isinstance(value, str) and not 1 <= len(value) <= 50  # noqa: PLR2004
        else "is not a name"
    )
    raise OrgError(
        "ORG002", f"{what}: name {value!r} {detail}; give 1 to 50 printable ASCII characters"
    )


def is_account_name_for_rename(value: str) -> bool:
    """Tell whether an account that exists can be given this name: PutAccountName takes less."""
    return _ACCOUNT_NAME_FOR_RENAME.fullmatch(value) is not None


def check_organizational_unit_name(value: str, *, what: str) -> str:
    """Return `value` if AWS accepts it as an OU's name, else raise `OrgError` `ORG003`."""
    if isinstance(value, str) and 1 <= len(value) <= 128 and value.strip():  # noqa: PLR2004
        return value
    detail = (
        f"has {len(value)} characters"
        if isinstance(value, str) and not 1 <= len(value) <= 128  # noqa: PLR2004
        else "is not a name"
    )
    raise OrgError(
        "ORG003",
        f"{what}: name {value!r} {detail}; give 1 to 128 characters that are not all white space",
    )


def check_role_name(value: str, *, what: str) -> str:
    """Return `value` if it can be the name of the administrator role of a new account, else raise `ORG004`."""
    if isinstance(value, str) and _ROLE_NAME.fullmatch(value):
        return value
    raise OrgError(
        "ORG004",
        f"{what}: role name {value!r} does not have the form [A-Za-z0-9_+=,.@-]{{1,64}}; the default is OrganizationAccountAccessRole",
    )
