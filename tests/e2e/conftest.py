"""A copy of the reference app and an embedded AWS to deploy it to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import pytest
from quick_cli import bootstrap
from reference_app import App, copy_app

from org_constructs.rehearsal import EmbeddedAws, Settings
from org_constructs.rehearsal.cdk_cli import CdkCli


@pytest.fixture(scope="module")
def new_app_on_aws(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., App]]:
    """Return a function that copies the reference app and starts and bootstraps an AWS for it.

    `runner` may be another than the CDK CLI itself where a test proves something else.
    """
    with ExitStack() as running:

        def make(
            *,
            context: Mapping[str, str] | None = None,
            runner: type[CdkCli] = CdkCli,
        ) -> App:
            folder = tmp_path_factory.mktemp("app")
            copy_app(folder)
            aws = running.enter_context(EmbeddedAws.start(settings=Settings(policy_type_seconds=0)))
            cdk = running.enter_context(runner(aws, folder, context=context, quiet=True))
            bootstrap(aws)
            return App(folder, aws, cdk)

        yield make
