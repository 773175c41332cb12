"""Closes one account, as an act of its own: kept apart first, then closed.

No deployment closes an account. Here a person does it, with credentials that the deployment does
not have, after the code of the account is gone: CloudFormation's handler finds no account that is
not open, so one that is closed while a stack holds it fails every later change of it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from org_constructs.model import Lock, OrganizationModel
from org_constructs.model.organization import ACCOUNT
from org_constructs.model.quotas import quota

from .live import organizations_client

if TYPE_CHECKING:
    from boto3.session import Session

__all__ = [
    "POLICY_NAME",
    "QUARANTINE_NAME",
    "QUARANTINE_TAG",
    "Closing",
    "ClosingAccount",
    "ClosingError",
    "find_account",
]

QUARANTINE_NAME: Final = "Quarantine"
# Whatever looks after accounts leaves those in an OU with this tag where they are.
QUARANTINE_TAG: Final = {"Key": "org-constructs:quarantine", "Value": "true"}
POLICY_NAME: Final = "org-constructs-quarantine"
_POLICY: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "DenyAll", "Effect": "Deny", "Action": "*", "Resource": "*"}],
}
_SCP: Final = "SERVICE_CONTROL_POLICY"

_OPEN: Final = "ACTIVE"
_CLOSING: Final = frozenset({"PENDING_CLOSURE", "SUSPENDED", "CLOSED"})
# What CDK's bootstrap makes: no deployment closes an account.
_DEPLOYMENT_ROLE: Final = re.compile(
    r"cdk-[a-z0-9]{1,10}-(?:cfn-exec|deploy|file-publishing|image-publishing|lookup)-role-.+"
)
_TRANSIENT: Final = frozenset({"ConcurrentModificationException", "TooManyRequestsException"})
_ATTEMPTS: Final = 8
_WAIT_SECONDS: Final = 300.0
_POLL_SECONDS: Final = 5.0

_Result = TypeVar("_Result")


class ClosingError(Exception):
    """The account is not closed; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingAccount:
    """An account of the organization.

    Attributes:
        id: its id.
        name: its name, which has to be given before anything is done.
        email: its address, which stays taken for ever.
        state: its state.
    """

    id: str
    name: str
    email: str
    state: str

    @property
    def is_open(self) -> bool:
        """Whether it can still be closed."""
        return self.state == _OPEN

    @property
    def is_closing(self) -> bool:
        """Whether it is closed, or being closed."""
        return self.state in _CLOSING


def find_account(session: Session, text: str) -> ClosingAccount:
    """Return the account that an id, an address or a name means.

    Raises:
        ClosingError: there is none, or several have this name.
        botocore.exceptions.ClientError: as AWS answers.
    """
    try:
        accounts = list(_accounts(organizations_client(session)))
    except ClientError as error:
        if _code(error) not in ("AccessDeniedException", "AWSOrganizationsNotInUseException"):
            raise
        raise ClosingError(
            f"the accounts cannot be read: {_told(error)}; sign in to the account that manages the "
            "organization"
        ) from error
    found = [
        account
        for account in accounts
        if text in (account.id, account.name) or text.lower() == account.email.lower()
    ]
    if not found:
        raise ClosingError(
            f"no account '{text}' is in this organization; give its id, its address or its name"
        )
    if len(found) > 1:
        listed = ", ".join(f"{account.id} ({account.email})" for account in found)
        raise ClosingError(f"several accounts are called '{text}': {listed}; give the id")
    return found[0]


