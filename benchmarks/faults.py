"""Whether a deployment converges whatever goes wrong: each fault at each write of the reference.

    python benchmarks/faults.py            # all of them
    python benchmarks/faults.py --every 10 # a sample
    python benchmarks/faults.py --change   # of an update instead of the first deployment
    python benchmarks/faults.py --rollback # what CloudFormation's own way would leave behind
    python benchmarks/faults.py --settings # with invitations and settings; then the sweep fails

Each fault is injected alone into a deployment of the reference organization to an embedded AWS.
Where it stops the deployment, the same deployment is repeated, or `orgctl recover` is run where an
account exists that no stack holds. Survived means that live equals declared in the end, without a
gap. The update moves an account, changes a guardrail and adds an account.
With --rollback CloudFormation undoes what failed, as it does unless told otherwise, and the
same deployment is repeated.
With --settings the organization also invites two accounts, trusts a service, manages root users and
tags the root. Survived then means besides that all of it is in force, that both owners can accept and
that their accounts are placed; and each fault is also injected while the sweep places them.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from org_constructs.cli._reader import EmbeddedReader
from org_constructs.evaluation.coverage import lost_denials
from org_constructs.model import Lock, OrganizationModel
from org_constructs.operations.recovery import Recovery, RecoveryError, find_orphans
from org_constructs.rehearsal import EmbeddedAws
from org_constructs.rehearsal.backend.faults import Fault, FaultError
from org_constructs.rehearsal.cdk_cli import CdkCli
from org_constructs.rehearsal.sweep import ANY_WRITE, Survival, Sweep
from org_constructs.rehearsal.without_cli import deploy, import_resources

if TYPE_CHECKING:
    from boto3.session import Session

ROOT = Path(__file__).parents[1]
INVITED = {"222222222222": "Workloads/Production", "333333333333": "Sandbox"}
# The custom resources of --settings.
LAMBDAS = 8


def main() -> int:
    """Run the sweep; end with 1 when a fault was not survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only every so manieth fault")
    parser.add_argument("--rollback", action="store_true", help="let CloudFormation roll back")
    parser.add_argument("--change", action="store_true", help="let an update fail")
    parser.add_argument("--settings", action="store_true", help="with invitations and settings")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, EmbeddedAws.start() as aws:
        app = reference_app(Path(folder))
        if arguments.settings:
            add_settings(app)
        with CdkCli(aws, app, quiet=True) as cdk:
            step = cdk.synth()
            assert step.exit_code == 0, step.output
            assembly, base = cdk.assembly, None
            if arguments.change:
                base = Path(folder) / "base.out"
                shutil.copytree(assembly, base)
                Lock.of(OrganizationModel.from_assembly(base)).write(cdk.lock_file)
                change(app)
                step = cdk.synth()
                assert step.exit_code == 0, step.output
            sweep = Sweep(
                aws,
                assembly,
                EmbeddedReader(aws),
                lambda: recover(aws, assembly),
                base=base,
                denials=lost_denials,
            )
            dying = 0 if arguments.change else LAMBDAS if arguments.settings else 1
            lambdas = [f"Lambda:{number}:dies" for number in range(1, dying + 1)]
            faults = [*sweep.faults(is_possible), *lambdas][:: arguments.every]
            began = time.monotonic()
            lacking: list[str] = []
            survivals = []
            for fault in faults:
                survivals.append(tried(sweep, fault, rollback=arguments.rollback))
                if arguments.settings:
                    lacking += [f"{fault}: {what}" for what in not_in_force(aws)]
            show(survivals, time.monotonic() - began, rollback=arguments.rollback)
            if arguments.settings:
                lacking += sweep_of_invitations(aws, sweep)
                print(f"{len(lacking)} things not in force in the end")
                for line in lacking:
                    print(f"  {line}")
    lost = [s for s in survivals if not s.verdict.converged or s.verdict.gaps]
    return 1 if (lost or lacking) and not arguments.rollback else 0


