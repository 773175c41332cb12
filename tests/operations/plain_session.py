"""A session that reaches an embedded AWS, for what takes one of boto3's."""

from __future__ import annotations

from functools import cache
from typing import Any

from org_constructs.rehearsal import EmbeddedAws


@cache
def _client(aws: EmbeddedAws, service: str, account: str, region: str) -> Any:
    """Return a client, the same one in each test: making one takes longer than calling it."""
    return aws.client(service, account, region=region)


class PlainSession:
    """What operations use of boto3's session.

    Attributes:
        instead: answers in place of the embedded AWS, by service.
    """

    def __init__(self, aws: EmbeddedAws, **instead: Any) -> None:
        self._aws = aws
        self.instead = instead
        self.region_name = aws.region

    def client(self, service: str, *, region_name: str | None = None, **_: Any) -> Any:
        """Return a client, or what stands in for it."""
        if service.replace("-", "_") in self.instead:
            return self.instead[service.replace("-", "_")]
        return _client(self._aws, service, self._aws.account_id, region_name or self._aws.region)

    @staticmethod
    def get_partition_for_region(_: str) -> str:
        """Return the partition of the embedded AWS."""
        return "aws"
