"""The data about the API: made by the script, and kept to by the code."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore
import pytest

from org_constructs.rehearsal.backend import OPERATIONS, Settings
from org_constructs.rehearsal.backend.api_model import (
    Caller,
    botocore_version,
    creation_failures,
    operations,
    reasons,
)
from org_constructs.rehearsal.backend.other_services import OTHER_SERVICES

ROOT = Path(__file__).resolve().parents[2]
BACKEND = ROOT / "org_constructs/rehearsal/backend"
# Errors that every service of AWS answers, and the rehearsal's own.
COMMON = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "NotRehearsedException",
    "ThrottlingException",
}
# The functions that make an error of one code with a reason.
MAKERS = {
    "constraint_violation": "ConstraintViolationException",
    "handshake_violation": "HandshakeConstraintViolationException",
    "invalid_input": "InvalidInputException",
}


def test_the_data_is_what_the_script_makes() -> None:
    """From the botocore that it names, which is the one that is installed."""
    assert botocore.__version__ == botocore_version(), "another botocore; run: make generate"
    run = subprocess.run(
        [sys.executable, "scripts/generate_organizations_api.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr


def test_every_operation_is_rehearsed_but_those_that_are_not() -> None:
    """GovCloud accounts and billing transfers are left out on purpose."""
    missing = set(operations()) - set(OPERATIONS)
    assert missing == {
        "CreateGovCloudAccount",
        "DescribeResponsibilityTransfer",
        "InviteOrganizationToTransferResponsibility",
        "ListInboundResponsibilityTransfers",
        "ListOutboundResponsibilityTransfers",
        "TerminateResponsibilityTransfer",
        "UpdateResponsibilityTransfer",
    }
    assert set(OPERATIONS) <= set(operations())


@pytest.mark.parametrize("operation", sorted(set(operations()) - set(OPERATIONS)))
def test_what_is_left_out_says_so(backend: Any, operation: str) -> None:
    """As an error that is none of AWS's."""
    backend.create_organization()
    error = backend.refused(operation)
    assert error.code == "NotRehearsedException"
    assert operation in error.message


def calls() -> Iterator[tuple[str, str, list[ast.expr]]]:
    """Yield every call of a plain name in the backend: file, name and arguments."""
    for path in sorted(BACKEND.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield path.name, node.func.id, node.args


def literals(expression: ast.expr) -> list[str]:
    """Return the strings that an expression can be."""
    if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
        return [expression.value]
    if isinstance(expression, ast.IfExp):
        return literals(expression.body) + literals(expression.orelse)
    return []


def test_error_codes_are_the_models() -> None:
    """Wherever the backend raises one."""
    others = (errors for each in OTHER_SERVICES.values() for errors in each.values())
    declared = COMMON.union(*(model.errors for model in operations().values()), *others)
    found = [
        (file, code)
        for file, name, arguments in calls()
        if name == "ApiError" and arguments
        for code in literals(arguments[0])
    ]
    assert len(found) > 30
    assert [(file, code) for file, code in found if code not in declared] == []


def test_reasons_are_the_models() -> None:
    """Of errors that have them."""
    found = [
        (file, MAKERS[name], reason)
        for file, name, arguments in calls()
        if name in MAKERS
        for reason in literals(arguments[1])
    ]
    assert len(found) > 30
    assert [entry for entry in found if entry[2] not in reasons(entry[1])] == []


def test_callers_are_read_from_the_models_prose() -> None:
    """An operation of each kind."""
    model = operations()
    assert model["CreateAccount"].caller is Caller.MANAGEMENT
    assert model["ListAccounts"].caller is Caller.DELEGATED_ADMINISTRATOR
    assert model["DescribeOrganization"].caller is Caller.MEMBER
    assert model["AcceptHandshake"].caller is Caller.ANYONE
    assert model["ListAccounts"].paginated
    assert not model["DescribeOrganization"].paginated


def test_planned_failures_are_reasons_that_aws_has() -> None:
    """Others are refused when the plan is made."""
    good = Settings().changed({"account_creation_failures": {"*@x.com": creation_failures()[0]}})
    assert good.account_creation_failures == {"*@x.com": "ACCOUNT_LIMIT_EXCEEDED"}
    with pytest.raises(ValueError, match="'BAD_LUCK' is not one of ACCOUNT_LIMIT_EXCEEDED"):
        Settings().changed({"account_creation_failures": {"*": "BAD_LUCK"}})
    with pytest.raises(ValueError, match="it is reasons by address"):
        Settings().changed({"account_creation_failures": ["*"]})