@dataclass(frozen=True, kw_only=True)
class Closing:
    """The closing of one account, step after step; each step that is done already does nothing.

    Attributes:
        session: credentials of a person that may close accounts, of the management account.
        account: which account.
        lock: what is deployed, to see whether code still holds the account.
        model: what the app declares, for the same.
        clock: seconds that only grow.
        sleep: waits so many seconds.
        report: takes a line on what is going on.
    """

    session: Session
    account: ClosingAccount
    lock: Lock | None = None
    model: OrganizationModel | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    report: Callable[[str], None] = lambda _: None
    _client: Any = field(init=False)

    def __post_init__(self) -> None:
        """Make the client that all steps use."""
        object.__setattr__(self, "_client", organizations_client(self.session))

    def objections(self, *, quarantine_only: bool = False) -> tuple[str, ...]:
        """Return why the account must not be closed, or put into quarantine; empty if it may.

        Reads only.

        Args:
            quarantine_only: it is only put into quarantine, which leaves it in its stack.
        """
        found = [*self._of_the_caller(), *self._of_the_account()]
        if not quarantine_only and self.account.is_open:
            found += [*self._of_the_code(), *self._of_the_quota()]
        return tuple(found)

    def plan(self, *, quarantine_only: bool = False) -> tuple[str, ...]:
        """Return what is going to be done, step by step."""
        if not self.account.is_open:
            return ()
        id, name = self.account.id, self.account.name
        steps: tuple[str, ...] = (
            ()
            if self._is_quarantined()
            else (
                f"OU '{QUARANTINE_NAME}' under the root, with '{POLICY_NAME}', which denies everything",
                f"account {id} ('{name}') is moved there: nothing in it can do anything any more",
            )
        )
        if quarantine_only:
            return steps
        return (
            *steps,
            f"account {id} is closed: AWS deletes it after 90 days, and its address stays taken",
        )

    def _is_quarantined(self) -> bool:
        """Tell whether the account is in quarantine already, with everything denied."""
        parent = self._ask(
            "the account's place",
            lambda: self._client.list_parents(ChildId=self.account.id)["Parents"][0],
        )
        if parent["Type"] == "ROOT" or not self._is_marked(parent["Id"]):
            return False
        attached = self._pages(
            "list_policies_for_target", "Policies", TargetId=parent["Id"], Filter=_SCP
        )
        return any(entry["Name"] == POLICY_NAME for entry in attached)

    def _is_marked(self, unit: str) -> bool:
        tags = self._pages("list_tags_for_resource", "Tags", ResourceId=unit)
        return QUARANTINE_TAG in ({"Key": t["Key"], "Value": t["Value"]} for t in tags)

    def quarantine(self) -> str:
        """Move the account to the quarantine OU, whose policy is in force before; return its id.

        Raises:
            ClosingError: it cannot be done.
        """
        root = self._ask("the root", lambda: self._client.list_roots()["Roots"][0])
        enabled = {t["Type"] for t in root["PolicyTypes"] if t["Status"] == "ENABLED"}
        if _SCP not in enabled:
            raise ClosingError(
                "service control policies are not turned on, so nothing can be denied: aws "
                f"organizations enable-policy-type --root-id {root['Id']} --policy-type {_SCP}"
            )
        unit = self._unit(root["Id"])
        self._deny(unit)
        parents = self._ask(
            "the account's place",
            lambda: self._client.list_parents(ChildId=self.account.id)["Parents"],
        )
        parent = parents[0]["Id"]
        if parent == unit:
            self.report(f"account {self.account.id} is in quarantine")
            return unit
        self._write(
            "the account cannot be moved",
            lambda: self._client.move_account(
                AccountId=self.account.id, SourceParentId=parent, DestinationParentId=unit
            ),
        )
        self.report(f"account {self.account.id} was moved from {parent} to quarantine ({unit})")
        return unit

    def close(self) -> str:
        """Close the account, wait until AWS says so, and return its state.

        Raises:
            ClosingError: AWS refuses, or does not say so in five minutes.
        """
        state = self._state()
        if state == _OPEN:
            self._write("the account cannot be closed", self._close)
        deadline = self.clock() + _WAIT_SECONDS
        while (state := self._state()) not in _CLOSING:
            if self.clock() >= deadline:
                raise ClosingError(
                    f"account {self.account.id} is still {state}; run the same command again, "
                    "which waits on"
                )
            self.sleep(_POLL_SECONDS)
        self.report(f"account {self.account.id} is {state}")
        return state

    def _close(self) -> None:
        try:
            self._client.close_account(AccountId=self.account.id)
        except ClientError as error:
            code, reason = _code(error), str(error.response.get("Reason"))
            if code in ("AccountAlreadyClosedException", "ConflictException"):
                return
            remedy = _REMEDIES.get(reason)
            if remedy:
                raise ClosingError(f"{_told(error)}; {remedy}") from error
            raise

    def _unit(self, root: str) -> str:
        """Return the id of the quarantine OU, which is made where there is none."""
        units = self._pages(
            "list_organizational_units_for_parent", "OrganizationalUnits", ParentId=root
        )
        named = None
        for unit in units:
            if self._is_marked(unit["Id"]):
                return str(unit["Id"])
            if unit["Name"] == QUARANTINE_NAME:
                named = unit["Id"]
        if named:
            # Everything in it would be denied everything.
            raise ClosingError(
                f"OU '{QUARANTINE_NAME}' ({named}) is not marked as a quarantine, and what is in "
                "it would be denied everything; if that is what it is for: aws organizations "
                f"tag-resource --resource-id {named} --tags "
                f"Key={QUARANTINE_TAG['Key']},Value={QUARANTINE_TAG['Value']}"
            )
        answer = self._write(
            f"OU '{QUARANTINE_NAME}' cannot be created",
            lambda: self._client.create_organizational_unit(
                ParentId=root, Name=QUARANTINE_NAME, Tags=[QUARANTINE_TAG]
            ),
        )
        made = str(answer["OrganizationalUnit"]["Id"])
        self.report(f"created OU '{QUARANTINE_NAME}' ({made})")
        return made

    def _deny(self, unit: str) -> None:
        """See to it that the policy is attached; it has to be before an account comes."""
        policies = self._pages("list_policies", "Policies", Filter=_SCP)
        policy = next((p["Id"] for p in policies if p["Name"] == POLICY_NAME), None)
        if policy is None:
            answer = self._write(
                f"policy '{POLICY_NAME}' cannot be created",
                lambda: self._client.create_policy(
                    Name=POLICY_NAME,
                    Type=_SCP,
                    Description="Denies everything to accounts in quarantine",
                    Content=json.dumps(_POLICY),
                    Tags=[QUARANTINE_TAG],
                ),
            )
            policy = answer["Policy"]["PolicySummary"]["Id"]
            self.report(f"created policy '{POLICY_NAME}' ({policy})")
        else:
            content = self._ask(
                f"policy '{POLICY_NAME}'",
                lambda: self._client.describe_policy(PolicyId=policy)["Policy"]["Content"],
            )
            if json.loads(content) != _POLICY:
                raise ClosingError(
                    f"policy '{POLICY_NAME}' ({policy}) does not deny everything any more; give it "
                    "back its content, or delete it: " + json.dumps(_POLICY)
                )
        if not self._is_attached(policy, unit):
            self._write(
                f"policy '{POLICY_NAME}' cannot be attached",
                lambda: self._client.attach_policy(PolicyId=policy, TargetId=unit),
            )
            self.report(f"attached policy '{POLICY_NAME}' to {unit}")
        deadline = self.clock() + _WAIT_SECONDS
        while not self._is_attached(policy, unit):
            if self.clock() >= deadline:
                raise ClosingError(
                    f"policy '{POLICY_NAME}' is not seen on {unit}; run the same command again, the "
                    "account has not been moved"
                )
            self.sleep(_POLL_SECONDS)

    def _is_attached(self, policy: str, unit: str) -> bool:
        attached = self._pages("list_policies_for_target", "Policies", TargetId=unit, Filter=_SCP)
        return any(entry["Id"] == policy for entry in attached)

    def _of_the_caller(self) -> Iterator[str]:
        identity = self._ask("the caller", lambda: self.session.client("sts").get_caller_identity())
        role = _role_name(str(identity["Arn"]))
        organization = self._ask(
            "the organization", lambda: self._client.describe_organization()["Organization"]
        )
        manager = organization["MasterAccountId"]
        if identity["Account"] != manager:
            yield (
                f"the credentials are of account {identity['Account']}; sign in to {manager}, which "
                "manages the organization"
            )
        elif role and (_DEPLOYMENT_ROLE.fullmatch(role) or self._is_denied(role)):
            yield (
                f"role '{role}' deploys the organization, and a deployment never closes an account; "
                "sign in as a person that may, with a role of its own"
            )

    def _is_denied(self, role: str) -> bool:
        """Tell whether a role carries an explicit Deny on closing accounts, as far as IAM tells."""
        iam = self.session.client("iam")
        try:
            arn = iam.get_role(RoleName=role)["Role"]["Arn"]
            results = iam.simulate_principal_policy(
                PolicySourceArn=arn, ActionNames=["organizations:CloseAccount"]
            )["EvaluationResults"]
        except (BotoCoreError, ClientError):
            # Whoever may not ask is told by CloseAccount itself.
            return False
        return any(result["EvalDecision"] == "explicitDeny" for result in results)

    def _of_the_account(self) -> Iterator[str]:
        id = self.account.id
        organization = self._ask(
            "the organization", lambda: self._client.describe_organization()["Organization"]
        )
        if id == organization["MasterAccountId"]:
            yield (
                f"account {id} manages the organization; it is closed by its root user, after all "
                "other accounts have gone"
            )
            return
        administrators = self._pages("list_delegated_administrators", "DelegatedAdministrators")
        if id in {entry["Id"] for entry in administrators}:
            services = self._pages(
                "list_delegated_services_for_account", "DelegatedServices", AccountId=id
            )
            names = ", ".join(sorted(str(entry["ServicePrincipal"]) for entry in services))
            yield (
                f"account {id} is the delegated administrator of {names}; name another one in code "
                "and deploy, or: aws organizations deregister-delegated-administrator "
                f"--account-id {id} --service-principal SERVICE"
            )
        if not (self.account.is_open or self.account.is_closing):
            yield f"account {id} is {self.account.state}; it has to be {_OPEN} to be closed"

    def _of_the_code(self) -> Iterator[str]:
        id, email = self.account.id, self.account.email.lower()
        locked = self.lock.accounts if self.lock else {}
        paths = [path for path, entry in locked.items() if entry.email.lower() == email]
        invitations = [
            path
            for path, entry in (self.lock.invitations if self.lock else {}).items()
            if id == entry.account_id or email == (entry.email or "").lower()
        ]
        declared = self.model.accounts.values() if self.model else ()
        in_code = [entry.path for entry in declared if entry.email.lower() == email]
        invited = self.model.invited_names if self.model else frozenset()
        stack = self._stack()
        where = [
            *(f"the lock has it as '{path}'" for path in (*paths, *invitations)),
            *(f"the app declares it as '{path}'" for path in in_code),
            *(["the app invites it"] if {id, email} & invited else []),
            *([f"stack '{stack}' holds it"] if stack else []),
        ]
        if not where:
            return
        path = (paths or in_code or ["PATH"])[0]
        # An invitation goes with its code: nothing of it is retained.
        release = f"`orgctl lock --release '{path}'`, " if paths or in_code or stack else ""
        yield (
            f"code still declares account {id}: {', '.join(where)}. CloudFormation does not find a "
            "closed account, so the next change of it would fail. First --quarantine-only, if it "
            f"has to stop at once; then {release}remove it from the code, `make deploy`; then this "
            "command again"
        )

    def _stack(self) -> str | None:
        """Return the name of the stack that holds the account."""
        client = self.session.client("cloudformation")

        def find() -> str | None:
            for page in client.get_paginator("list_stacks").paginate():
                for stack in page["StackSummaries"]:
                    if stack["StackStatus"] == "DELETE_COMPLETE":
                        continue
                    resources = client.get_paginator("list_stack_resources").paginate(
                        StackName=stack["StackId"]
                    )
                    for entry in (r for p in resources for r in p["StackResourceSummaries"]):
                        if (
                            entry["ResourceType"] == ACCOUNT
                            and entry.get("PhysicalResourceId") == self.account.id
                            and entry["ResourceStatus"] != "DELETE_COMPLETE"
                        ):
                            return str(stack["StackName"])
            return None

        return self._ask("the stacks", find)

    def _of_the_quota(self) -> Iterator[str]:
        accounts = list(self._ask("the accounts", lambda: list(_accounts(self._client))))
        closing = [a.id for a in accounts if a.state == "PENDING_CLOSURE"]
        at_once = quota("concurrent_account_closures")
        if len(closing) >= at_once:
            yield (
                f"{len(closing)} accounts are being closed ({', '.join(closing)}), AWS closes "
                f"{at_once} at a time; wait some minutes and run this again"
            )
        # Closed accounts stay for 90 days, so no more were closed in the last 30.
        closed = sum(account.is_closing for account in accounts)
        most = min(
            max(
                quota("account_closures_per_30_days"),
                (len(accounts) - 1) * quota("account_closures_percent") // 100,
            ),
            quota("account_closures_maximum"),
        )
        if closed >= most:
            self.report(
                f"up to {closed} accounts were closed in the last 30 days, {most} may be: AWS may "
                "refuse"
            )

    def _state(self) -> str:
        account = self._ask(
            "the account",
            lambda: self._client.describe_account(AccountId=self.account.id)["Account"],
        )
        return _state_of(account)

    def _pages(self, operation: str, key: str, **params: str) -> list[dict[str, Any]]:
        def read() -> list[dict[str, Any]]:
            pages = self._client.get_paginator(operation).paginate(**params)
            return [entry for page in pages for entry in page[key]]

        return self._ask(key, read)

    @staticmethod
    def _ask(what: str, operation: Callable[[], _Result]) -> _Result:
        try:
            return operation()
        except ClientError as error:
            raise ClosingError(f"{what} cannot be read: {_told(error)}") from error

    def _write(self, failure: str, operation: Callable[[], _Result]) -> _Result:
        """Write once AWS lets it: others write too, and it serialises."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return operation()
            except ClientError as error:
                if _code(error) not in _TRANSIENT or attempt == _ATTEMPTS:
                    raise ClosingError(
                        f"{failure}: {_told(error)}; the same command again goes on where it stopped"
                    ) from error
                self.sleep(min(2.0**attempt, 30.0))
        raise AssertionError(failure)


# Why AWS refuses to close an account, and what to do (reasons of ConstraintViolationException).
_REMEDIES: Final[Mapping[str, str]] = {
    "CLOSE_ACCOUNT_QUOTA_EXCEEDED": "wait until the first of them is 30 days old; it stays in "
    "quarantine until then, and the same command closes it",
    "CLOSE_ACCOUNT_REQUESTS_LIMIT_EXCEEDED": "wait some minutes and run the same command again",
    "CANNOT_CLOSE_MANAGEMENT_ACCOUNT": "its root user closes it, after all others have gone",
}


def _accounts(client: Any) -> Iterator[ClosingAccount]:
    for page in client.get_paginator("list_accounts").paginate():
        for account in page["Accounts"]:
            yield ClosingAccount(
                id=account["Id"],
                name=account.get("Name", ""),
                email=account.get("Email", ""),
                state=_state_of(account),
            )


def _state_of(account: Mapping[str, Any]) -> str:
    # `Status` was retired in 2026; older endpoints have nothing else.
    return str(account.get("State") or account.get("Status", "?"))


def _role_name(arn: str) -> str:
    """Return the role of a session, empty for a user or the root user."""
    resource = arn.split(":", 5)[-1]
    kind, _, rest = resource.partition("/")
    return rest.split("/")[0] if kind == "assumed-role" else ""


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _told(error: Exception) -> str:
    return str(error).rstrip(".")