def add_settings(folder: Path) -> None:
    """Let the reference organization invite two accounts, and have settings."""
    file = folder / "cdk.json"
    config = json.loads(file.read_text("utf-8"))
    config["context"]["org"]["invitations"] = {
        f"Invited{number}": {"ou": ou, "account_id": account}
        for number, (account, ou) in enumerate(INVITED.items())
    }
    file.write_text(json.dumps(config), "utf-8")
    foundation = folder / "stacks" / "foundation.py"
    lines = (
        'self.organization.trust_service("ram.amazonaws.com")',
        "self.organization.manage_root_access()",
        'self.organization.tag_root({"owner": "platform"})',
    )
    text = foundation.read_text("utf-8")
    foundation.write_text(text + "".join(f"        {line}\n" for line in lines), "utf-8")


def not_in_force(aws: EmbeddedAws) -> Iterator[str]:
    """Let the owners accept, and say what is not as it is declared."""
    organizations, iam = aws.client("organizations"), aws.client("iam")
    trusted = organizations.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
    if "ram.amazonaws.com" not in {entry["ServicePrincipal"] for entry in trusted}:
        yield "RAM is not trusted"
    features = set(iam.list_organizations_features()["EnabledFeatures"])
    if features != {"RootCredentialsManagement", "RootSessions"}:
        yield f"of root access only {sorted(features)} are on"
    root = organizations.list_roots()["Roots"][0]["Id"]
    tags = organizations.list_tags_for_resource(ResourceId=root)["Tags"]
    if {"Key": "owner", "Value": "platform"} not in tags:
        yield "the root is not tagged"
    pages = organizations.get_paginator("list_accounts").paginate()
    yield from (
        f"{account['Id']} is {account['State']}"
        for page in pages
        for account in page["Accounts"]
        if account["State"] != "ACTIVE"
    )
    yield from accept(aws)
    aws.wait_for_functions()
    yield from misplaced(aws)


def accept(aws: EmbeddedAws) -> Iterator[str]:
    """Accept every invitation, each as its owner; say where there is none."""
    for account in INVITED:
        owner = aws.client("organizations", account)
        pending = [
            handshake["Id"]
            for handshake in owner.list_handshakes_for_account()["Handshakes"]
            if handshake["State"] in ("OPEN", "REQUESTED")
        ]
        if len(pending) != 1:
            yield f"{account} has {len(pending)} invitations"
        for handshake in pending[:1]:
            owner.accept_handshake(HandshakeId=handshake)


def misplaced(aws: EmbeddedAws) -> Iterator[str]:
    """Say which invited accounts are not in their OU."""
    organizations = aws.client("organizations")
    for account, ou in INVITED.items():
        parent = organizations.list_parents(ChildId=account)["Parents"][0]["Id"]
        name = "Root"
        if parent.startswith("ou-"):
            unit = organizations.describe_organizational_unit(OrganizationalUnitId=parent)
            name = unit["OrganizationalUnit"]["Name"]
        if name != ou.rpartition("/")[2]:
            yield f"{account} is in {name}"


def sweep_of_invitations(aws: EmbeddedAws, sweep: Sweep) -> list[str]:
    """Let the sweep fail in each way while both owners have accepted; the next one places them."""
    kinds = [kind for kind in ANY_WRITE if is_possible(f"MoveAccount:1:{kind}")]
    faults = [f"MoveAccount:{number}:{kind}" for number in (1, 2) for kind in kinds]
    faults += [f"Lambda:1-{most}:dies" for most in (1, 2, 3)]
    lacking: list[str] = []
    for fault in faults:
        sweep.run("Lambda:99:dies")
        aws.inject(fault)
        lacking += [f"{fault} in the sweep: {what}" for what in accept(aws)]
        aws.wait_for_functions()
        aws.clear_faults()
        # Once more, as ten minutes later.
        aws.run_schedules()
        aws.wait_for_functions()
        lacking += [f"{fault} in the sweep: {what}" for what in misplaced(aws)]
    print(f"{len(faults)} faults injected while the sweep places accounts")
    return lacking


