"""Write what the registered schemas say about the five resource types as data of the rehearsal.

The schemas are AWS's, as cfn-lint brings them: for every type its properties with their limits,
which of them only AWS sets, and which a template must give. Descriptions are left out.

The output is the same for the same cfn-lint, whose version it names. `make generate` runs it;
`--check` changes nothing and exits 1 when the file is stale.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "org_constructs/rehearsal/cloudformation/data/resource_schemas.json"
REGION = "us-east-1"
TYPES = ("Account", "Organization", "OrganizationalUnit", "Policy", "ResourcePolicy")
KEPT = (
    *("type", "enum", "minLength", "maxLength", "pattern", "uniqueItems"),
    *("items", "properties", "required"),
)
# A pattern that everything matches says nothing.
ANYTHING = r"[\s\S]*"


def main() -> int:
    """Write the file, or compare it with what would be written.

    Returns:
        The exit code: 1 when `--check` finds a stale file.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit 1 when the file is stale")
    check = parser.parse_args().check
    content = generate()
    if TARGET.exists() and TARGET.read_text("utf-8") == content:
        return 0
    if check:
        print(f"{TARGET.relative_to(ROOT)} is stale; run: make generate", file=sys.stderr)
        return 1
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(content, "utf-8")
    print(f"wrote {TARGET.relative_to(ROOT)}")
    return 0


def generate() -> str:
    """Return the content of the data file."""
    data = {
        "generated_by": "scripts/generate_resource_schemas.py",
        "cfn-lint": version("cfn-lint"),
        "types": {f"AWS::Organizations::{name}": _type(name) for name in TYPES},
    }
    return json.dumps(data, indent=1) + "\n"


def _type(name: str) -> dict[str, Any]:
    full_name = f"AWS::Organizations::{name}"
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, full_name).schema
    given_by_aws = sorted(path.rsplit("/", 1)[1] for path in schema.get("readOnlyProperties", ()))
    properties = {
        key: _kept(value, schema.get("definitions", {}))
        for key, value in sorted(schema["properties"].items())
        if key not in given_by_aws
    }
    return {
        "attributes": given_by_aws,
        "required": sorted(schema.get("required", ())),
        "properties": properties,
    }


def _kept(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return what of a schema is checked, with its definitions in place."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[1]]
    kept = {key: schema[key] for key in KEPT if key in schema}
    if kept.get("pattern") == ANYTHING:
        del kept["pattern"]
    if "items" in kept:
        kept["items"] = _kept(kept["items"], definitions)
    if "properties" in kept:
        kept["properties"] = {
            key: _kept(value, definitions) for key, value in sorted(kept["properties"].items())
        }
        kept["required"] = sorted(kept.get("required", ()))
    return kept


if __name__ == "__main__":
    sys.exit(main())
