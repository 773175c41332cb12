"""Whether a name is what a pattern of a policy says: actions, resources, ARNs, variables.

Sources:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from functools import lru_cache

# The names between the braces are keys of the request's context, perhaps with a default value.
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_NAME = re.compile(r"\s*([^,']+?)\s*(?:,\s*'([^']*)'\s*)?")
_ESCAPES = {"*", "?", "$"}
ARN_PARTS = 6
EVERY_ARN = "*:*:*:*:*:*"

# A pattern with its variables replaced: what is literal, and what is a wildcard.
Lookup = Callable[[str], "str | None"]


def _expression(*texts: tuple[str, bool], sign: str = ".") -> str:
    """Return texts, each with whether it is literal, as the text of one expression.

    `*` and `?` are wildcards where a text is not literal; other signs are themselves. What stands
    between two stars is taken where it is first found and never elsewhere, so that no pattern takes
    long: stars are therefore counted over all texts together. `sign` is what a wildcard stands for.
    """
    pieces = [""]
    for text, literal in texts:
        if literal:
            pieces[-1] += re.escape(text)
            continue
        begin, *rest = (
            "".join(sign if char == "?" else re.escape(char) for char in piece)
            for piece in re.sub(r"\*+", "*", text).split("*")
        )
        pieces[-1] += begin
        pieces += rest
    first, *others = pieces
    if not others:
        return first
    *middle, last = others
    found = "".join(f"(?>{sign}*?{piece})" for piece in middle if piece)
    return f"{first}{found}{sign}*{last}"


@lru_cache(maxsize=65536)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(_expression((pattern, False)), re.DOTALL)


def action_matches(pattern: str, action: str) -> bool:
    """Tell whether an action is one of a pattern; case has no meaning."""
    return _glob(pattern.lower()).fullmatch(action.lower()) is not None


@lru_cache(maxsize=4096)
def actions_matcher(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Return a test whether an action, in lower case, is one of several patterns."""
    lower = [pattern.lower() for pattern in patterns]
    literal = frozenset(p for p in lower if "*" not in p and "?" not in p)
    wild = [p for p in lower if p not in literal]
    if any(not p.strip("*") for p in wild):
        return lambda _action: True
    if not wild:
        return literal.__contains__
    expression = re.compile("|".join(f"(?:{_expression((p, False))})" for p in wild), re.DOTALL)
    fullmatch = expression.fullmatch
    return lambda action: action in literal or fullmatch(action) is not None


def resource_matches(
    pattern: str, arn: str, variables: Mapping[str, str] | Lookup | None = None
) -> bool:
    """Tell whether a resource is one of a pattern; case has a meaning.

    A wildcard reaches over colons (documentation: at the end of a part; inference: elsewhere).

    Args:
        pattern: ARN with wildcards and variables, or `*`.
        arn: resource of the request.
        variables: values by key, or a function that returns one; None leaves variables alone, as
            a policy of version 2008-10-17 has them.
    """
    if variables is None:
        return _glob(pattern).fullmatch(arn) is not None
    template = resource_template_of(pattern)
    if template is None:
        return _glob(pattern).fullmatch(arn) is not None
    return template.matches(arn, _lookup(variables))


def arn_like(pattern: str, arn: str) -> bool:
    """Tell whether an ARN is one of a pattern, part by part, as the ARN operators compare.

    A wildcard stays within its part; the sixth part is all the rest. `*` alone is every ARN
    (inference: policies that are in use have it).
    """
    expression = _arn_glob(pattern)
    return expression is not None and expression.fullmatch(arn) is not None


@lru_cache(maxsize=65536)
def _arn_glob(pattern: str) -> re.Pattern[str] | None:
    """Return one expression for all parts of an ARN; None for what no ARN is."""
    parts = (EVERY_ARN if pattern == "*" else pattern).split(":", ARN_PARTS - 1)
    if len(parts) < ARN_PARTS:
        return None
    *first, last = parts
    within = (_expression((part, False), sign="[^:]") for part in first)
    return re.compile(":".join((*within, _expression((last, False)))), re.DOTALL)


