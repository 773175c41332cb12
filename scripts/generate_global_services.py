"""Write what the SDK knows about partitions and global services as data of the library.

Three sources of the installed botocore are read: `partitions.json`, `endpoints.json` and the
endpoint rule set of every service. A service is *global* in a partition when `endpoints.json`
says that it is not regionalized, or gives it a partition endpoint and no other, or when its rule
set leads from every Region of the partition to one and the same URL. That proof is joined with
the lists that AWS publishes (`published_region_deny_lists.json`, kept by hand).

The output is the same for the same botocore, whose version it names. `make generate` runs it;
`--check` changes nothing and exits 1 when a file is stale.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import botocore
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError
from botocore.loaders import Loader

ROOT = Path(__file__).resolve().parent.parent
PARTITIONS = ROOT / "org_constructs/model/data/partitions.json"
PUBLISHED = ROOT / "org_constructs/guardrails/data/published_region_deny_lists.json"
GLOBAL_SERVICES = ROOT / "org_constructs/guardrails/data/global_services.json"

# Regions that a later botocore has. An entry that the installed one has too is an error, so the
# table cannot outlive its purpose.
LATER_REGIONS = {"me-west-1": ("aws", "1.44.5"), "sa-west-1": ("aws", "1.44.5")}

# The IAM prefix of a service whose signing name and endpoint prefix are not one.
# Source: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
IAM_PREFIXES = {
    "agreement-marketplace": "aws-marketplace",
    "catalog.marketplace": "aws-marketplace",
    "entitlement.marketplace": "aws-marketplace",
    "marketplace-agreement": "aws-marketplace",
    "marketplace-catalog": "aws-marketplace",
    "marketplace-entitlement": "aws-marketplace",
    "marketplace-deployment": "aws-marketplace",
    "marketplace-reporting": "aws-marketplace",
    "marketplacecommerceanalytics": "marketplacecommerceanalytics",
    "mturk": "mechanicalturk",
    "mturk-requester": "mechanicalturk",
}

Evidence = dict[str, dict[str, list[str]]]


def main() -> int:
    """Write both files, or compare them with what would be written.

    Returns:
        The exit code: 1 when `--check` finds a stale file.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit 1 when a file is stale")
    check = parser.parse_args().check
    stale = 0
    for path, content in generate().items():
        if path.exists() and path.read_text("utf-8") == content:
            continue
        if check:
            print(f"{path.relative_to(ROOT)} is stale; run: make generate", file=sys.stderr)
            stale = 1
        else:
            path.write_text(content, "utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    return stale


def generate() -> dict[Path, str]:
    """Return the content of both data files by path."""
    loader = Loader()
    sdk = f"https://github.com/boto/botocore/tree/{botocore.__version__}/botocore/data"
    partitions = _partitions(loader)
    head = {"generated_by": "scripts/generate_global_services.py", "botocore": botocore.__version__}
    return {
        PARTITIONS: _text(
            {
                **head,
                "source": f"{sdk}/partitions.json",
                "later_regions": {
                    region: f"botocore {version}" for region, (_, version) in LATER_REGIONS.items()
                },
                "partitions": partitions,
            }
        ),
        GLOBAL_SERVICES: _text({**head, "source": sdk, **_global_services(loader, partitions)}),
    }


def _partitions(loader: Loader) -> dict[str, dict[str, Any]]:
    endpoints = {entry["partition"]: entry for entry in loader.load_data("endpoints")["partitions"]}
    result = {}
    for entry in sorted(loader.load_data("partitions")["partitions"], key=lambda item: item["id"]):
        name = entry["id"]
        later = {region for region, (partition, _) in LATER_REGIONS.items() if partition == name}
        if known := later & set(entry["regions"]):
            raise SystemExit(f"remove {sorted(known)} from LATER_REGIONS: botocore has them now")
        organizations_region = entry["outputs"]["implicitGlobalRegion"]
        service = endpoints[name]["services"].get("organizations")
        if service is not None:
            endpoint = service["endpoints"][service["partitionEndpoint"]]
            organizations_region = endpoint["credentialScope"]["region"]
        result[name] = {
            "organizations_region": organizations_region,
            "dns_suffix": entry["outputs"]["dnsSuffix"],
            "dual_stack_dns_suffix": entry["outputs"]["dualStackDnsSuffix"],
            "region_pattern": entry["regionRegex"].removeprefix("^").removesuffix("$"),
            "regions": sorted({r for r in entry["regions"] if not r.endswith("-global")} | later),
        }
    return result


def _global_services(loader: Loader, partitions: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    proof, signing, single = _evidence(loader, partitions)
    published = json.loads(PUBLISHED.read_text("utf-8"))["lists"]
    exemptions: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, content in sorted(published.items()):
        for action in content["not_action"]:
            exemptions[action].setdefault("published", []).append(name)
    for prefix, by_partition in proof.items():
        exemptions[f"{prefix}:*"]["global_in"] = {
            partition: {
                "requested_region": sorted(signing[prefix][partition]),
                "evidence": sorted(set(lines)),
            }
            for partition, lines in sorted(by_partition.items())
        }
    return {
        "exemptions": dict(sorted(exemptions.items())),
        "single_region_not_exempt": {
            prefix: region
            for prefix, region in sorted(single.items())
            if f"{prefix}:*" not in exemptions
        },
    }


def _evidence(
    loader: Loader, partitions: Mapping[str, Mapping[str, Any]]
) -> tuple[Evidence, dict[str, dict[str, set[str]]], dict[str, str]]:
    """Return what proves each prefix global, for which Region it signs, and the lone Regions."""
    names = _names(loader)
    found: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    signing: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    lone: dict[str, set[str]] = defaultdict(set)
    for entry in loader.load_data("endpoints")["partitions"]:
        name = entry["partition"]
        for service, content in entry["services"].items():
            prefix = names.get(service, service)
            lines = found[prefix, name][service]
            endpoints = content.get("endpoints", {})
            regions = sorted(set(endpoints) & set(partitions[name]["regions"]))
            wide = content.get("partitionEndpoint")
            if content.get("isRegionalized") is False:
                lines.append(f"endpoints.json: {service} is not regionalized")
            elif wide and not regions:
                lines.append(f"endpoints.json: {service} has the partition endpoint {wide} alone")
            elif name == "aws":
                lone[prefix].update(regions)
            if lines:
                scope = endpoints.get(wide or "", {}).get("credentialScope", {})
                signing[prefix][name].update({scope["region"]} if scope else regions)
    for service, prefix, answers in _resolved(loader, partitions, names):
        for name, by_region in answers.items():
            lines = found[prefix, name][service]
            if len({url for url, _ in by_region}) == 1:
                lines.append(f"endpoint rule set: {service} is {by_region[0][0]} in every Region")
                signing[prefix][name].update({region for _, region in by_region if region})
    return _proof(found), signing, _alone(lone)


def _proof(found: Mapping[tuple[str, str], Mapping[str, list[str]]]) -> Evidence:
    """Keep the prefixes that are global: by the service of that name, else by all that share it.

    `iam-toolbox` and the `chime-sdk-*` services have endpoints in many Regions and share the
    prefix of a global service; `partnercentral` has no service of its name.
    """
    proof: Evidence = defaultdict(dict)
    for (prefix, name), by_service in sorted(found.items()):
        deciding = [by_service[prefix]] if prefix in by_service else list(by_service.values())
        if all(deciding):
            proof[prefix][name] = [line for lines in by_service.values() for line in lines]
    return proof


def _alone(lone: Mapping[str, set[str]]) -> dict[str, str]:
    return {prefix: min(regions) for prefix, regions in lone.items() if len(regions) == 1}


def _resolved(
    loader: Loader, partitions: Mapping[str, Mapping[str, Any]], names: Mapping[str, str]
) -> Iterable[tuple[str, str, dict[str, list[tuple[str, str | None]]]]]:
    """Ask the rule set of every service for its URL in every Region of every partition."""
    partition_data = loader.load_data("partitions")
    for service in sorted(loader.list_available_services("endpoint-rule-set-1")):
        rules = EndpointProvider(
            loader.load_service_model(service, "endpoint-rule-set-1"), partition_data
        )
        answers: dict[str, list[tuple[str, str | None]]] = {}
        for name, partition in partitions.items():
            suffixes = (partition["dns_suffix"], partition["dual_stack_dns_suffix"])
            found = [_resolve(rules, region) for region in partition["regions"]]
            if len(found) > 1 and all(url and url.endswith(suffixes) for url, _ in found):
                answers[name] = [(url or "", region) for url, region in found]
        yield _metadata(loader, service)["endpointPrefix"], names[service], answers


def _resolve(rules: EndpointProvider, region: str) -> tuple[str | None, str | None]:
    try:
        endpoint = rules.resolve_endpoint(Region=region, UseFIPS=False, UseDualStack=False)
    except EndpointProviderError:
        return None, None
    schemes = (endpoint.properties or {}).get("authSchemes") or [{}]
    return endpoint.url, schemes[0].get("signingRegion")


def _names(loader: Loader) -> dict[str, str]:
    """Return the IAM prefix by service folder and by endpoint prefix."""
    names: dict[str, str] = {}
    for service in sorted(loader.list_available_services("service-2")):
        metadata = _metadata(loader, service)
        endpoint = metadata["endpointPrefix"]
        prefix = metadata.get("signingName", endpoint)
        prefix = IAM_PREFIXES.get(service, IAM_PREFIXES.get(prefix, prefix))
        names[service] = prefix
        names.setdefault(endpoint, prefix)
    return {**names, **IAM_PREFIXES}


def _metadata(loader: Loader, service: str) -> dict[str, str]:
    """Read the head of a service model: the models are large, and only this part is needed."""
    version = loader.determine_latest_version(service, "service-2")
    path = Path(loader.BUILTIN_DATA_PATH) / service / version / "service-2.json"
    packed = path.with_suffix(".json.gz")
    if packed.exists():
        head = zlib.decompressobj(wbits=31).decompress(packed.read_bytes(), 65536)
    else:
        head = path.read_bytes()
    text = head.decode("utf-8", errors="ignore")
    start = text.index("{", text.index('"metadata"'))
    metadata: dict[str, str] = json.JSONDecoder().raw_decode(text, start)[0]
    return metadata


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main())
