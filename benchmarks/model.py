"""How long it takes to read a large organization, and how much memory it takes at most.

`python benchmarks/model.py` writes the templates of 10,000 accounts in 2,000 OUs, in stacks of at
most 500 resources as CDK would write them, then reads them in a process of its own. The limits are
those that a laptop does not notice: two seconds and 150 MB.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SECONDS, MEGABYTES = 2.0, 150.0
PER_STACK = 500
TOP_UNITS = 20


def write(folder: Path, accounts: int, units: int) -> int:
    """Write an assembly; return how many stacks it has."""
    stacks: dict[str, dict[str, Any]] = {}
    homes: dict[str, str] = {}

    def add(logical_id: str, kind: str, properties: dict[str, Any], path: str) -> None:
        last = next(reversed(stacks), None)
        if last is None or len(stacks[last]["Resources"]) >= PER_STACK:
            last = f"Org{len(stacks)}"
            stacks[last] = {"Resources": {}, "Outputs": {}}
        stacks[last]["Resources"][logical_id] = {
            "Type": f"AWS::Organizations::{kind}",
            "Properties": properties,
            "UpdateReplacePolicy": "Retain",
            "DeletionPolicy": "Retain",
            "Metadata": {"aws:cdk:path": f"{last}/{path}/Resource"},
        }
        homes[logical_id] = last

    def refer(logical_id: str) -> dict[str, Any]:
        home = homes[logical_id]
        if home == next(reversed(stacks)) and len(stacks[home]["Resources"]) < PER_STACK:
            return {"Fn::GetAtt": [logical_id, "Id"]}
        name = f"Publish{logical_id}"
        stacks[home]["Outputs"][name] = {"Value": {"Fn::GetAtt": [logical_id, "Id"]}}
        return {"Fn::GetStackOutput": {"StackName": home, "OutputName": name}}

    for n in range(units):
        parent = "r-ab12" if n < TOP_UNITS else refer(f"Unit{(n - TOP_UNITS) // 10}A1B2C3D4")
        unit = {"Name": f"unit-{n}", "ParentId": parent}
        add(f"Unit{n}A1B2C3D4", "OrganizationalUnit", unit, f"Unit{n}")
        if n % 4 == 0:
            deny = {"Sid": f"Deny{n}", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}
            policy = {
                "Name": f"policy-{n}",
                "Type": "SERVICE_CONTROL_POLICY",
                "Content": {"Version": "2012-10-17", "Statement": [deny]},
                "TargetIds": [refer(f"Unit{n}A1B2C3D4")],
            }
            add(f"Policy{n}A1B2C3D4", "Policy", policy, f"Unit{n}/Guardrails")
    for n in range(accounts):
        account = {
            "AccountName": f"account-{n}",
            "Email": f"aws+account-{n}@corp.com",
            "ParentIds": [refer(f"Unit{n % units}A1B2C3D4")],
            "RoleName": "OrganizationAccountAccessRole",
            "Tags": [{"Key": "team", "Value": f"team-{n % 97}"}],
        }
        add(f"Account{n}A1B2C3D4", "Account", account, f"Accounts/account-{n}")
    artifacts = {}
    for name, template in stacks.items():
        (folder / f"{name}.template.json").write_text(json.dumps(template, indent=1), "utf-8")
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://246813579024/us-east-1",
            "properties": {"templateFile": f"{name}.template.json"},
            "displayName": name,
        }
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}), "utf-8")
    return len(stacks)


def measure(folder: Path) -> None:
    """Read the organization in this process and print what it took."""
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    begin = time.perf_counter()
    from org_constructs.model import OrganizationModel

    model = OrganizationModel.from_assembly(folder)
    loaded = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    begin = time.perf_counter()
    last = list(model.accounts.values())[-1]
    found = model.account(model.name_path(last.key))
    looked_up = time.perf_counter() - begin
    assert found is last
    assert not model.unknowns
    print(
        json.dumps(
            {
                "accounts": len(model.accounts),
                "units": len(model.organizational_units),
                "policies": len(model.policies),
                "seconds": round(loaded, 3),
                "first_lookup_seconds": round(looked_up, 3),
                "peak_mb": round(peak, 1),
                "python_alone_mb": round(base, 1),
            }
        )
    )


def main() -> None:
    """Write, read in another process, and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--units", type=int, default=2_000)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read:
        measure(arguments.read)
        return
    with tempfile.TemporaryDirectory() as name:
        stacks = write(Path(name), arguments.accounts, arguments.units)
        command = [sys.executable, __file__, "--read", name]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    print(json.dumps({"stacks": stacks, **found}, indent=2))
    if found["seconds"] > SECONDS or found["peak_mb"] > MEGABYTES:
        sys.exit(f"more than {SECONDS} s or {MEGABYTES} MB")


if __name__ == "__main__":
    main()
