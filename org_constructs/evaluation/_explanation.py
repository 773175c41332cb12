"""A decision in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._syntax import SCP

if TYPE_CHECKING:
    from .decision import Decision, LevelDecision, Request

_TITLES = {
    "SERVICE_CONTROL_POLICY": "service control policies",
    "RESOURCE_CONTROL_POLICY": "resource control policies",
}


def explain(decision: Decision) -> str:
    """Return one paragraph that names level, policy and statement."""
    sentences = [f"{_subject(decision.request)} {_VERBS[decision.effect.value]}: {_why(decision)}"]
    sentences.extend(
        f"{_TITLES[exemption.kind]} do not reach it, because {exemption.reason}"
        for exemption in decision.exemptions
    )
    sentences.extend(decision.caveats)
    if decision.missing_keys:
        keys = decision.missing_keys
        sentences.append(f"the request does not give {_listed(keys)}, which could change this")
    return (
        ". ".join(
            sentence[0].upper() + sentence[1:] if number else sentence
            for number, sentence in enumerate(sentences)
        )
        + "."
    )


_VERBS = {
    "Allowed": "is allowed",
    "ExplicitlyDenied": "is explicitly denied",
    "ImplicitlyDenied": "is implicitly denied",
}


def _subject(request: Request) -> str:
    text = request.action
    if request.resource != "*":
        text += f" on {request.resource}"
    if request.region is not None:
        text += f" in {request.region}"
    if request.principal_arn is not None:
        text += f" by {request.principal_arn}"
    return text


def _why(decision: Decision) -> str:
    if decision.effect == "ExplicitlyDenied":
        return "; ".join(
            f"at {level}, {_listed([str(ref) for ref in level.denied_by])} "
            f"{'denies' if len(level.denied_by) == 1 else 'deny'} it"
            for level in decision.levels
            if level.denied_by
        )
    if decision.effect == "ImplicitlyDenied":
        return "; ".join(f"at {level}, {_attached(level)}" for level in decision.not_allowed_at)
    reached = [level for level in decision.levels if level.kind == SCP]
    if not decision.levels:
        return "no policy of the organization reaches it"
    if not reached:
        return "no policy denies it"
    allows = "; ".join(f"at {level}, {level.allowed_by[0]} allows it" for level in reached)
    return f"{allows}; no statement denies it"


def _attached(level: LevelDecision) -> str:
    if not level.policies:
        return "no policy is attached, so nothing allows it"
    names = _listed([f"'{name}'" for name in level.policies])
    return f"no statement allows it; attached: {names}"


def _listed(texts: list[str] | tuple[str, ...]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
