"""Write what botocore's model says about the API of Organizations as data of the rehearsal.

For every operation: its parameters with their limits, the errors that it declares, whether it
answers in pages, and who may call it. Who may call stands in the model only as prose, so it is read
from the sentences that AWS uses; an operation without such a sentence has its caller in `UNSTATED`
here, and a new one stops the script.

The output is the same for the same botocore, whose version it names. `make generate` runs it;
`--check` changes nothing and exits 1 when the file is stale.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import botocore
from botocore.loaders import Loader
from botocore.model import (
    ListShape,
    OperationModel,
    ServiceModel,
    Shape,
    StringShape,
    StructureShape,
)

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "org_constructs/rehearsal/backend/data/organizations_api.json"

# The errors whose `Reason` is an enumeration.
REASONS = {
    "AccessDeniedForDependencyException": "AccessDeniedForDependencyExceptionReason",
    "ConstraintViolationException": "ConstraintViolationExceptionReason",
    "HandshakeConstraintViolationException": "HandshakeConstraintViolationExceptionReason",
    "InvalidInputException": "InvalidInputExceptionReason",
}

# What AWS says about callers, the strictest sentence first.
SENTENCES = {
    "delegated administrator": r"management account or a member account that is a delegated admin",
    "management": r"only call this (?:operation|action) from the management account"
    r"|only by using credentials from the management account"
    r"|You call this action from the management account",
    "member": r"call this operation from any account in a organization"
    r"|only call from operation from a member account",
}

# Operations that the sentences above do not cover, each with the reason.
UNSTATED = {
    # Both accounts of a handshake call these, and the recipient is in no organization yet.
    "AcceptHandshake": "anyone",
    "CancelHandshake": "anyone",
    "DeclineHandshake": "anyone",
    "DescribeHandshake": "anyone",
    "ListHandshakesForAccount": "anyone",
    # The caller has no organization yet.
    "CreateOrganization": "anyone",
    # Nothing is said; they change or show what only the management account owns.
    "CloseAccount": "management",
    "DescribeResponsibilityTransfer": "management",
    "ListInboundResponsibilityTransfers": "management",
    "ListOutboundResponsibilityTransfers": "management",
    "TerminateResponsibilityTransfer": "management",
    "UpdateResponsibilityTransfer": "management",
}
# Sentences that are wrong for an operation: a standalone account describes its invitation too, and
# neither operation declares that the caller must be in an organization.
OVERRIDDEN = {"DescribeHandshake", "ListHandshakesForAccount"}


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
    loader = Loader()
    model = ServiceModel(loader.load_service_model("organizations", "service-2"), "organizations")
    pages = loader.load_service_model("organizations", "paginators-1")["pagination"]
    shapes: dict[str, dict[str, Any]] = {}
    operations = {
        name: _operation(model.operation_model(name), shapes, paginated=name in pages)
        for name in sorted(model.operation_names)
    }
    data = {
        "generated_by": "scripts/generate_organizations_api.py",
        "botocore": botocore.__version__,
        "operations": operations,
        "shapes": dict(sorted(shapes.items())),
        "reasons": {code: _enum(model, shape) for code, shape in REASONS.items()},
        "creation_failures": _enum(model, "CreateAccountFailureReason"),
    }
    return _text(data)


def _operation(
    operation: OperationModel, shapes: dict[str, dict[str, Any]], *, paginated: bool
) -> dict[str, Any]:
    members = {}
    if operation.input_shape is not None:
        for name, shape in operation.input_shape.members.items():
            members[name] = _note(shape, shapes)
    caller, stated = _caller(operation)
    required = list(operation.input_shape.required_members) if operation.input_shape else []
    return {
        "caller": caller,
        "caller_stated": stated,
        "paginated": paginated,
        "required": required,
        "members": members,
        "errors": sorted(error.name for error in operation.error_shapes),
    }


def _caller(operation: OperationModel) -> tuple[str, bool]:
    """Return who may call an operation, and whether AWS says so."""
    prose = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", operation.documentation))
    if operation.name not in OVERRIDDEN:
        for caller, sentence in SENTENCES.items():
            if re.search(sentence, prose):
                if operation.name in UNSTATED:
                    raise SystemExit(f"remove {operation.name} from UNSTATED: AWS says it now")
                return caller, True
    if operation.name not in UNSTATED:
        raise SystemExit(f"AWS does not say who may call {operation.name}; add it to UNSTATED")
    return UNSTATED[operation.name], False


def _note(shape: Shape, shapes: dict[str, dict[str, Any]]) -> str:
    """Note the limits of a shape, and return its name."""
    if shape.name not in shapes:
        note: dict[str, Any] = {"type": shape.type_name}
        shapes[shape.name] = note
        note |= {key: shape.metadata[key] for key in ("min", "max") if key in shape.metadata}
        # A pattern that everything matches says nothing.
        if shape.metadata.get("pattern", r"[\s\S]*") != r"[\s\S]*":
            note["pattern"] = shape.metadata["pattern"]
        if isinstance(shape, StringShape) and shape.enum:
            note["enum"] = list(shape.enum)
        if isinstance(shape, ListShape):
            note["member"] = _note(shape.member, shapes)
        if isinstance(shape, StructureShape):
            note["required"] = list(shape.required_members)
            note["members"] = {name: _note(m, shapes) for name, m in shape.members.items()}
    return str(shape.name)


def _enum(model: ServiceModel, name: str) -> list[str]:
    shape = model.shape_for(name)
    return list(shape.enum) if isinstance(shape, StringShape) else []


def _text(data: dict[str, Any]) -> str:
    """Return JSON with one line for each operation and shape: compact, and diffs stay readable."""
    parts = []
    for key, value in data.items():
        if isinstance(value, dict):
            lines = ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
            parts.append(f"  {json.dumps(key)}: {{\n{lines}\n  }}")
        else:
            parts.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    sys.exit(main())
