"""The embedded AWS as a pytest fixture."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from org_constructs.rehearsal import EmbeddedAws

_RUNNING = pytest.StashKey[EmbeddedAws]()


@pytest.fixture
def embedded_aws(request: pytest.FixtureRequest) -> Iterator[EmbeddedAws]:
    """An embedded AWS with nothing in it, for one test.

    The first test that asks for it starts a server, in less than a second; every further test of
    the same process gets the same one after a reset, which takes milliseconds. It stops with
    pytest. Settings, faults and the clock that a test changes are back in the next one.
    """
    aws = _running(request.config)
    account_id, region = aws.account_id, aws.region
    aws.reset()
    yield aws
    aws.act_as(account_id, region)


def _running(config: pytest.Config) -> EmbeddedAws:
    # Not a fixture of the session's: users import one name, and pytest sees only imported ones.
    aws = config.stash.get(_RUNNING, None)
    if aws is None:
        aws = EmbeddedAws.start()
        config.stash[_RUNNING] = aws
        config.add_cleanup(aws.stop)
    return aws
