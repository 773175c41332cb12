"""Print how much of the API of Organizations the conformance behaviours cover.

The operations of Account Management and IAM that work on an organization are counted too.

A pair is an operation with one of the errors that AWS's model declares for it, or with success.
Pairs that no behaviour covers stand in `tests/conformance/omitted.json`, each with the reason;
`--check` exits 1 when a pair is neither covered nor omitted, or both.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from org_constructs.rehearsal.backend import OPERATIONS  # noqa: E402
from org_constructs.rehearsal.backend.api_model import operations, reasons  # noqa: E402
from org_constructs.rehearsal.backend.other_services import OTHER_SERVICES  # noqa: E402

CONFORMANCE = ROOT / "tests/conformance"
SUCCESS = "ok"

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What the behaviours cover.

    Attributes:
        covered: how many behaviours each pair has.
        omitted: why a pair has none.
        reasons: the reasons that behaviours expect, by error code.
        evidence: how many behaviours have which evidence.
    """

    covered: Counter[Pair]
    omitted: dict[Pair, str]
    reasons: dict[str, set[str]]
    evidence: Counter[str]

    def missing(self) -> list[Pair]:
        """Return the pairs of the model that are neither covered nor omitted."""
        return sorted(pair for pair in _pairs() if pair not in self.covered | self.omitted)

    def superfluous(self) -> list[Pair]:
        """Return the omitted pairs that are covered, or that the model does not have."""
        known = set(_pairs())
        return sorted(p for p in self.omitted if p in self.covered or p not in known)


def main() -> int:
    """Print the coverage, or check it.

    Returns:
        The exit code: 1 when `--check` finds a pair that is not accounted for.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit 1 when a pair is unaccounted")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args()
    coverage = read_coverage()
    figures = summary(coverage)
    print(json.dumps(figures, indent=2) if arguments.json else _text(figures))
    for pair in coverage.missing():
        print(f"neither covered nor omitted: {' '.join(pair)}", file=sys.stderr)
    for pair in coverage.superfluous():
        print(f"omitted without need: {' '.join(pair)}", file=sys.stderr)
    unaccounted = coverage.missing() or coverage.superfluous()
    return 1 if arguments.check and unaccounted else 0


def read_coverage() -> Coverage:
    """Read the behaviours and the omissions."""
    covered: Counter[Pair] = Counter()
    evidence: Counter[str] = Counter()
    found: dict[str, set[str]] = {}
    for behaviour in _behaviours():
        step = [step for step in behaviour["steps"] if "call" in step][-1]
        expected = step.get("expect", {})
        code = step.get("until") or expected.get("error") or SUCCESS
        covered[step["call"], code] += 1
        evidence[behaviour["evidence"]] += 1
        if "reason" in expected:
            found.setdefault(code, set()).add(expected["reason"])
    omitted = json.loads((CONFORMANCE / "omitted.json").read_text("utf-8"))["omitted"]
    return Coverage(
        covered=covered,
        omitted={
            (operation, code): why
            for operation, codes in omitted.items()
            for code, why in codes.items()
        },
        reasons=found,
        evidence=evidence,
    )


def summary(coverage: Coverage) -> dict[str, Any]:
    """Return the figures of a coverage."""
    pairs = set(_pairs())
    return {
        "operations": len(operations()),
        "operations rehearsed": len(OPERATIONS),
        "operations of other services": sum(map(len, OTHER_SERVICES.values())),
        "behaviours": coverage.covered.total(),
        "by evidence": dict(sorted(coverage.evidence.items())),
        "declared pairs": len(pairs),
        "covered pairs": sum(pair in coverage.covered for pair in pairs),
        "omitted pairs": len(coverage.omitted),
        "omitted, by reason": dict(Counter(coverage.omitted.values()).most_common()),
        "reasons covered": {
            code: f"{len(found)} of {len(reasons(code))}"
            for code, found in sorted(coverage.reasons.items())
        },
    }


def _behaviours() -> Iterator[dict[str, Any]]:
    for path in sorted((CONFORMANCE / "behaviours").glob("*.json")):
        yield from json.loads(path.read_text("utf-8"))["behaviours"]


def _pairs() -> Iterator[Pair]:
    for name, model in operations().items():
        if name in OPERATIONS:
            yield name, SUCCESS
        for code in model.errors:
            yield name, code
    for others in OTHER_SERVICES.values():
        for name, errors in others.items():
            yield name, SUCCESS
            for code in errors:
                yield name, code


def _text(figures: dict[str, Any]) -> str:
    lines = []
    for name, value in figures.items():
        if isinstance(value, dict):
            lines.append(f"{name}:")
            lines += [f"  {key}: {count}" for key, count in value.items()]
        else:
            lines.append(f"{name}: {value}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
