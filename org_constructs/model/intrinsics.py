"""The intrinsic functions of templates, evaluated as far as the templates themselves tell.

Parameters have the value that is given to them, else their default. What only AWS knows stays an
`Unknown` that shows its expression; nothing is guessed.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import base64
import enum
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from .assembly import NESTED_STACK, Assembly, StackTemplate
from .partitions import partition_of
from .references import Reference, Unknown, exports, stack_outputs, stored_parameters

# A chain of outputs, parameters and imports that is longer leads in a circle.
_DEEPEST = 40
_PLACEHOLDER = re.compile(r"\$\{(!?[^}]*)\}")
_DYNAMIC = re.compile(r"\{\{resolve:ssm:([^:}]+)(?::[0-9]+)?\}\}")
_STORED = "AWS::SSM::Parameter::Value<"


class _Absent(enum.Enum):
    """What `AWS::NoValue` leaves: nothing at all."""

    NO_VALUE = enum.auto()


NO_VALUE: Final = _Absent.NO_VALUE


def resolve(
    value: Any, stack: StackTemplate, assembly: Assembly, depth: int = 0
) -> str | Reference | Unknown:
    """Return the literal or the resource behind a value of a template, never a guess."""
    if type(value) is str and "{{" not in value:
        return value
    found = evaluate(value, stack, assembly, depth)
    if isinstance(found, (str, Reference, Unknown)):
        return found
    if isinstance(found, int) and not isinstance(found, bool):
        # Hand-written templates leave out the quotes; CloudFormation takes both.
        return str(found)
    return _unknown(value)


def evaluate(value: Any, stack: StackTemplate, assembly: Assembly, depth: int = 0) -> Any:
    """Return a value of a template as plain data, with a `Reference` or `Unknown` where it is none.

    `NO_VALUE` is returned for what a condition takes away.
    """
    kind = type(value)
    if kind is str:
        return _dynamic(value, stack, assembly, depth) if "{{resolve:" in value else value
    if kind is list:
        found = [evaluate(item, stack, assembly, depth) for item in value]
        return [item for item in found if item is not NO_VALUE]
    if not isinstance(value, Mapping):
        return value
    function = next(iter(value)) if len(value) == 1 else None
    if isinstance(function, str) and (function == "Ref" or function.startswith("Fn::")):
        if depth > _DEEPEST:
            return _unknown(value)
        known = _FUNCTIONS.get(function)
        return _unknown(value) if known is None else known(value, stack, assembly, depth + 1)
    result = {key: evaluate(item, stack, assembly, depth) for key, item in value.items()}
    return {key: item for key, item in result.items() if item is not NO_VALUE}


def fill(value: Any, stack: StackTemplate, assembly: Assembly) -> Any:
    """Return a value with every function replaced that can be; the others stay as they are."""
    if isinstance(value, str):
        found = resolve(value, stack, assembly)
        return found if isinstance(found, str) else value
    if isinstance(value, list):
        items = [fill(item, stack, assembly) for item in value]
        return [item for item in items if item is not NO_VALUE]
    if not isinstance(value, Mapping):
        return value
    if is_function(value):
        found = evaluate(value, stack, assembly)
        return found if found is NO_VALUE or is_plain(found) else _chosen(value, stack, assembly)
    result = {key: fill(item, stack, assembly) for key, item in value.items()}
    return {key: item for key, item in result.items() if item is not NO_VALUE}


def is_function(value: Any) -> bool:
    """Tell whether a value is an intrinsic function."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    name = next(iter(value))
    return isinstance(name, str) and (name == "Ref" or name.startswith("Fn::"))


def is_plain(value: Any) -> bool:
    """Tell whether an evaluated value is known in all its parts."""
    if isinstance(value, (Reference, Unknown)):
        return False
    if isinstance(value, Mapping):
        return all(is_plain(item) for item in value.values())
    return all(is_plain(item) for item in value) if isinstance(value, list) else True


def holds(name: Any, stack: StackTemplate, assembly: Assembly, depth: int = 0) -> bool | None:
    """Tell whether a condition of a stack holds, None where only a deployment can tell."""
    conditions = stack.section("Conditions")
    if not isinstance(name, str) or name not in conditions or depth > _DEEPEST:
        return None
    return _truth(conditions[name], stack, assembly, depth + 1)


