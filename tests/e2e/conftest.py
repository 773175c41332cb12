"""A copy of the reference app and an embedded AWS to deploy it to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import pytest
from reference_app import App, copy_app, succeeded

from org_constructs.rehearsal import EmbeddedAws, Settings
from org_constructs.rehearsal.cdk_cli import CdkCli


@pytest.fixture(scope="module")
def new_app_on_aws(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., App]]:
    """Return a function that copies the reference app and starts and bootstraps an AWS for it."""
    with ExitStack() as running:

        def make(
            *,
            settings: Settings | None = None,
            context: Mapping[str, str] | None = None,
            bootstrap: bool = True,
        ) -> App:
            folder = tmp_path_factory.mktemp("app")
            copy_app(folder)
            aws = running.enter_context(EmbeddedAws.start(settings=settings))
            cdk = running.enter_context(CdkCli(aws, folder, context=context, quiet=True))
            if bootstrap:
                succeeded(cdk.bootstrap())
            return App(folder, aws, cdk)

        yield make
