"""Build and synthesize 400 accounts in 40 OUs with 20 guardrail policies: the library beside raw L1.

Both variants give the same template, logical ids and names aside, and that is checked. Each run
is a whole process, imports included, with CDK's own validation on, as under `cdk synth`; runs
alternate, because a shared machine drifts; processor time, of Python and Node together, tells a
busy machine from a slow library. The raw variant retains every OU and account, as the
library does: an author who does not has a cheaper and more dangerous template.

Usage: python benchmarks/synth.py [--pairs N] [--no-validation]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

TEAMS = 8
CHILDREN = 4
ACCOUNTS = 400
POLICIES = 20
LIMIT = 1.10
ENVIRONMENT = {"account": "246813579024", "region": "us-east-1"}


def build_with_library(stack: Any) -> None:
    """Declare the organization with this library."""
    from org_constructs import Organization
    from org_constructs.guardrails import ProtectCloudTrail, RegionDeny

    root = Organization.from_organization_attributes(
        stack,
        "Organization",
        organization_id="o-a1b2c3d4e5",
        root_id="r-ab12",
        management_account_id=ENVIRONMENT["account"],
        acknowledge={
            "ORG134": "service control policies have been on for years",
            "ORG208": "twenty equal policies are what is measured",
            "ORG217": "half of the units have none, likewise",
        },
    ).root
    units = []
    for team in range(TEAMS):
        parent = root.add_organizational_unit(f"Team{team}")
        units += [parent, *(parent.add_organizational_unit(f"Stage{n}") for n in range(CHILDREN))]
    for unit in units[:POLICIES]:
        unit.attach(RegionDeny(allowed_regions=["eu-central-1", "eu-west-1"]), ProtectCloudTrail())
    for number in range(ACCOUNTS):
        units[number % len(units)].add_account(
            f"Account{number:03}", email=f"aws+{number}@corp.com"
        )


def build_with_l1(stack: Any) -> None:
    """Declare the same organization with CloudFormation resources, as an author would by hand."""
    import aws_cdk as cdk
    from aws_cdk import aws_organizations as organizations

    from org_constructs.guardrails import ProtectCloudTrail, RegionDeny

    guardrails = (
        ProtectCloudTrail(),
        RegionDeny(allowed_regions=["eu-central-1", "eu-west-1"]),
    )
    units = []
    chain: list[cdk.CfnResource] = []
    for team in range(TEAMS):
        parent = organizations.CfnOrganizationalUnit(
            stack, f"Team{team}", name=f"Team{team}", parent_id="r-ab12"
        )
        units.append(parent)
        parent_id = parent.attr_id
        units += [
            organizations.CfnOrganizationalUnit(
                stack, f"Team{team}Stage{n}", name=f"Stage{n}", parent_id=parent_id
            )
            for n in range(CHILDREN)
        ]
    ids = [unit.attr_id for unit in units]
    chain += units
    chain += [
        organizations.CfnPolicy(
            stack,
            f"Policy{n:02}",
            name=f"policy-{n:02}",
            description="Guardrails: protect-cloud-trail, region-deny",
            type="SERVICE_CONTROL_POLICY",
            content={
                "Version": "2012-10-17",
                "Statement": [s.to_json() for g in guardrails for s in g.statements()],
            },
            target_ids=[ids[n]],
        )
        for n in range(POLICIES)
    ]
    chain += [
        organizations.CfnAccount(
            stack,
            f"Account{number:03}",
            account_name=f"Account{number:03}",
            email=f"aws+{number}@corp.com",
            parent_ids=[ids[number % len(ids)]],
        )
        for number in range(ACCOUNTS)
    ]
    for item in chain:
        if not isinstance(item, organizations.CfnPolicy):
            item.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    for before, after in pairwise(chain):
        after.add_resource_dependency(before)


def run_variant(name: str, folder: str) -> None:
    """Run one variant in this process and print what it used."""
    import aws_cdk as cdk

    flags = json.loads((Path(__file__).parent.parent / "cdk.json").read_text("utf-8"))["context"]
    del flags["org"]
    flags["org-constructs:lockFile"] = str(Path(folder) / "no.lock.json")
    app = cdk.App(outdir=folder, context=flags, analytics_reporting=False)
    stack = cdk.Stack(app, "Organization", env=cdk.Environment(**ENVIRONMENT))
    {"library": build_with_library, "raw": build_with_l1}[name](stack)
    app.synth()
    print(
        json.dumps(
            {
                "python_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "node_mb": _peak_of_children(),
            }
        )
    )


def _peak_of_children() -> float:
    """Return the peak memory of this process's descendants (Node), in MB; Linux only."""
    parents: dict[int, int] = {}
    peaks: dict[int, float] = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = status.read_text().splitlines()
        except OSError:
            continue
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
        process = int(status.parent.name)
        parents[process] = int(fields["PPid"])
        peaks[process] = int(fields.get("VmHWM", "0").split()[0]) / 1024
    total = 0.0
    for process in parents:
        ancestor = process
        while ancestor in parents and ancestor != os.getpid():
            ancestor = parents[ancestor]
        if ancestor == os.getpid() and process != ancestor:
            total += peaks[process]
    return total


