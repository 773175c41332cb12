"""Whatever goes wrong at one call: the deployment that is repeated converges, without a gap.

A sample; `benchmarks/faults.py` tries every fault at every write.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from quick_cli import WithoutCli
from reference_app import copy_app, succeeded

from org_constructs.cli._reader import EmbeddedReader
from org_constructs.evaluation.coverage import lost_denials
from org_constructs.rehearsal import EmbeddedAws, Settings
from org_constructs.rehearsal.sweep import Sweep

pytestmark = pytest.mark.e2e

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "faults.py"
# One of each kind, at an OU, a policy, an attachment, an account and its move.
SAMPLE = {
    "CreateOrganizationalUnit:1:ServiceException:after": "deploy, recover",
    "CreatePolicy:2:ServiceException:after": "deploy, recover",
    "CreateAccount:3:FAILED=INTERNAL_FAILURE": "deploy",
    "CreateAccount:1:ServiceException:after": "recover",
    "MoveAccount:4:AccessDeniedException": "recover",
    "Lambda:1:dies": "deploy",
}


def _benchmark() -> Any:
    spec = importlib.util.spec_from_file_location("benchmark_of_faults", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweep]:
    """The reference organization, synthesized once."""
    benchmark = _benchmark()
    folder = tmp_path_factory.mktemp("app")
    copy_app(folder)
    settings = Settings(policy_type_seconds=0)
    with EmbeddedAws.start(settings=settings) as aws, WithoutCli(aws, folder, quiet=True) as cdk:
        succeeded(cdk.synth())
        yield Sweep(
            aws,
            cdk.assembly,
            EmbeddedReader(aws),
            lambda: benchmark.recover(aws, cdk.assembly),
            denials=lost_denials,
        )


@pytest.mark.parametrize(("fault", "repair"), SAMPLE.items())
def test_it_converges(sweep: Sweep, fault: str, repair: str) -> None:
    """Live equals declared in the end, no account is bare meanwhile, and one repair is enough, or two where a name is taken."""
    survival = sweep.run(fault)
    assert survival.happened
    assert survival.verdict.differences == ()
    assert survival.verdict.orphans == ()
    assert survival.verdict.gaps == ()
    assert ", ".join(survival.repairs) == repair
