"""A session that reaches an embedded AWS, for what takes one of boto3's."""

from __future__ import annotations

from typing import Any

from org_constructs.rehearsal import EmbeddedAws


class PlainSession:
    """What operations use of boto3's session.

    Attributes:
        instead: answers in place of the embedded AWS, by service.
    """

    def __init__(self, aws: EmbeddedAws, **instead: Any) -> None:
        self._aws = aws
        self.instead = instead
        self.region_name = aws.region
        self._clients: dict[tuple[str, str | None], Any] = {}

    def client(self, service: str, *, region_name: str | None = None, **_: Any) -> Any:
        """Return a client, the same one each time."""
        if service.replace("-", "_") in self.instead:
            return self.instead[service.replace("-", "_")]
        key = (service, region_name)
        if key not in self._clients:
            self._clients[key] = self._aws.client(service, region=region_name)
        return self._clients[key]

    @staticmethod
    def get_partition_for_region(_: str) -> str:
        """Return the partition of the embedded AWS."""
        return "aws"
