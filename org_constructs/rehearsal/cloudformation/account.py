"""AWS::Organizations::Account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from org_constructs.rehearsal.backend import ApiError

from .handler import (
    Api,
    Created,
    HandlerError,
    Properties,
    ResourceType,
    current_tags,
    handler_error,
    require,
    tag_list,
    update_tags,
)

# Handler: it asks five times, after 2.5, 5, 10, 20 and 40 seconds.
_POLLS = 5
_FIRST_POLL = 2.5

# Handler: what it meets while it polls and takes for "not yet".
_NOT_YET = ("ResourceConflict", "ServiceInternalError", "Throttling")

# Handler: how a failed creation becomes an error of CloudFormation's; anything else that is not
# known is a GeneralServiceException. The one about an identity is misspelt there, so it is unknown.
_FAILURES = {
    "EMAIL_ALREADY_EXISTS": "AlreadyExists",
    "GOVCLOUD_ACCOUNT_ALREADY_EXISTS": "AlreadyExists",
    "ACCOUNT_LIMIT_EXCEEDED": "ServiceLimitExceeded",
    "INTERNAL_FAILURE": "ServiceInternalError",
    "CONCURRENT_ACCOUNT_MODIFICATION": "InvalidRequest",
    "FAILED_BUSINESS_VALIDATION": "InvalidRequest",
    "INVALID_ADDRESS": "InvalidRequest",
    "INVALID_EMAIL": "InvalidRequest",
    "INVALID_PAYMENT_INSTRUMENT": "InvalidRequest",
    "MISSING_BUSINESS_VALIDATION": "InvalidRequest",
    "MISSING_PAYMENT_INSTRUMENT": "InvalidRequest",
    "PENDING_BUSINESS_VALIDATION": "InvalidRequest",
    "UNKNOWN_BUSINESS_VALIDATION": "InvalidRequest",
}


class AccountType(ResourceType):
    """An account. No property replaces it (schema); name, e-mail and role never change (handler)."""

    name = "AWS::Organizations::Account"
    identifier = "AccountId"
    # Schema: RoleName is write-only.
    readable = frozenset({"AccountName", "Email", "ParentIds", "Tags"})

    def create(self, api: Api, properties: Properties) -> Created:
        """Create the account in the root, wait for it, then move it to its parent (handler)."""
        if api.partition == "aws-us-gov":
            # Handler: refused before anything is called.
            raise HandlerError("InvalidRequest", "Can not create account for GovCloud.")
        require(properties, ("AccountName", "Email"), "Account")
        destination = _parent(properties)
        email = properties["Email"]
        # Handler: closed accounts are in the list too. AWS itself would only say so later.
        if any(account["Email"] == email for account in api.existing("ListAccounts", "Accounts")):
            raise HandlerError("AlreadyExists", f"Account with email [{email}] already exists.")
        params = {"AccountName": properties["AccountName"], "Email": email}
        if properties.get("RoleName"):
            params["RoleName"] = properties["RoleName"]
        try:
            answer = api.create("CreateAccount", **params, Tags=tag_list(properties))
        except ApiError as error:
            raise handler_error(error) from error
        account_id = _wait(api, answer["CreateAccountStatus"]["Id"])
        if destination is not None:
            source = api.all("ListParents", "Parents", ChildId=account_id)[0]["Id"]
            try:
                _move(api, account_id, source, destination)
            except ApiError as error:
                # Handler: the account stays in the root; its id is in the failed event.
                raise handler_error(error, left_behind=account_id) from error
        return Created(account_id, self.attributes(api, account_id))

    def update(
        self, api: Api, physical_id: str, old: Properties, new: Properties
    ) -> dict[str, Any]:
        """Move and retag in place; refuse everything else (handler)."""
        # Handler: compared without regard to case, so a change of case alone does nothing.
        if _differs(old, new, "RoleName"):
            raise HandlerError("InvalidRequest", "You cannot update IAM role name.")
        if _differs(old, new, "AccountName") or _differs(old, new, "Email"):
            raise HandlerError(
                "InvalidRequest",
                "To modify the account name or account email attributes, you must sign in as the "
                "root user and modify the values on the account settings page in the AWS "
                "Management Console.",
            )
        # Handler: the source is the previous template's parent, wherever the account really is.
        source, destination = _parent(old), _parent(new)
        if source != destination:
            root = None
            if source is None or destination is None:
                root = api.all("ListRoots", "Roots")[0]["Id"]
            try:
                _move(api, physical_id, source or root, destination or root)
            except ApiError as error:
                raise handler_error(error) from error
        update_tags(api, physical_id, old, new)
        return self.attributes(api, physical_id)

    def delete(self, api: Api, physical_id: str, properties: Properties) -> None:
        """Close the account, without waiting and without removing it (handler)."""
        del properties
        # Handler: what is not active counts as gone.
        self._describe(api, physical_id)
        try:
            api.write("CloseAccount", AccountId=physical_id)
        except ApiError as error:
            raise handler_error(error) from error

    def attributes(self, api: Api, physical_id: str) -> dict[str, Any]:
        """Return what Fn::GetAtt answers (schema)."""
        account = self._describe(api, physical_id)
        joined = datetime.fromtimestamp(account["JoinedTimestamp"], tz=UTC)
        return {
            "AccountId": account["Id"],
            "Arn": account["Arn"],
            "JoinedMethod": account["JoinedMethod"],
            "JoinedTimestamp": joined.isoformat(timespec="milliseconds"),
            "Paths": account["Paths"],
            "State": account["State"],
            "Status": account["Status"],
        }

    def read(self, api: Api, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return name, e-mail, parent and tags."""
        del properties
        account = self._describe(api, physical_id)
        parents = api.all("ListParents", "Parents", ChildId=physical_id)
        return {
            "AccountName": account["Name"],
            "Email": account["Email"],
            "ParentIds": [parents[0]["Id"]],
            "Tags": current_tags(api, physical_id),
        }

    def _describe(self, api: Api, physical_id: str) -> dict[str, Any]:
        account: dict[str, Any] = api.call("DescribeAccount", AccountId=physical_id)["Account"]
        # Handler: an account that is not active is not found, so a closed one is not managed.
        if account["Status"] != "ACTIVE":
            raise HandlerError(
                "NotFound", f"Account {physical_id} is not active: {account['Status']}"
            )
        return account