def reference_app(folder: Path) -> Path:
    """Copy the reference app with its own settings, whatever this clone's have become."""
    shutil.copy(ROOT / "app.py", folder)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "stacks", folder / "stacks", ignore=ignored)
    config = json.loads((ROOT / "cdk.json").read_text("utf-8"))
    settings = (ROOT / "tests/reference_settings.json").read_text("utf-8")
    config["context"]["org"] = json.loads(settings)
    config["app"] = f"{shlex.quote(sys.executable)} app.py"
    (folder / "cdk.json").write_text(json.dumps(config), "utf-8")
    return folder


def change(folder: Path) -> None:
    """Move an account, change a guardrail, add an account."""
    file = folder / "cdk.json"
    config = json.loads(file.read_text("utf-8"))
    settings = config["context"]["org"]
    settings["regions"]["sandbox"] = ["eu-west-1"]
    settings["accounts"]["Playground"]["ou"] = "Workloads/Staging"
    settings["accounts"]["Late"] = {"ou": "Workloads/Production", "name": "late"}
    file.write_text(json.dumps(config), "utf-8")


def is_possible(fault: str) -> bool:
    """Tell whether AWS's operation can answer with this error."""
    try:
        Fault.parse(fault)
    except FaultError:
        return False
    return True


def tried(sweep: Sweep, fault: str, *, rollback: bool) -> Survival:
    """Run one fault and print a line on it where it is not survived."""
    survival = sweep.run(fault, rollback=rollback)
    verdict = survival.verdict
    if (not verdict.converged or verdict.gaps) and not rollback:
        first = next(iter((*verdict.differences, *verdict.orphans, *verdict.gaps)))
        print(f"  NOT SURVIVED {fault}: {first}", flush=True)
    return survival


def recover(aws: EmbeddedAws, assembly: Path) -> None:
    """Do what `orgctl recover --yes` does, with CloudFormation's API in place of the CDK CLI."""
    session = cast("Session", aws)
    model = OrganizationModel.from_assembly(assembly)

    def run(command: Sequence[str]) -> int:
        app = Path(command[command.index("--app") + 1])
        if command[0] == "deploy":
            return int(deploy(aws, app) is not None)
        mapping = Path(command[command.index("--resource-mapping") + 1])
        identifiers = json.loads(mapping.read_text("utf-8"))
        return int(import_resources(aws, app, command[1], identifiers) is not None)

    with tempfile.TemporaryDirectory() as folder:
        try:
            orphans = find_orphans(model, session)
            for task in Recovery(assembly, orphans, session, Path(folder), run).tasks():
                task.run()
        except RecoveryError as error:
            print(f"  recovery: {error}")


def show(survivals: Sequence[Survival], seconds: float, *, rollback: bool) -> None:
    """Print the figures."""
    met = [survival for survival in survivals if survival.happened]
    stopped = [survival for survival in met if survival.stopped]
    survived = [s for s in met if s.verdict.converged and not s.verdict.gaps]
    repairs = Counter(" then ".join(s.repairs) or "nothing" for s in met)
    gaps = sum(len(s.verdict.gaps) for s in survivals)
    print(f"{len(survivals)} faults injected, {len(met)} happened, {len(stopped)} stopped it")
    print(f"{len(survived)} of {len(met)} survived, {gaps} gaps")
    print(f"repaired by: {', '.join(f'{what} ({n})' for what, n in repairs.most_common())}")
    if rollback:
        lost = [s for s in met if not s.verdict.converged]
        accounts = sum(orphan.kind == "account" for s in lost for orphan in s.verdict.orphans)
        units = sum(
            orphan.kind == "organizational unit" for s in lost for orphan in s.verdict.orphans
        )
        print(
            f"rollback on: {len(lost)} of {len(stopped)} never converge by repeating the deployment; "
            f"they leave {accounts} accounts and {units} OUs that no stack holds"
        )
    print(f"{seconds:.0f} s, {seconds / max(1, len(survivals)):.1f} s each")


if __name__ == "__main__":
    raise SystemExit(main())
