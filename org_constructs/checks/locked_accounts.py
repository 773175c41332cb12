"""Accounts that are deployed stay what they are: nothing is asked of AWS that it cannot do.

A changed e-mail, name or role fails in CloudFormation, and the rollback fails too. The library's
accounts keep the name of their creation in the template and are renamed by a setting.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-organizations-account.html
"""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.lock import LockedAccount
from org_constructs.model.organization import DeclaredAccount

from ._check import CheckContext, Finding, Severity, about

_DEFAULT_ROLE = "OrganizationAccountAccessRole"

# A reason may stand in for the remedy.
ACKNOWLEDGEABLE = ("ORG121",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Compare accounts with the lock."""
    if context.lock is None:
        return
    by_email = {account.email.lower(): account for account in context.model.accounts.values()}
    for path, locked in context.lock.accounts.items():
        account = context.model.accounts_by_path.get(path)
        if account is not None:
            yield from _compare(locked, account)
            continue
        elsewhere = by_email.get(locked.email.lower())
        if elsewhere is not None:
            yield _re_identified(path, locked, elsewhere)
        else:
            yield Finding(
                code="ORG121",
                severity=Severity.FATAL,
                message=f"account '{path}' ('{locked.email}') is deployed and no longer declared; it would stay "
                "in its OU with nothing here to rule it",
                remedy=f"declare it again, or let it go on purpose: orgctl lock --release '{path}'",
                path=path,
            )


def _compare(locked: LockedAccount, account: DeclaredAccount) -> Iterator[Finding]:
    if account.email.lower() != locked.email.lower():
        yield about(
            account,
            code="ORG123",
            message=f"account '{account.path}': email '{locked.email}' cannot become '{account.email}' through CloudFormation",
            remedy=f"write '{locked.email}' again; the address is changed outside of this app, with StartPrimaryEmailUpdate of the account API",
        )
    if (account.role_name or _DEFAULT_ROLE).lower() != (
        locked.role_name or _DEFAULT_ROLE
    ).lower() or (account.role_name is None) != (locked.role_name is None):
        yield about(
            account,
            code="ORG124",
            message=f"account '{account.path}': role name {locked.role_name!r} cannot become {account.role_name!r}; "
            "the role is made with the account",
            remedy=f"write role_name={locked.role_name!r} again, and make another role inside the account",
        )
    if account.name != locked.name:
        yield about(
            account,
            code="ORG128",
            message=f"account '{account.path}': name '{locked.name}' cannot become '{account.name}' in the template; "
            "CloudFormation renames no account",
            remedy=f"let the template say '{locked.name}' again; a literal name= of an Account of this library renames it",
        )
    if account.stack != locked.stack or account.logical_id != locked.logical_id:
        yield _re_identified(account.path, locked, account)


def _re_identified(path: str, locked: LockedAccount, account: DeclaredAccount) -> Finding:
    if account.stack != locked.stack:
        return about(
            account,
            code="ORG127",
            message=f"account '{path}' ('{locked.email}') is deployed by stack '{locked.stack}' and now declared in "
            f"'{account.stack}'; AWS would be asked to create it again",
            remedy=f"declare it in '{locked.stack}' with the new OU as parent; to change stacks, remove it there "
            "with orgctl lock --release, then import it with `cdk import`",
        )
    return about(
        account,
        code="ORG125",
        message=f"account '{path}' ('{locked.email}') has logical id '{locked.logical_id}' in AWS and "
        f"'{account.logical_id}' here ('{account.path}'); AWS would be asked to create it again",
        remedy=f"give it the id and scope of '{path}' again; its parent= is free to change",
    )