def _parent(properties: Properties) -> str | None:
    parents = properties.get("ParentIds") or []
    if len(parents) > 1:
        raise HandlerError("InvalidRequest", "Can not specify more than one parent id in request.")
    return parents[0] if parents else None


def _differs(old: Properties, new: Properties, name: str) -> bool:
    before, after = old.get(name), new.get(name)
    if before is None or after is None:
        return before is not after
    return str(before).lower() != str(after).lower()


def _wait(api: Api, request_id: str) -> str:
    for poll in range(_POLLS):
        api.sleep(_FIRST_POLL * 2**poll)
        try:
            answer = api.call("DescribeCreateAccountStatus", CreateAccountRequestId=request_id)
        except HandlerError as error:
            if error.code not in _NOT_YET:
                raise
            continue
        status = answer["CreateAccountStatus"]
        if status["State"] == "SUCCEEDED":
            account_id: str = status["AccountId"]
            return account_id
        if status["State"] == "FAILED":
            reason = status["FailureReason"]
            raise HandlerError(
                _FAILURES.get(reason, "GeneralServiceException"),
                f"Account creation failed with reason [{reason}] for request id: {request_id}",
            )
    raise HandlerError(
        "NotStabilized",
        "DescribeCreateAccountStatus returns IN_PROGRESS state before time out. Please check "
        f"account creation status with CreateAccountRequestID [{request_id}] and import account to "
        "CloudFormation if it is created successfully.",
    )


def _move(api: Api, account_id: str, source: str | None, destination: str | None) -> None:
    try:
        api.write(
            "MoveAccount",
            AccountId=account_id,
            SourceParentId=source,
            DestinationParentId=destination,
        )
    except ApiError as error:
        # Handler: an account that is there already is where it should be.
        if error.code != "DuplicateAccountException":
            raise