def _truth(value: Any, stack: StackTemplate, assembly: Assembly, depth: int) -> bool | None:
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    ((function, argument),) = value.items()
    if function == "Condition":
        return holds(argument, stack, assembly, depth)
    if not isinstance(argument, list):
        return None
    if function == "Fn::Equals" and len(argument) == 2:  # noqa: PLR2004 - the two sides
        one, other = (evaluate(item, stack, assembly, depth) for item in argument)
        if not is_plain(one) or not is_plain(other):
            return None
        return bool(_text(one) == _text(other))
    parts = [_truth(item, stack, assembly, depth) for item in argument]
    if function == "Fn::Not" and len(parts) == 1:
        return None if parts[0] is None else not parts[0]
    if function in ("Fn::And", "Fn::Or"):
        decisive = bool(function == "Fn::Or")
        if decisive in parts:
            return decisive
        return None if None in parts else not decisive
    return None


def _chosen(value: Mapping[str, Any], stack: StackTemplate, assembly: Assembly) -> Any:
    """Return the branch of a known condition, filled; any other function as it is."""
    argument = value.get("Fn::If")
    if isinstance(argument, list) and len(argument) == 3:  # noqa: PLR2004 - condition and branches
        held = holds(argument[0], stack, assembly)
        if held is not None:
            return fill(argument[1 if held else 2], stack, assembly)
    return value


def _unknown(value: Any) -> Unknown:
    if isinstance(value, str):
        return Unknown(value)
    return Unknown(json.dumps(value, sort_keys=True, default=str))