def _cpu_of_children() -> float:
    """Return the processor time of all processes that have ended, those they started included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def shape(folder: str) -> Any:
    """Return the template with ids replaced by what they stand for, to compare the variants."""
    template = json.loads((Path(folder) / "Organization.template.json").read_text("utf-8"))
    resources = template["Resources"]
    names = {}
    for logical_id, item in resources.items():
        properties = item["Properties"]
        label = properties.get("AccountName") or properties["Name"]
        if "ParentId" in properties:
            label = (label, json.dumps(properties["ParentId"]))
        if item["Type"].endswith("Policy"):
            label = ("policy", json.dumps(properties["TargetIds"]))
        names[logical_id] = str((item["Type"], label))
    counts = {"resources": len(resources), "edges": 0, "retained": 0}
    facts = []
    for logical_id, item in resources.items():
        counts["edges"] += len(item.get("DependsOn", []))
        counts["retained"] += item.get("DeletionPolicy") == "Retain"
        properties = item["Properties"]
        facts.append(
            (
                item["Type"],
                json.dumps(properties.get("Content"), sort_keys=True),
                properties.get("Email", ""),
                names[logical_id].split("(")[1].split(",")[0],
            )
        )
    return counts, sorted(facts)


def main() -> int:
    """Run both variants in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--variant", choices=["library", "raw"])
    parser.add_argument("--folder")
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--no-validation", action="store_true")
    arguments = parser.parse_args()
    if arguments.variant:
        run_variant(arguments.variant, arguments.folder)
        return 0
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    # Both run from compiled modules, as what pip has installed does.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if arguments.no_validation:
        environment["CDK_VALIDATION"] = "false"
    runs: dict[str, list[dict[str, float]]] = {"raw": [], "library": []}
    ratios: dict[str, list[float]] = {"seconds": [], "cpu": []}
    with tempfile.TemporaryDirectory() as base:
        for pair in range(arguments.pairs + 1):
            took: dict[str, dict[str, float]] = {}
            order = ["raw", "library"] if pair % 2 else ["library", "raw"]
            for name in order:
                folder = f"{base}/{name}{pair}"
                began, cpu = time.perf_counter(), _cpu_of_children()
                done = subprocess.run(
                    [sys.executable, __file__, "--variant", name, "--folder", folder],
                    env=environment,
                    check=True,
                    capture_output=True,
                    text=True,
                )
                took[name] = {
                    "seconds": time.perf_counter() - began,
                    "cpu": _cpu_of_children() - cpu,
                }
                used = json.loads(done.stdout.splitlines()[-1])
                if pair:
                    runs[name].append({**took[name], **used})
            if not pair:
                # The first pair warms the disk cache and proves that both do the same.
                assert shape(f"{base}/raw0") == shape(f"{base}/library0"), "templates differ"
                continue
            for key, found in ratios.items():
                found.append(took["library"][key] / took["raw"][key])
    print(
        f"{ACCOUNTS} accounts, {TEAMS * (1 + CHILDREN)} OUs, {POLICIES} policies; {arguments.pairs} pairs of whole processes"
    )
    print(f"{'':8} {'seconds':>8} {'CPU s':>6} {'Python MB':>10} {'Node MB':>8}")
    for name, samples in runs.items():
        middle = {key: statistics.median(s[key] for s in samples) for key in samples[0]}
        print(
            f"{name:8} {middle['seconds']:8.2f} {middle['cpu']:6.2f} {middle['python_mb']:10.0f} {middle['node_mb']:8.0f}"
        )
    for key, title in (("seconds", "library / raw"), ("cpu", "processor time")):
        found = ratios[key]
        print(
            f"{title}: median of pairs {statistics.median(found):.3f} (range {min(found):.2f}-{max(found):.2f})"
            + (f", limit {LIMIT:.2f}" if key == "seconds" else "")
        )
    ratio = statistics.median(ratios["seconds"])
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
