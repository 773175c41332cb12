"""The settings of one organization, read from `context.org` of cdk.json and checked."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from org_constructs import OrgError
from org_constructs.model import check_region, partition_of
from org_constructs.model.identifiers import (
    check_account_id,
    check_construct_id,
    check_email,
    check_organization_id,
    check_root_id,
    is_reserved_email,
)
from org_constructs.validation import ALLOW_PLACEHOLDERS_KEY, LOCK_FILE_KEY

_KEY = "org"
_CODE = "ORG010"
_CREATE = "create"
# Ids that AWS's documentation uses, besides twelve equal digits.
_DOCUMENTED_IDS = frozenset({"111122223333", "123456789012", "444455556666", "777788889999"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingOrganization:
    """Ids of an organization that exists, as `aws organizations list-roots` shows them."""

    organization_id: str
    root_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """One member account: where it belongs and what AWS needs to create it."""

    id: str
    ou: str
    email: str
    name: str
    role_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationSettings:
    """One account that exists and is invited: by its id or by its address."""

    id: str
    ou: str
    account_id: str | None = None
    email: str | None = None
    notes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationSettings:
    """Everything that tells one organization from another.

    Attributes:
        management_account_id: the account that deploys, 12 digits.
        existing: ids of the organization, or None when it is to be created.
        region: where the stacks live: the partition's Organizations Region.
        sandbox_regions: the Regions to which the Sandbox OU is fenced.
        accounts: the member accounts.
        invitations: the accounts that are invited.
    """

    management_account_id: str
    existing: ExistingOrganization | None
    region: str
    sandbox_regions: tuple[str, ...]
    accounts: tuple[AccountSettings, ...]
    invitations: tuple[InvitationSettings, ...] = ()

    @property
    def environment(self) -> cdk.Environment:
        """Where every stack of the organization is deployed."""
        return cdk.Environment(account=self.management_account_id, region=self.region)

    @classmethod
    def of(cls, app: cdk.App) -> OrganizationSettings:
        """Read the settings of an app.

        `-c org=@file.json` names another organization's settings, `-c org='{…}'` gives them.

        Raises:
            OrgError: `ORG010` for settings that are missing, unknown or misspelt; the code of
                the value otherwise.
        """
        context: Mapping[str, Any] = app.node.get_all_context()
        stray = sorted(key for key in context if key.startswith(f"{_KEY}."))
        if stray:
            raise OrgError(
                _CODE,
                f"'-c {stray[0]}=…' does not reach the settings: CDK does not merge dotted keys; "
                "edit cdk.json, or give all settings with -c org=@file.json",
            )
        raw = context.get(_KEY)
        lock_file = "organization.lock.json"
        if isinstance(raw, str):
            if raw.startswith("@"):
                lock_file = str(Path(raw[1:]).with_suffix(".lock.json"))
            raw = _parse(raw)
        if not isinstance(raw, Mapping):
            raise OrgError(
                _CODE,
                "settings are missing; give them in cdk.json under context.org, see README.md",
            )
        if LOCK_FILE_KEY not in context:
            app.node.set_context(LOCK_FILE_KEY, lock_file)
        allowed = str(context.get(ALLOW_PLACEHOLDERS_KEY)).lower() == "true"
        return cls.parse(raw, allow_placeholders=allowed)

    @classmethod
    def parse(
        cls, raw: Mapping[str, Any], *, allow_placeholders: bool = False
    ) -> OrganizationSettings:
        """Return settings from plain data.

        Args:
            raw: the mapping under `context.org`.
            allow_placeholders: accept the ids and domains of documentation, for a rehearsal.

        Raises:
            OrgError: as `of`.
        """
        _only(
            raw,
            "org",
            required=("management_account_id", "organization", "email_pattern", "accounts"),
            optional=("regions", "invitations"),
        )
        account_id = check_account_id(
            raw["management_account_id"], what="setting org.management_account_id:"
        )
        if not allow_placeholders and (account_id in _DOCUMENTED_IDS or len(set(account_id)) == 1):
            raise OrgError(
                _CODE,
                f"setting org.management_account_id is the placeholder '{account_id}'; "
                "give the id of your management account in cdk.json",
            )
        regions = raw.get("regions", {})
        _only(regions, "org.regions", optional=("organization", "sandbox"))
        region = check_region(
            regions.get("organization", "us-east-1"), what="setting org.regions.organization"
        )
        sandbox = regions.get("sandbox", ["us-east-1", "us-west-2"])
        if isinstance(sandbox, str) or not isinstance(sandbox, list) or not sandbox:
            raise OrgError(
                _CODE,
                f"setting org.regions.sandbox is {sandbox!r}; give a list such as ['us-east-1']",
            )
        for entry in sandbox:
            check_region(entry, what="setting org.regions.sandbox")
            if partition_of(entry) != partition_of(region):
                raise OrgError(
                    _CODE,
                    f"setting org.regions.sandbox: region '{entry}' is not in the partition of '{region}'",
                )
        return cls(
            management_account_id=account_id,
            existing=_existing(raw["organization"]),
            region=region,
            sandbox_regions=tuple(sandbox),
            accounts=_accounts(raw, allow_placeholders=allow_placeholders),
            invitations=_invitations(raw, allow_placeholders=allow_placeholders),
        )


def _parse(text: str) -> Any:
    if text.startswith("@"):
        file = Path(text[1:])
        try:
            text = file.read_text("utf-8")
        except OSError as error:
            raise OrgError(
                _CODE, f"settings file '{file}' cannot be read ({error.strerror})"
            ) from error
        where = f"settings file '{file}'"
    else:
        where = "-c org=…"
    try:
        return json.loads(text)
    except ValueError as error:
        raise OrgError(
            _CODE, f"{where} is not JSON ({error}); give an object as in cdk.json"
        ) from error


def _only(
    raw: Any, where: str, *, required: tuple[str, ...] = (), optional: tuple[str, ...] = ()
) -> None:
    if not isinstance(raw, Mapping):
        raise OrgError(
            _CODE,
            f"setting {where} is {raw!r}; give an object with {', '.join((*required, *optional))}",
        )
    known = (*required, *optional)
    for key in raw:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
            raise OrgError(_CODE, f"setting {where}.{key} is unknown; {hint}")
    for key in required:
        if key not in raw:
            raise OrgError(
                _CODE, f"setting {where}.{key} is missing; see the settings table in README.md"
            )


def _existing(raw: Any) -> ExistingOrganization | None:
    if raw == _CREATE:
        return None
    if isinstance(raw, str):
        raise OrgError(
            _CODE,
            f"setting org.organization is '{raw}'; give 'create', or an object with organization_id and root_id",
        )
    _only(raw, "org.organization", required=("organization_id", "root_id"))
    return ExistingOrganization(
        organization_id=check_organization_id(raw["organization_id"]),
        root_id=check_root_id(raw["root_id"]),
    )


def _accounts(raw: Mapping[str, Any], *, allow_placeholders: bool) -> tuple[AccountSettings, ...]:
    pattern = raw["email_pattern"]
    if not isinstance(pattern, str) or "{account}" not in pattern:
        raise OrgError(
            _CODE,
            f"setting org.email_pattern is {pattern!r}; give an address with {{account}} in it, "
            "such as 'aws+{account}@corp.com'",
        )
    if not isinstance(raw["accounts"], Mapping):
        raise OrgError(
            _CODE, f"setting org.accounts is {raw['accounts']!r}; give an object of accounts by id"
        )
    accounts = []
    for id, entry in raw["accounts"].items():
        where_account = f"org.accounts.{id}"
        check_construct_id(id)
        _only(entry, where_account, required=("ou",), optional=("email", "name", "role_name"))
        _strings(entry, where_account)
        name = entry.get("name", id)
        email = entry.get("email", pattern.replace("{account}", id.lower()))
        check_email(email, what=f"setting {where_account}")
        if not allow_placeholders and is_reserved_email(email):
            raise OrgError(
                _CODE,
                f"setting {where_account}: email '{email}' is in a reserved domain, no mail reaches it; "
                f"give {where_account + '.email' if 'email' in entry else 'org.email_pattern'} an address that your company receives",
            )
        accounts.append(
            AccountSettings(
                id=id, ou=entry["ou"], email=email, name=name, role_name=entry.get("role_name")
            )
        )
    return tuple(accounts)


def _invitations(
    raw: Mapping[str, Any], *, allow_placeholders: bool
) -> tuple[InvitationSettings, ...]:
    given = raw.get("invitations", {})
    if not isinstance(given, Mapping):
        raise OrgError(
            _CODE, f"setting org.invitations is {given!r}; give an object of invitations by id"
        )
    invitations = []
    for id, entry in given.items():
        where_invitation = f"org.invitations.{id}"
        check_construct_id(id)
        _only(entry, where_invitation, required=("ou",), optional=("account_id", "email", "notes"))
        _strings(entry, where_invitation)
        if ("account_id" in entry) is ("email" in entry):
            raise OrgError(
                _CODE,
                f"setting {where_invitation} needs either account_id or email: that by which it is invited",
            )
        if "account_id" in entry:
            account_id = check_account_id(
                entry["account_id"], what=f"setting {where_invitation}.account_id:"
            )
            is_placeholder = account_id in _DOCUMENTED_IDS or len(set(account_id)) == 1
        else:
            is_placeholder = is_reserved_email(
                check_email(entry["email"], what=f"setting {where_invitation}")
            )
        if is_placeholder and not allow_placeholders:
            shown = entry.get("account_id") or entry["email"]
            raise OrgError(
                _CODE,
                f"setting {where_invitation} invites the placeholder '{shown}'; give the account that is to join",
            )
        invitations.append(InvitationSettings(id=id, **entry))
    return tuple(invitations)


def _strings(entry: Mapping[str, Any], where: str) -> None:
    for key, value in entry.items():
        if not isinstance(value, str):
            raise OrgError(_CODE, f"setting {where}.{key} is {value!r}; give a string")