def _text(value: Any) -> Any:
    """Return a scalar as CloudFormation compares and joins it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else value


def _ref(value: Mapping[str, Any], stack: StackTemplate, assembly: Assembly, depth: int) -> Any:
    name = value["Ref"]
    if not isinstance(name, str):
        return _unknown(value)
    if name in stack.resources:
        return Reference(stack.id, name)
    found = (
        _pseudo(name, stack)
        if name.startswith("AWS::")
        else _parameter(name, stack, assembly, depth)
    )
    return _unknown(value) if found is None else found


def _pseudo(name: str, stack: StackTemplate) -> Any:
    if name == "AWS::NoValue":
        return NO_VALUE
    if name == "AWS::AccountId":
        return stack.account
    if name == "AWS::Region":
        return stack.region
    if name == "AWS::StackName":
        # AWS makes up the end of a nested stack's name.
        return None if stack.around else stack.name
    partition = partition_of(stack.region) if stack.region else None
    if partition is not None and name == "AWS::Partition":
        return partition.name
    if partition is not None and name == "AWS::URLSuffix":
        return partition.dns_suffix
    return None


def _parameter(name: str, stack: StackTemplate, assembly: Assembly, depth: int) -> Any:
    declared = stack.section("Parameters").get(name)
    if not isinstance(declared, Mapping):
        return None
    kind = str(declared.get("Type", "String"))
    located = assembly.locate(stack.around) if stack.around else None
    value = stack.parameters.get(name, declared.get("Default"))
    if located is not None:
        around, logical_id = located
        given = around.properties_of(logical_id).get("Parameters")
        if isinstance(given, Mapping) and name in given:
            value = evaluate(given[name], around, assembly, depth)
    if value is None or value is NO_VALUE:
        return None
    if kind.startswith(_STORED):
        # The parameter's own value is the name under which Systems Manager keeps it.
        if not isinstance(value, str):
            return None
        value = _only(stored_parameters(value, stack, assembly), assembly, depth)
        kind = kind.removeprefix(_STORED)
    if isinstance(value, str) and (kind.startswith(("List<", "CommaDelimitedList"))):
        return [item.strip() for item in value.split(",")]
    return value


def _only(found: list[tuple[StackTemplate, Any]], assembly: Assembly, depth: int) -> Any:
    """Return the one value that is meant; two that could be meant are as good as none."""
    if len(found) != 1:
        return None
    other, value = found[0]
    result = evaluate(value, other, assembly, depth)
    return None if result is NO_VALUE else result


def _get_att(value: Mapping[str, Any], stack: StackTemplate, assembly: Assembly, depth: int) -> Any:
    argument = value["Fn::GetAtt"]
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if not isinstance(parts, list) or len(parts) != 2:  # noqa: PLR2004 - resource and attribute
        return _unknown(value)
    name, attribute = parts[0], evaluate(parts[1], stack, assembly, depth)
    if not (isinstance(name, str) and isinstance(attribute, str)) or name not in stack.resources:
        return _unknown(value)
    found = _attribute(name, attribute, stack, assembly, depth)
    return Reference(stack.id, name, attribute) if found is None else found


def _attribute(
    name: str, attribute: str, stack: StackTemplate, assembly: Assembly, depth: int
) -> Any:
    """Return what a template itself says of an attribute, None where the resource says it."""
    kind = stack.resources[name].get("Type")
    if kind == NESTED_STACK and attribute.startswith("Outputs."):
        inner = assembly.inside.get(stack.key_of(name))
        output = inner.section("Outputs").get(attribute.removeprefix("Outputs.")) if inner else None
        if inner is None or not isinstance(output, Mapping):
            return None
        return _only([(inner, output.get("Value"))], assembly, depth)
    properties = stack.properties_of(name)
    if kind == "AWS::SSM::Parameter" and attribute == "Value":
        return _only([(stack, properties.get("Value"))], assembly, depth)
    if kind == "Custom::CrossRegionExportReader":
        reads = properties.get("ReaderProps")
        values = reads.get("imports") if isinstance(reads, Mapping) else None
        imported = values.get(attribute) if isinstance(values, Mapping) else None
        return None if imported is None else _only([(stack, imported)], assembly, depth)
    return None


def _dynamic(value: str, stack: StackTemplate, assembly: Assembly, depth: int) -> Any:
    """Return what a dynamic reference stands for; any but a whole one of SSM only AWS knows."""
    match = _DYNAMIC.fullmatch(value)
    if match is None or depth > _DEEPEST:
        return _unknown(value)
    found = _only(stored_parameters(match[1], stack, assembly), assembly, depth + 1)
    return _unknown(value) if found is None else found


def _stack_output(
    value: Mapping[str, Any], stack: StackTemplate, assembly: Assembly, depth: int
) -> Any:
    argument = value["Fn::GetStackOutput"]
    if not isinstance(argument, Mapping):
        return _unknown(value)
    known = {
        # A role is not evaluated: its account is all that is read of it.
        key: item if key == "RoleArn" else evaluate(item, stack, assembly, depth)
        for key, item in argument.items()
    }
    found = _only(stack_outputs(known, stack, assembly), assembly, depth)
    return _unknown(value) if found is None else found


def _import(value: Mapping[str, Any], stack: StackTemplate, assembly: Assembly, depth: int) -> Any:
    name = evaluate(value["Fn::ImportValue"], stack, assembly, depth)
    found = (
        _only(exports(name, stack, assembly), assembly, depth) if isinstance(name, str) else None
    )
    return _unknown(value) if found is None else found


def _sub(value: Mapping[str, Any], stack: StackTemplate, assembly: Assembly, depth: int) -> Any:
    argument = value["Fn::Sub"]
    text, given = argument, {}
    if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], Mapping):  # noqa: PLR2004
        text, given = argument
    if not isinstance(text, str):
        return _unknown(value)

    def filled(name: str) -> Any:
        if name in given:
            return evaluate(given[name], stack, assembly, depth)
        if "." in name:
            return _get_att({"Fn::GetAtt": name}, stack, assembly, depth)
        return _ref({"Ref": name}, stack, assembly, depth)

    whole = _PLACEHOLDER.fullmatch(text)
    if whole and not whole[1].startswith("!"):
        found = filled(whole[1].strip())
        return _unknown(value) if isinstance(found, Unknown) or found is NO_VALUE else found
    parts: list[str] = []
    end = 0
    for match in _PLACEHOLDER.finditer(text):
        name = match[1].strip()
        # `${!Literal}` writes `${Literal}`, as policy variables need it.
        item = f"${{{name[1:]}}}" if name.startswith("!") else _text(filled(name))
        if not isinstance(item, str):
            return _unknown(value)
        parts += (text[end : match.start()], item)
        end = match.end()
    return "".join((*parts, text[end:]))


def _join(value: Mapping[str, Any], stack: StackTemplate, assembly: Assembly, depth: int) -> Any:
    argument = value["Fn::Join"]
    if not isinstance(argument, list) or len(argument) != 2:  # noqa: PLR2004 - separator and values
        return _unknown(value)
    items = evaluate(argument[1], stack, assembly, depth)
    if not isinstance(items, list) or not isinstance(argument[0], str):
        return _unknown(value)
    if len(items) == 1:
        return _unknown(value) if isinstance(items[0], Unknown) else items[0]
    texts = [_text(item) for item in items]
    if not all(isinstance(item, str) for item in texts):
        return _unknown(value)
    return argument[0].join(texts)


def _split(value: Mapping[str, Any], stack: StackTemplate, assembly: Assembly, depth: int) -> Any:
    argument = value["Fn::Split"]
    if not isinstance(argument, list) or len(argument) != 2:  # noqa: PLR2004 - separator and text
        return _unknown(value)
    text = evaluate(argument[1], stack, assembly, depth)
    if not isinstance(text, str) or not isinstance(argument[0], str) or not argument[0]:
        return _unknown(value)
    return text.split(argument[0])


def _select(value: Mapping[str, Any], stack: StackTemplate, assembly: Assembly, depth: int) -> Any:
    argument = value["Fn::Select"]
    if not isinstance(argument, list) or len(argument) != 2:  # noqa: PLR2004 - index and values
        return _unknown(value)
    index = _text(evaluate(argument[0], stack, assembly, depth))
    items = evaluate(argument[1], stack, assembly, depth)
    if isinstance(items, list) and isinstance(index, str) and index.isdigit():
        position = int(index)
        if position < len(items) and not isinstance(items[position], Unknown):
            return items[position]
    return _unknown(value)


def _find_in_map(
    value: Mapping[str, Any], stack: StackTemplate, assembly: Assembly, depth: int
) -> Any:
    argument = value["Fn::FindInMap"]
    if not isinstance(argument, list) or len(argument) not in (3, 4):
        return _unknown(value)
    keys = [_text(evaluate(item, stack, assembly, depth)) for item in argument[:3]]
    found: Any = stack.section("Mappings")
    if not all(isinstance(key, str) for key in keys):
        return _unknown(value)
    for key in keys:
        # Keys of a mapping may be written without quotes, as account ids are.
        found = found.get(key) if isinstance(found, Mapping) else None
    if found is None and len(argument) == 4 and isinstance(argument[3], Mapping):  # noqa: PLR2004
        found = argument[3].get("DefaultValue")
    return _unknown(value) if found is None else evaluate(found, stack, assembly, depth)


def _if(value: Mapping[str, Any], stack: StackTemplate, assembly: Assembly, depth: int) -> Any:
    argument = value["Fn::If"]
    if not isinstance(argument, list) or len(argument) != 3:  # noqa: PLR2004 - condition and branches
        return _unknown(value)
    held = holds(argument[0], stack, assembly, depth)
    if held is None:
        # Whichever it is: where both say the same there is nothing to know.
        one, other = (evaluate(branch, stack, assembly, depth) for branch in argument[1:])
        return one if one == other and is_plain(one) else _unknown(value)
    return evaluate(argument[1 if held else 2], stack, assembly, depth)


def _base64(value: Mapping[str, Any], stack: StackTemplate, assembly: Assembly, depth: int) -> Any:
    text = evaluate(value["Fn::Base64"], stack, assembly, depth)
    if not isinstance(text, str):
        return _unknown(value)
    return base64.b64encode(text.encode()).decode()


def _to_json(value: Mapping[str, Any], stack: StackTemplate, assembly: Assembly, depth: int) -> Any:
    content = evaluate(value["Fn::ToJsonString"], stack, assembly, depth)
    return json.dumps(content) if is_plain(content) else _unknown(value)


_FUNCTIONS: Final = {
    "Fn::Base64": _base64,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAtt": _get_att,
    "Fn::GetStackOutput": _stack_output,
    "Fn::If": _if,
    "Fn::ImportValue": _import,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Fn::ToJsonString": _to_json,
    "Ref": _ref,
}
