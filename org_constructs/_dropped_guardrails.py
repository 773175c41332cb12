"""What a typed OU leaves out of the guardrails of its base class.

The base's method is asked only where the override does not call it, once everything is declared,
and only if it makes nothing itself: it was written to be called once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any

from constructs import Construct

if TYPE_CHECKING:
    from .checks import DroppedGuardrails
    from .guardrails import Guardrail

_METHOD = "default_guardrails"
_CHANGING = ("add_", "attach", "invite_")


def dropped_guardrails(target: object, kept: Iterable[Guardrail]) -> DroppedGuardrails | None:
    """Return the guardrails of the base class that an override leaves out, None without any.

    Args:
        target: the OU.
        kept: what it has; a guardrail of the same id stands for that of the base class.
    """
    defining = [cls for cls in type(target).__mro__ if _METHOD in vars(cls)]
    if len(defining) < 2:  # noqa: PLR2004 - the override and what it overrides
        return None
    override, base = (vars(cls)[_METHOD] for cls in defining[:2])
    if _calls_on(override) or not _only_returns(base):
        return None
    ids = {guardrail.id for guardrail in kept}
    try:
        found: Sequence[Guardrail] = base(target)
        dropped = sorted({guardrail.id for guardrail in found} - ids)
    except Exception:  # noqa: BLE001 - advice is never the reason why a synthesis fails
        return None
    if not dropped:
        return None
    from .checks import DroppedGuardrails

    return DroppedGuardrails(
        unit=type(target).__name__, base=defining[1].__name__, guardrails=tuple(dropped)
    )


def _calls_on(method: Any) -> bool:
    """Tell whether a method may call that of its base class, or cannot be looked into."""
    return not isinstance(method, FunctionType) or (
        "super" in method.__code__.co_names or _METHOD in method.__code__.co_names
    )


def _only_returns(method: Any) -> bool:
    """Tell whether a method neither declares nor attaches anything, as far as its names tell."""
    if not isinstance(method, FunctionType):
        return False
    names = method.__code__.co_names
    known = (method.__globals__.get(name) for name in names)
    return not any(name.startswith(_CHANGING) for name in names) and not any(
        isinstance(thing, type) and issubclass(thing, Construct) for thing in known
    )
