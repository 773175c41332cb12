"""The settings: one module each, found by listing this package.

A new setting is one new module here with a subclass of `Setting` and an instance of it named
`SETTING`. Nothing else has to know of it: the function dispatches on `resource_type`, and the
function's role and its permissions boundary are made from `actions`.
"""

# ruff: noqa: TID252 - the package has another name in Lambda, so its imports are relative

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..retry import Patience


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a setting may use while it is applied.

    Attributes:
        patience: the deadline, and how to repeat and wait until then.
        client: makes the boto3 client of a service.
    """

    patience: Patience
    client: Callable[[str], Any]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A setting that is in force.

    Attributes:
        physical_id: made from the properties that say *which* setting it is, so that the same
            setting keeps it for ever and another one is a replacement.
        attributes: what `Fn::GetAtt` returns.
    """

    physical_id: str
    attributes: Mapping[str, str] = field(default_factory=dict)


class Setting(ABC):
    """One kind of setting, and the custom resource type by which it is declared.

    Removing code never turns a setting off, unless its own properties ask for it: `remove` keeps
    what is in force unless a setting overrides it.

    Attributes:
        resource_type: such as `Custom::OrganizationPolicyType`.
        actions: each IAM action that `apply` uses, with why.
        removal_actions: each that `remove` uses, with why; granted where it turns something off.
        conditions: under which condition of IAM the role may use an action, by action. A value
            `{Name}` stands for the property of that name.
        resources: which resources the role may use an action on, by action; all by default.
            `{partition}` stands for the partition.
        kept: what stays in force when the resource is deleted, and how to turn it off; for the log.
    """

    resource_type: ClassVar[str]
    actions: ClassVar[Mapping[str, str]]
    removal_actions: ClassVar[Mapping[str, str]] = MappingProxyType({})
    conditions: ClassVar[Mapping[str, Mapping[str, Mapping[str, str]]]] = MappingProxyType({})
    resources: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType({})
    kept: ClassVar[str]

    @abstractmethod
    def apply(
        self, properties: Mapping[str, Any], previous: Mapping[str, Any], run: Run
    ) -> Outcome:
        """Bring the setting into force, if it is not, and wait until it is.

        Must be safe to run again: CloudFormation and Lambda both repeat requests.

        Args:
            properties: the resource's properties, as CloudFormation sends them: every scalar is a
                string.
            previous: those of the last deployment; empty on creation.
            run: the deadline and the clients.

        Raises:
            SettingError: it cannot be brought into force; the text names the remedy.
        """

    def remove(
        self,
        properties: Mapping[str, Any],  # noqa: ARG002 - for those that override it
        run: Run,  # noqa: ARG002 - for those that override it
    ) -> str:
        """Do what the removal of the code means, for a setting that was in force.

        Must be safe to run again. Never called for what was not created.

        Args:
            properties: the resource's properties, as CloudFormation sends them.
            run: the deadline and the clients.

        Returns:
            What was done or kept, for the log.

        Raises:
            SettingError: it cannot be done; the text names the remedy.
        """
        return self.kept


def discover() -> dict[str, Setting]:
    """Return every setting of this package by its resource type.

    Raises:
        TypeError: a module has no `SETTING`, or two claim one resource type.
    """
    found: dict[str, Setting] = {}
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        setting = getattr(module, "SETTING", None)
        if not isinstance(setting, Setting):
            raise TypeError(
                f"module '{module.__name__}' has no SETTING; give it an instance of a subclass of "
                "Setting by that name"
            )
        if setting.resource_type in found:
            raise TypeError(
                f"module '{module.__name__}' claims resource type '{setting.resource_type}', which "
                "another setting has; choose another type"
            )
        found[setting.resource_type] = setting
    return found
