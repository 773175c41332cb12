"""Where the lock file of an app is found, for whoever reads it while the app is synthesized."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import aws_cdk as cdk

from ._render import is_token
from .model.errors import OrgError

if TYPE_CHECKING:
    from ._registry import Place, Registry
    from .model.lock import Lock, LockedAccount

FILE_NAME = "organization.lock.json"
LOCK_FILE_KEY = "org-constructs:lockFile"


def read_lock(stage: cdk.Stage) -> Lock | None:
    """Return the whole lock of the app, or None when nothing has been deployed.

    Raises:
        OrgError: `ORG120` when the file cannot be understood.
    """
    file = stage.node.try_get_context(LOCK_FILE_KEY) or _default_lock_file()
    if not file or _is_missing(file):
        return None
    # It brings the whole model, which else is loaded while Node writes the templates.
    from .model.lock import Lock

    return Lock.read(file)


def locked_account(place: Place, email: str) -> LockedAccount | None:
    """Return what the lock knows of the account that is declared at `place`.

    The stack may have had another construct id when it was deployed: CloudFormation knows it by
    its name, and the account by a logical id that CDK makes from its place in the stack. A stack
    of another organization may have the same name, but no account the same e-mail address.
    """
    known = _locked_accounts(place.registry)
    if not known or place.path in known:
        return known.get(place.path)
    digest = hashlib.md5("/".join((*place.ids, "Resource")).encode(), usedforsecurity=False)
    ending = digest.hexdigest()[:8].upper()
    same = [
        account
        for account in known.values()
        if account.logical_id.endswith(ending)
        and account.stack == place.stack.stack_name
        and (is_token(email) or account.email.lower() == email.lower())
    ]
    return same[0] if len(same) == 1 else None


def _locked_accounts(registry: Registry) -> Mapping[str, LockedAccount]:
    """Return the accounts of the lock by path; read once per Stage.

    A lock that cannot be understood tells nothing here: the validation refuses it, and with it
    the synthesis.
    """
    if registry.locked_accounts is None:
        try:
            lock = read_lock(registry.stage)
        except OrgError:
            lock = None
        registry.locked_accounts = lock.accounts if lock else {}
    return registry.locked_accounts


def _is_missing(file: str) -> bool:
    try:
        Path(file).stat()
    except FileNotFoundError:
        return True
    except OSError:
        # It may be there, and a lock that is ignored protects nothing.
        return False
    return False


def _default_lock_file() -> str | None:
    """Return the lock beside cdk.json; none under pytest.

    A unit test builds parts of an organization; compared with the lock of the whole, they would
    seem to have lost the rest.
    """
    return None if "PYTEST_CURRENT_TEST" in os.environ else FILE_NAME