class Template:
    """A text with policy variables in it.

    Attributes:
        parts: texts that may hold wildcards, and in between (key in lower case, default or None);
            a key `` stands for a literal text, the default.
        keys: the keys, as written.
    """

    __slots__ = ("keys", "parts")

    def __init__(
        self, parts: tuple[str | tuple[str, str | None], ...], keys: tuple[str, ...]
    ) -> None:
        self.parts = parts
        self.keys = keys

    def lacking(self, values: Container[str]) -> list[str]:
        """Return the keys that a request does not have."""
        return [key for key in self.keys if key.lower() not in values]

    def resolved(self, lookup: Lookup) -> list[tuple[str, bool]] | None:
        """Return texts and whether each is literal; None where a variable has no value."""
        texts: list[tuple[str, bool]] = []
        for part in self.parts:
            if isinstance(part, str):
                texts.append((part, False))
                continue
            key, default = part
            value = lookup(key) if key else None
            if value is None:
                value = default
            if value is None:
                return None
            texts.append((value, True))
        return texts

    def text(self, lookup: Lookup) -> str | None:
        """Return the text with its variables replaced; None where one has no value."""
        texts = self.resolved(lookup)
        return None if texts is None else "".join(text for text, _ in texts)

    def expression(self, lookup: Lookup) -> re.Pattern[str] | None:
        """Return an expression in which only what the policy itself says is a wildcard."""
        texts = self.resolved(lookup)
        if texts is None:
            return None
        return re.compile(_expression(*texts), re.DOTALL)

    def matches(self, text: str, lookup: Lookup) -> bool:
        """Tell whether a text is one of this pattern; nothing is where a variable has no value."""
        expression = self.expression(lookup)
        return expression is not None and expression.fullmatch(text) is not None

    def arn_parts(self, lookup: Lookup) -> list[re.Pattern[str]] | None:
        """Return an expression for each part of an ARN; None where a variable has no value.

        A colon in a variable's value ends a part as one in the policy does.
        """
        texts = self.resolved(lookup)
        if texts is None:
            return None
        parts: list[list[tuple[str, bool]]] = [[]]
        for text, literal in texts:
            for number, piece in enumerate(text.split(":")):
                if number and len(parts) < ARN_PARTS:
                    parts.append([])
                elif number:
                    parts[-1].append((":", True))
                parts[-1].append((piece, literal))
        return [re.compile(_expression(*part), re.DOTALL) for part in parts]


# A variable whose key is no name, so that it never has a value.
_NEVER = Template((("?", None),), ())


@lru_cache(maxsize=16384)
def template_of(text: str) -> Template | None:
    """Return a text's variables; None when it has none."""
    if "${" not in text:
        return None
    parts: list[str | tuple[str, str | None]] = []
    keys: list[str] = []
    end = 0
    for match in _VARIABLE.finditer(text):
        parts.append(text[end : match.start()])
        end = match.end()
        inner = match[1]
        if inner in _ESCAPES:
            parts.append(("", inner))
            continue
        named = _NAME.fullmatch(inner)
        # What is no name has no value, so that it can never be met.
        key, default = (named[1], named[2]) if named else (inner, None)
        parts.append((key.lower() or "?", default))
        keys.append(key)
    if not parts:
        return None
    parts.append(text[end:])
    return Template(tuple(part for part in parts if part != ""), tuple(keys))


def resource_template_of(pattern: str) -> Template | None:
    """Return the variables of a resource; None when it has none.

    AWS replaces them in the resource part only, after the fifth colon (documentation). With one
    before it the pattern is that of no resource, and no key of a request can change that.
    """
    first = _VARIABLE.search(pattern)
    if first is None:
        return None
    return template_of(pattern) if pattern.count(":", 0, first.start()) >= ARN_PARTS - 1 else _NEVER


def _lookup(variables: Mapping[str, str] | Lookup) -> Lookup:
    if callable(variables):
        return variables
    lower = {key.lower(): value for key, value in variables.items()}
    return lower.get
