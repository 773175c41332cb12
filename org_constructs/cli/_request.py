"""The arguments of `orgctl rehearse`, checked before anything is started."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from org_constructs.rehearsal.cdk_cli import is_assembly
from org_constructs.rehearsal.steps import StepName

from ._rehearse import Request


def read_request(
    app: Path,
    *,
    steps: str | None,
    change: Path | None,
    change_context: Iterable[str],
    faults: Sequence[str],
    seed_from: Path | None,
    port: int,
    account_id: str | None,
    region: str,
    context: Iterable[str],
    keep: bool,
    as_json: bool,
) -> Request:
    """Return what is to be rehearsed.

    Raises:
        ValueError: the arguments do not fit together, or one of them is wrong.
    """
    names = _steps(steps, faults)
    overrides = _pairs("--change-context", change_context)
    for folder in filter(None, (app, change)):
        if not (folder / "cdk.json").is_file() and not is_assembly(folder):
            raise ValueError(
                f"'{folder}' has no cdk.json; give the folder of a CDK app, or of an assembly "
                "that `cdk synth` wrote"
            )
    if names[0] in (StepName.CHANGE, StepName.DESTROY):
        raise ValueError(
            f"step '{names[0]}' comes first, and nothing is deployed yet; begin with 'deploy' or 'fail'"
        )
    if StepName.CHANGE in names and change is None and not overrides:
        raise ValueError(
            "step 'change' deploys something else, and nothing says what; give --change APP_DIR, "
            "an assembly, or --change-context KEY=VALUE"
        )
    if overrides and is_assembly(change or app):
        raise ValueError(
            f"'{change or app}' is an assembly, which no context changes; give the folder of its app"
        )
    if StepName.FAIL in names:
        _check_failure(names, faults, is_changed=change is not None or bool(overrides))
    elif faults:
        raise ValueError("a --fault happens in the step 'fail' only; add it to --steps")
    return Request(
        app=app.resolve(),
        steps=names,
        change=change and change.resolve(),
        change_context=overrides,
        faults=faults,
        seed=_seed(seed_from),
        port=port,
        account_id=account_id,
        region=region,
        context=_pairs("--context", context),
        keep=keep,
        as_json=as_json,
    )


def _steps(text: str | None, faults: Sequence[str]) -> tuple[StepName, ...]:
    if text is None:
        return (StepName.FAIL,) if faults else (StepName.DEPLOY,)
    names = [name.strip() for name in text.split(",")]
    known = [step.value for step in StepName]
    for name in names:
        if name not in known:
            raise ValueError(f"there is no step '{name}'; give some of {', '.join(known)}")
    return tuple(StepName(name) for name in names)


def _check_failure(names: Sequence[StepName], faults: Sequence[str], *, is_changed: bool) -> None:
    from org_constructs.rehearsal.backend.faults import Fault, FaultError

    if not faults:
        raise ValueError("step 'fail' needs a --fault such as CreateAccount:2:SLOW=3600")
    try:
        for fault in faults:
            Fault.parse(fault)
    except FaultError as error:
        raise ValueError(str(error)) from error
    position = names.index(StepName.FAIL)
    if StepName.CHANGE in names[:position] or (position and not is_changed):
        raise ValueError(
            f"step 'fail' after '{names[position - 1]}' deploys what is deployed already, so nothing "
            "can fail; let it come first, or in place of 'change'"
            if is_changed
            else f"step 'fail' after '{names[position - 1]}' deploys what is deployed already, so "
            "nothing can fail; let it come first, or say what it deploys with --change"
        )


def _pairs(option: str, entries: Iterable[str]) -> dict[str, str]:
    pairs = [entry.partition("=") for entry in entries]
    for key, equals, _ in pairs:
        if not key or not equals:
            raise ValueError(f"{option} '{key}' is not KEY=VALUE")
    return {key: value for key, _, value in pairs}


def _seed(file: Path | None) -> dict[str, Any] | None:
    if file is None:
        return None
    try:
        seed = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"'{file}' cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ValueError(
            f"'{file}' is not JSON ({error}); give what `orgctl snapshot` wrote"
        ) from error
    if not isinstance(seed, dict):
        raise ValueError(f"'{file}' holds no organization; give what `orgctl snapshot` wrote")  # noqa: TRY004 - the caller catches one type
    return seed
