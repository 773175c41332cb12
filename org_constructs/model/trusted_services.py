"""AWS services that integrate with AWS Organizations, as dated data.

AWS adds some every year, so a service that is not known here is accepted if it looks like one. The
data stands in `data/trusted_services.json`: how AWS wants each service to be enabled, by which call
of its own, and whether member accounts can administer it.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from .errors import OrgError

# As settings/…/properties.py has it for the function.
_FORM = re.compile(
    r"(?=.{1,128}\Z)[a-z0-9-]+(\.[a-z0-9-]+)*\.(amazonaws|amazon)\.[a-z]+(\.[a-z]+)?"
)
# Above what services of one family have in common, below a slip of the keyboard.
_NEAR = 0.84
_SHORT = 4


class AwsService(StrEnum):
    """The service principals that integrate with AWS Organizations; any other is given as text."""

    ACCESS_ANALYZER = "access-analyzer.amazonaws.com"
    ACCOUNT = "account.amazonaws.com"
    AGENT_REGISTRY = "agent-registry.amazonaws.com"
    AUDITMANAGER = "auditmanager.amazonaws.com"
    AWS_ARTIFACT_ACCOUNT_SYNC = "aws-artifact-account-sync.amazonaws.com"
    BACKUP = "backup.amazonaws.com"
    BILLING_COST_MANAGEMENT = "billing-cost-management.amazonaws.com"
    CLOUDTRAIL = "cloudtrail.amazonaws.com"
    COMPUTE_OPTIMIZER = "compute-optimizer.amazonaws.com"
    CONFIG = "config.amazonaws.com"
    CONFIG_MULTIACCOUNTSETUP = "config-multiaccountsetup.amazonaws.com"
    CONTROLTOWER = "controltower.amazonaws.com"
    COST_OPTIMIZATION_HUB_BCM = "cost-optimization-hub.bcm.amazonaws.com"
    DASHBOARD_EKS = "dashboard.eks.amazonaws.com"
    DETECTIVE = "detective.amazonaws.com"
    DEVOPS_GURU = "devops-guru.amazonaws.com"
    DS = "ds.amazonaws.com"
    EC2 = "ec2.amazonaws.com"
    EC2_CAPACITYMANAGER = "ec2.capacitymanager.amazonaws.com"
    FMS = "fms.amazonaws.com"
    GUARDDUTY = "guardduty.amazonaws.com"
    HEALTH = "health.amazonaws.com"
    IAM = "iam.amazonaws.com"
    INSPECTOR2 = "inspector2.amazonaws.com"
    IPAM = "ipam.amazonaws.com"
    LICENSE_MANAGEMENT_MARKETPLACE = "license-management.marketplace.amazonaws.com"
    LICENSE_MANAGER = "license-manager.amazonaws.com"
    LICENSE_MANAGER_MEMBER_ACCOUNT = "license-manager.member-account.amazonaws.com"
    MACIE = "macie.amazonaws.com"
    MALWARE_PROTECTION_GUARDDUTY = "malware-protection.guardduty.amazonaws.com"
    MEMBER_ORG_STACKSETS_CLOUDFORMATION = "member.org.stacksets.cloudformation.amazonaws.com"
    MGN = "mgn.amazonaws.com"
    NETWORKFLOWMONITOR = "networkflowmonitor.amazonaws.com"
    NETWORKMANAGER = "networkmanager.amazonaws.com"
    NOTIFICATIONS = "notifications.amazon.com"
    OBSERVABILITYADMIN = "observabilityadmin.amazonaws.com"
    PRIVATE_MARKETPLACE_MARKETPLACE = "private-marketplace.marketplace.amazonaws.com"
    Q = "q.amazonaws.com"
    RAM = "ram.amazonaws.com"
    REACHABILITYANALYZER_NETWORKINSIGHTS = "reachabilityanalyzer.networkinsights.amazonaws.com"
    REPORTING_TRUSTEDADVISOR = "reporting.trustedadvisor.amazonaws.com"
    RESILIENCEHUB = "resiliencehub.amazonaws.com"
    RESOURCE_EXPLORER_2 = "resource-explorer-2.amazonaws.com"
    SECURITYHUB = "securityhub.amazonaws.com"
    SECURITYLAKE = "securitylake.amazonaws.com"
    SECURITY_IR = "security-ir.amazonaws.com"
    SELFSERVICEREPORTING_MANAGEDSERVICES = "selfservicereporting.managedservices.amazonaws.com"
    SERVICECATALOG = "servicecatalog.amazonaws.com"
    SERVICEQUOTAS = "servicequotas.amazonaws.com"
    SSM = "ssm.amazonaws.com"
    SSO = "sso.amazonaws.com"
    STACKSETS_CLOUDFORMATION = "stacksets.cloudformation.amazonaws.com"
    STORAGE_LENS_S3 = "storage-lens.s3.amazonaws.com"
    TAGPOLICIES_TAG = "tagpolicies.tag.amazonaws.com"
    TOPOLOGY_NETWORKFLOWMONITOR = "topology.networkflowmonitor.amazonaws.com"
    WELLARCHITECTED = "wellarchitected.amazonaws.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedServiceFacts:
    """What AWS documents of a service that integrates with AWS Organizations.

    Attributes:
        principal: its service principal.
        enabling: who should enable trusted access: `organizations`, `service advised`, `service
            required`, `automatic` when a delegated administrator is named, or `unknown`.
        call: the service's own call, as an IAM action, where there is one.
        note: what else is to be known.
        delegated_administrators: whether member accounts can administer it.
        most_delegated_administrators: how many at once, where AWS says so.
    """

    principal: str
    enabling: str
    call: str | None
    note: str
    delegated_administrators: bool
    most_delegated_administrators: int | None


@cache
def trusted_service_facts() -> Mapping[str, TrustedServiceFacts]:
    """Return what is known of each service, by service principal."""
    # As a resource without importlib.resources, which takes longer to load than all of this.
    from pkgutil import get_data

    data = json.loads(get_data(__package__, "data/trusted_services.json") or b"{}")
    return {
        principal: TrustedServiceFacts(
            principal=principal,
            enabling=entry["enabling"],
            call=entry.get("call"),
            note=entry.get("note", ""),
            delegated_administrators=entry["delegated_administrators"],
            most_delegated_administrators=entry.get("most_delegated_administrators"),
        )
        for principal, entry in data["services"].items()
    }


def check_service_principal(value: str) -> str:
    """Return `value` if it can be a service that the organization trusts.

    A service that is not known is taken, unless it is a slip away from one that is.

    Raises:
        OrgError: `ORG150`.
    """
    known = {_name(member): str(member) for member in AwsService}
    text = str(value)
    if text in known.values() or (isinstance(value, str) and text.endswith(".amazonaws.com.cn")):
        return text
    name = _name(text)
    # Short names are near to each other whatever they mean.
    near = difflib.get_close_matches(name, known, n=1, cutoff=_NEAR) if len(name) > _SHORT else []
    if name in known or near:
        meant = known[name] if name in known else known[near[0]]
        raise OrgError("ORG150", f"service {text!r} is unknown; did you mean '{meant}'?")
    if not isinstance(value, str) or not _FORM.fullmatch(value):
        raise OrgError(
            "ORG150",
            f"service {value!r} is no service principal; give one such as AwsService.CLOUDTRAIL, "
            "or 'cloudtrail.amazonaws.com'",
        )
    return value


def _name(principal: str) -> str:
    return re.sub(r"\.(amazonaws|amazon)(\..*)?$", "", principal)
