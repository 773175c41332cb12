"""A session that reaches an embedded AWS, for what takes one of boto3's."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from org_constructs.rehearsal import EmbeddedAws


def refusing(action: str) -> Any:
    """Return a client that may do nothing."""
    answer: Any = {"Error": {"Code": "AccessDenied", "Message": "not authorized"}}

    class Refusing:
        exceptions = SimpleNamespace(ParameterNotFound=KeyError, NoSuchEntityException=KeyError)

        def __getattr__(self, name: str) -> Any:
            def call(*_: Any, **__: Any) -> Any:
                raise ClientError(answer, action)

            return call

    return Refusing()


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
        # The embedded AWS has neither, and takes seconds to say so.
        self.instead = {
            "service_quotas": refusing("GetServiceQuota"),
            "controltower": refusing("ListLandingZones"),
            **instead,
        }
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
