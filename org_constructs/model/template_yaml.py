"""YAML as CloudFormation reads it: short forms of functions, and scalars that stay texts."""

from __future__ import annotations

import re
from typing import Any

import yaml

# The C parser is much faster; not every installation of PyYAML has it.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WITHOUT_PREFIX = ("Ref", "Condition")


class _Loader(_Base):  # type: ignore[misc]
    """A safe loader for templates."""

    # Dates and numbers stay what was written: `2012-10-17` is a version of the policy language, and
    # an account id such as 012345670123 would be read as an octal number.
    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own attribute
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag in ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")
        ]
        for first, resolvers in _Base.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def load_yaml(text: str) -> Any:
    """Return the one document of a text.

    Raises:
        ValueError: it is not YAML, names a key twice, or has a tag that is none of CloudFormation.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def _function(loader: Any, suffix: str, node: Any) -> Any:
    """Return the long form of `!Sub`, `!GetAtt` and the like."""
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = _mapping(loader, node)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in _WITHOUT_PREFIX else f"Fn::{suffix}": value}


def _mapping(loader: Any, node: Any) -> dict[str, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        # What is merged in (`<<`) may be overridden; two keys side by side contradict each other.
        if key_node.tag in ("tag:yaml.org,2002:merge", "tag:yaml.org,2002:value"):
            continue
        if not isinstance(key_node, yaml.ScalarNode):
            raise _wrong("a key is no text", key_node)
        if key_node.value in seen:
            raise _wrong(f"the key '{key_node.value}' is there twice", key_node)
        seen.add(key_node.value)
    loader.flatten_mapping(node)
    return {
        str(key_node.value): loader.construct_object(value_node, deep=True)
        for key_node, value_node in node.value
    }


def _wrong(problem: str, node: Any) -> Exception:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)  # type: ignore[no-any-return]


_Loader.add_multi_constructor("!", _function)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
