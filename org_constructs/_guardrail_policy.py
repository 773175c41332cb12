"""The one policy of a target's guardrails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ._dropped_guardrails import dropped_guardrails
from ._render import plain
from .guardrails import Guardrail
from .guardrails._compose import checked_guardrails, compose
from .policy import ServiceControlPolicy

if TYPE_CHECKING:
    from ._target import PolicyTarget


class GuardrailPolicy(ServiceControlPolicy):
    """The one policy of a target's guardrails; its content is known only at synthesis."""

    def __init__(self, target: PolicyTarget) -> None:
        super().__init__(target, "Guardrails", content={}, targets=[target])
        self._target = target
        self._attached: list[Guardrail] = []
        self._declared: Sequence[Guardrail] = ()
        self._base: Callable[[], Sequence[Guardrail]] | None = None
        self.path = target._place.path  # noqa: SLF001
        self._place.registry.finishers.append(self)

    def collect(self) -> None:
        """Ask the target for its default guardrails."""
        if self._base is not None:
            self._declared = checked_guardrails(
                self._base(), f"'{self.path}': default_guardrails()"
            )

    def finish(self) -> None:
        """Write the content; a target without any guardrail gets no policy."""
        try:
            composition = compose([*self._declared, *self._attached], where=f"'{self.path}'")
        except Exception:
            # The synthesis fails; an empty policy would only add to the report.
            self._remove()
            raise
        if self._base is not None:
            dropped = dropped_guardrails(self._target, composition.guardrails)
            if dropped is not None:
                self._place.registry.dropped_guardrails[self.path] = dropped
        if not composition.guardrails:
            self._remove()
            return
        self._resource.content = plain(composition.content, where=f"'{self.path}'")
        self._resource.description = composition.description
        self._sizes = composition.sizes
        self._guardrails = composition.guardrails

    def _remove(self) -> None:
        self._place.registry.items.remove(self._item)
        del self._place.registry.policies[self._place.path]
        self._target.node.try_remove_child("Guardrails")
