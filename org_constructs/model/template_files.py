"""Templates that nobody synthesized: files in JSON or YAML, texts, plain data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .assembly import (
    NESTED_STACK,
    Assembly,
    StackTemplate,
    nested_stack,
    nested_stacks,
    read_assembly,
)
from .errors import OrgError

_SUFFIXES = (".json", ".yaml", ".yml", ".template")
_LAST_PART = re.compile(r"[^/\\\"?#]+(?=[\"?#]*$)")


def assembly_of(templates: Mapping[str, Mapping[str, Any] | str]) -> Assembly:
    """Return templates by stack name as an assembly, those of nested stacks among them."""
    data = {
        name: parse_template(template, source=f"template '{name}'")
        if isinstance(template, str)
        else template
        for name, template in templates.items()
    }
    stacks = {name: _stack(name, template) for name, template in data.items()}
    used = {
        name
        for stack in stacks.values()
        for logical_id in stack.resources
        for name in [_template_name(stack, logical_id)]
        if name in data
    }

    def read(around: StackTemplate, logical_id: str) -> StackTemplate | None:
        name = _template_name(around, logical_id)
        # The name stands for a file, so that a template which contains itself is noticed.
        if name not in data:
            return None
        return nested_stack(around, logical_id, template=data[name], template_path=name)

    alone = tuple(stack for name, stack in stacks.items() if name not in used) or tuple(
        stacks.values()
    )
    return Assembly(stacks=alone, nested=tuple(nested_stacks(alone, read)))


def read_templates(path: str | Path) -> Assembly:
    """Return the templates of a file or folder as an assembly; an assembly as it is.

    Raises:
        OrgError: `ORG016` when something cannot be read, or nothing is a template.
    """
    base = Path(path)
    if (base / "manifest.json").is_file():
        return read_assembly(base, nested=True)
    files = [base] if not base.is_dir() else list(_files(base))
    found: dict[Path, StackTemplate] = {}
    for file in files:
        template = read_template(file)
        if "Resources" not in template and base.is_dir():
            continue
        found[file.resolve()] = _stack(file.name.split(".")[0], template, file)
    if not any(stack.section("Resources") for stack in found.values()):
        raise OrgError(
            "ORG016",
            f"'{base}' holds no CloudFormation template with resources; give a template in JSON "
            "or YAML, a folder of them, or the folder that `cdk synth` wrote",
        )
    used: set[Path] = set()

    def read(around: StackTemplate, logical_id: str) -> StackTemplate | None:
        url = around.properties_of(logical_id).get("TemplateURL")
        if not isinstance(url, str) or "://" in url or around.template_path is None:
            return None
        file = (Path(around.template_path).parent / url).resolve()
        if not file.is_file():
            return None
        used.add(file)
        template = found[file].template if file in found else read_template(file)
        return nested_stack(around, logical_id, template=template, template_path=str(file))

    nested_stacks(found.values(), read)
    alone = [stack for file, stack in found.items() if file not in used] or [*found.values()]
    names = [stack.id for stack in alone]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise OrgError(
            "ORG016", f"'{base}' holds two templates called '{twice}'; a stack has its file's name"
        )
    return Assembly(stacks=tuple(alone), nested=tuple(nested_stacks(alone, read)))


def parse_template(text: str, *, source: str) -> Mapping[str, Any]:
    """Return the template in a text: JSON, or YAML with CloudFormation's short forms.

    Raises:
        OrgError: `ORG016` when it is neither.
    """
    try:
        if text.lstrip("\ufeff \t\r\n").startswith("{"):
            found = json.loads(text.lstrip("\ufeff"))
        else:
            from .template_yaml import load_yaml

            found = load_yaml(text)
    except ValueError as error:
        if isinstance(error, OrgError):
            raise
        raise OrgError("ORG016", f"{source} is neither JSON nor YAML ({error})") from error
    if not isinstance(found, Mapping):
        raise OrgError("ORG016", f"{source} is no template; one is a mapping with 'Resources'")
    return found


def _files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if file.suffix in _SUFFIXES and file.is_file() and not hidden:
            yield file


def read_template(path: str | Path) -> Mapping[str, Any]:
    """Return the template in a file: JSON, or YAML with CloudFormation's short forms.

    Raises:
        OrgError: `ORG016` when it cannot be read.
    """
    file = Path(path)
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise OrgError(
            "ORG016",
            f"'{file}' cannot be read ({reason}); give a template, a folder of them, or the folder "
            "that `cdk synth` wrote",
        ) from error
    return parse_template(text, source=f"'{file}'")


def _stack(name: str, template: Mapping[str, Any], file: Path | None = None) -> StackTemplate:
    return StackTemplate(
        id=name,
        name=name,
        path=name,
        template=template,
        template_path=None if file is None else str(file),
    )


def _template_name(stack: StackTemplate, logical_id: str) -> str | None:
    """Return the last part of a nested stack's TemplateURL, as far as it is written down."""
    if stack.resources[logical_id].get("Type") != NESTED_STACK:
        return None
    url = stack.properties_of(logical_id).get("TemplateURL")
    while isinstance(url, Mapping) and len(url) == 1:
        ((_, argument),) = url.items()
        url = argument
        while isinstance(url, list) and url:
            url = url[0] if isinstance(url[-1], Mapping) and isinstance(url[0], str) else url[-1]
    match = _LAST_PART.search(url) if isinstance(url, str) else None
    return match[0] if match else None
