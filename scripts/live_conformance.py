"""Ask a real organization the harmless part of the conformance behaviours: `make live-conformance`.

Harmless is what only reads: behaviours whose every call lists or describes, and that expect an
error. The answers of an organization are its own; its refusals are AWS's. Anything else is refused
before it is sent. Credentials are those that boto3 finds; without them nothing is sent.

Exit code 0 when AWS refuses as the embedded AWS does, 1 when it differs, 2 without credentials.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "conformance")]

from behaviour_driver import Player, behaviours, own_step, service_of  # noqa: E402

READS = ("Describe", "List")
# Set-ups that a real organization fulfils by existing.
FULFILLED = frozenset({"organization"})


class Live:
    """A real organization, which is only read."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def reset(self) -> None:
        """Do nothing: what exists stays."""

    def advance(self, seconds: float) -> None:
        """Refuse: AWS's clock is its own."""
        raise AssertionError(f"the clock of AWS cannot be moved by {seconds} seconds")

    def configure(self, changes: dict[str, Any]) -> None:
        """Refuse: AWS is as it is."""
        raise AssertionError(f"AWS cannot be configured: {', '.join(changes)}")

    def number_of_calls(self) -> int:
        """Refuse: others call too."""
        raise AssertionError("the calls to AWS cannot be counted")

    def send(
        self, operation: str, params: dict[str, Any], account: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Make a call that reads; return the answer, or the error with its reason.

        Raises:
            PermissionError: the call would write; it has not been sent.
        """
        del account
        if operation == "CreateOrganization":
            operation = "DescribeOrganization"
        if not operation.startswith(READS):
            raise PermissionError(f"{operation} writes; nothing is sent")
        try:
            answer: dict[str, Any] = getattr(self._client, xform_name(operation))(**params)
        except ClientError as refused:
            response: dict[str, Any] = dict(refused.response)
            reason = {"reason": response["Reason"]} if response.get("Reason") else {}
            return {}, {"error": response["Error"]["Code"], **reason}
        return answer, {}


def harmless() -> Iterator[dict[str, Any]]:
    """Yield the behaviours that can be asked of an organization which someone needs."""
    for _, behaviour in behaviours():
        steps = behaviour["steps"]
        if (
            FULFILLED.issuperset(behaviour.get("given", []))
            and all(step.get("call", "").startswith(READS) for step in steps)
            and not any("as" in step for step in steps)
            and "error" in own_step(behaviour).get("expect", {})
            # What other services answer depends on what the organization has turned on.
            and all(service_of(step["call"]) == "organizations" for step in steps)
        ):
            yield behaviour


def main() -> int:
    """Ask, and print what differs."""
    # What the SDK would not even send is for AWS to refuse; throttling is AWS's right.
    config = Config(retries={"mode": "adaptive"}, parameter_validation=False)
    try:
        who = boto3.client("sts", config=config).get_caller_identity()
        client = boto3.client("organizations", config=config)
        organization = client.describe_organization()["Organization"]
    except (NoCredentialsError, NoRegionError, ClientError, BotoCoreError) as error:
        print(f"no organization can be read: {error}", file=sys.stderr)
        return 2
    print(f"organization {organization['Id']}, read as {who['Arn']}")
    differing = 0
    asked = list(harmless())
    for behaviour in asked:
        try:
            Player(Live(client)).play(behaviour)
        except AssertionError as difference:
            differing += 1
            print(f"differs: {behaviour['id']} ({behaviour['evidence']}): {difference}")
    print(f"{len(asked) - differing} of {len(asked)} behaviours are AWS's")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
