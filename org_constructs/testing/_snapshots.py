"""Templates without what changes by itself, to be compared with a stored copy."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import aws_cdk as cdk
    from aws_cdk.assertions import Template

_ASSET_HASH = re.compile(r"[0-9a-f]{64}")
# What CDK writes about itself, and what it checks before it deploys.
_CDK_METADATA = ("aws:cdk:", "aws:asset:")
_BOOTSTRAP = {"Parameters": ("BootstrapVersion",), "Rules": ("CheckBootstrapVersion",)}


def normalized_template(
    template: cdk.Stack | Template | Mapping[str, Any] | str | Path,
) -> dict[str, Any]:
    """Return a template as plain data that changes only when what is deployed changes.

    Hashes of assets become `<asset>`; CDK's metadata, its analytics resource and its check of the
    bootstrap version are left out. DependsOn, which says in what order AWS is called, is kept.
    Keys are sorted, so that an edit shows where it is and nowhere else.

    Args:
        template: a stack, whose app is synthesized; what `Template.from_stack` returned; plain
            data; or the path of a template in JSON or YAML.

    Raises:
        OrgError: `ORG016` when a file cannot be read.
        RuntimeError: the app of the stack is refused at synthesis.
    """
    raw = json.dumps(_plain(template), sort_keys=True)
    found: dict[str, Any] = json.loads(_ASSET_HASH.sub("<asset>", raw))
    resources = found.get("Resources", {})
    for logical_id, resource in list(resources.items()):
        if not isinstance(resource, dict):
            continue
        if resource.get("Type") == "AWS::CDK::Metadata":
            del resources[logical_id]
            continue
        metadata = resource.get("Metadata")
        if isinstance(metadata, dict):
            kept = {k: v for k, v in metadata.items() if not k.startswith(_CDK_METADATA)}
            resource["Metadata"] = kept
            if not kept:
                del resource["Metadata"]
    conditions = found.get("Conditions")
    if isinstance(conditions, dict):
        conditions.pop("CDKMetadataAvailable", None)
    for section, names in _BOOTSTRAP.items():
        for name in names:
            if isinstance(found.get(section), dict):
                found[section].pop(name, None)
    return {section: value for section, value in found.items() if value not in ({}, [])}


def _plain(template: Any) -> Any:
    if isinstance(template, Mapping):
        return template
    if isinstance(template, str | Path):
        from org_constructs.model.template_files import read_template

        return read_template(template)
    if hasattr(template, "to_json"):
        return template.to_json()
    import aws_cdk as cdk

    template.node.root.synth()
    stage = cdk.Stage.of(template)
    folder = stage.outdir if stage else template.node.root.outdir
    return json.loads((Path(folder) / template.template_file).read_text("utf-8"))
