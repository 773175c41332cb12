"""Rules of EventBridge: schedules follow the clock, and what they invoke can be waited for."""

# The emulator has no public way in; the names taken stand in `emulator.TAKEN_NAMES`.
# ruff: noqa: SLF001

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from fnmatch import fnmatchcase
from typing import Any
from uuid import uuid4

from .backend import Organizations
from .backend.faults import LAMBDA, Effect
from .emulator import CLOUDFORMATION, module

# Documentation: a function that fails is started again after one minute and after two more.
_RETRIES_AFTER = (60.0, 120.0)
# A function whose reserved concurrency is used up is started again for hours (documentation); it
# is looked that often, in real time.
_LOOK_EVERY = 0.02
# How often schedules are looked at, in real time: time that is skipped passes at once.
_TICK_EVERY = 0.25
_REFUSED = 400

# The rule whose targets are being invoked.
_rule_name: ContextVar[str] = ContextVar("rule_name", default="")
_rule_arn: ContextVar[str] = ContextVar("rule_arn", default="")


class EventRules:
    """The rules of all accounts, and what they have invoked."""

    def __init__(self, organizations: Organizations) -> None:
        self._organizations = organizations
        self._responses = module("ministack.core.responses")
        self._event_bridge = module("ministack.services.eventbridge")
        self._functions = module("ministack.services.lambda_svc")
        # The emulator's own thread ticks too.
        self._ticking = threading.Lock()
        self._lock = threading.Lock()
        self._invocations: list[dict[str, Any]] = []
        self._tick_emulator = self._event_bridge._tick_scheduled_rules

    def install(self) -> None:
        """Let the emulator's rules behave as AWS's."""
        event_bridge, clock = self._event_bridge, self._organizations.clock
        invoke_target = event_bridge._invoke_target

        def invoke(target: Any, event: Any, rule: dict[str, Any], *rest: Any) -> None:
            names = _rule_name.set(rule["Name"]), _rule_arn.set(rule["Arn"])
            try:
                invoke_target(target, event, rule, *rest)
            finally:
                _rule_name.reset(names[0])
                _rule_arn.reset(names[1])

        def tick_by_itself() -> None:
            if self._organizations.settings.schedules:
                self.tick()

        event_bridge._now_ts = clock.now
        event_bridge._SCHEDULER_TICK_INTERVAL = _TICK_EVERY
        event_bridge._invoke_target = invoke
        event_bridge._dispatch_to_lambda = self._invoke_function
        event_bridge._tick_scheduled_rules = tick_by_itself
        handlers = module(f"{CLOUDFORMATION}.provisioners")._RESOURCE_HANDLERS
        create, delete = (handlers["AWS::Events::Rule"][name] for name in ("create", "delete"))

        def create_rule(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
            """Put the rule and its targets as the service takes them: it refuses what is wrong.

            The emulator's own handler checks nothing, and keeps no time of creation, from which
            a schedule counts.
            """
            created = create(logical_id, properties, stack_name)
            try:
                self._put(created[0], properties)
            except ValueError:
                delete(created[0], properties)
                raise
            return created

        handlers["AWS::Events::Rule"]["create"] = create_rule

    def clear(self) -> None:
        """Forget what was invoked; what still runs is nobody's any more."""
        with self._lock:
            self._invocations = []

    # --- schedules -------------------------------------------------------------------------------

    def tick(self) -> None:
        """Fire each rule whose time has come since it was fired last, once."""
        event_bridge = self._event_bridge
        with self._ticking:
            now = self._organizations.clock.now()
            fired = event_bridge._rule_last_fired
            for key, rule in list(event_bridge._rules._data.items()):
                # Documentation: the countdown begins when the rule is created.
                fired[key] = max(fired.get(key, 0.0), rule.get("CreationTime", now))
            self._tick_emulator()

    def run_schedules(self) -> list[str]:
        """Fire each enabled rule with a schedule now, and return their names."""
        with self._ticking:
            return sorted(self._fire_all())

    def _fire_all(self) -> Iterator[str]:
        event_bridge, now = self._event_bridge, self._organizations.clock.now()
        for key, rule in list(event_bridge._rules._data.items()):
            if rule.get("State") != "ENABLED" or not rule.get("ScheduleExpression"):
                continue
            event_bridge._rule_last_fired[key] = now
            account, region, _ = key
            event = {
                "EventId": str(uuid4()),
                "Source": "aws.events",
                "DetailType": "Scheduled Event",
                "Detail": "{}",
                "EventBusName": rule["EventBusName"],
                "Time": int(now),
                "Resources": [rule["Arn"]],
                "Account": account,
                "Region": region,
            }
            with self._responses.request_scope(account, region):
                for target in event_bridge._targets._data.get(key, []):
                    event_bridge._invoke_target(target, event, rule)
            yield str(rule["Name"])

    def _put(self, name: str, properties: dict[str, Any]) -> None:
        """Put a rule through the service's own API.

        Raises:
            ValueError: it refuses the rule.
        """
        event_bridge = self._event_bridge
        event_bridge._ensure_default_bus()
        bus, _ = event_bridge._event_bus_name_from_ref(properties.get("EventBusName", "default"))
        pattern, schedule = properties.get("EventPattern"), properties.get("ScheduleExpression")
        if not pattern and not schedule:
            raise ValueError("Parameter(s) EventPattern or ScheduleExpression must be specified.")
        rule = {
            **{key: properties[key] for key in _RULE_PROPERTIES if key in properties},
            "EventPattern": json.dumps(pattern) if isinstance(pattern, dict) else pattern or "",
            "Name": name,
            "EventBusName": bus,
        }
        answers = [event_bridge._put_rule(rule)]
        if targets := properties.get("Targets"):
            put = {"Rule": name, "EventBusName": bus, "Targets": targets}
            answers.append(event_bridge._put_targets(put))
        for status, _, body in answers:
            if status >= _REFUSED:
                raise ValueError(json.loads(body).get("message") or body.decode())

    # --- functions -------------------------------------------------------------------------------

    def invocations(self, since: int = 0) -> list[dict[str, Any]]:
        """Return what rules have invoked after number `since`, what still runs included."""
        with self._lock:
            return [dict(invocation) for invocation in self._invocations[since:]]

    def running(self) -> int:
        """Return how many of the invoked functions still run."""
        with self._lock:
            return sum(invocation["running"] for invocation in self._invocations)

    def _invoke_function(self, arn: str, payload: str) -> None:
        """Invoke a function as EventBridge does: with its permission, and without waiting."""
        function, config, _ = self._functions._get_func_record_for_ref(arn)
        found = bool(function and config)
        error = None
        if not found:
            error = f"function {arn} does not exist"
        elif not _may_invoke(function, _rule_arn.get()):
            error = f"rule {_rule_name.get()} may not invoke it: no lambda:AddPermission says so"
        entry = {
            "n": 0,
            "time": self._organizations.clock.now(),
            "rule": _rule_name.get(),
            "function": arn,
            "event": json.loads(payload),
            "attempts": 0,
            "running": error is None,
            "error": error,
        }
        with self._lock:
            self._invocations.append(entry)
            entry["n"] = len(self._invocations)
            log = self._invocations
        if error is None:
            record = self._functions._execution_record_for_config(function, config)
            waits = (0.0, *_RETRIES_AFTER[: _retries_of(function)])
            threading.Thread(
                target=self._run, args=(record, entry, log, waits), daemon=True
            ).start()

    def _run(
        self,
        function: dict[str, Any],
        entry: dict[str, Any],
        log: list[dict[str, Any]],
        waits: tuple[float, ...],
    ) -> None:
        """Run a function, and again when it fails, as asynchronous invocations do.

        The waits between are skipped.
        """
        error: str | None = None
        for wait in waits:
            # After a reset it is another AWS, whose clock is not moved.
            if log is not self._invocations:
                return
            if wait:
                self._organizations.clock.advance(wait)
            error = self._attempt(function, entry)
            if error is None:
                break
        with self._lock:
            entry.update(running=False, error=error)

    def _attempt(self, function: dict[str, Any], entry: dict[str, Any]) -> str | None:
        """Run a function once, and return why it failed."""
        entry["attempts"] += 1
        met = self._organizations.faults.meet(LAMBDA)
        if any(fault.effect is Effect.DIES for fault in met):
            return "the process has ended (injected)"
        try:
            while True:
                result = self._functions._execute_function_with_config_scope(
                    function, entry["event"]
                )
                if not result.get("throttle"):
                    break
                time.sleep(_LOOK_EVERY)
        # Whatever the emulator trips over, somebody waits for the end of this thread's work.
        except Exception as problem:  # noqa: BLE001
            return f"{type(problem).__name__}: {problem}"
        if not result.get("error"):
            return None
        body = result.get("body")
        return str(body.get("errorMessage", body) if isinstance(body, dict) else body)


_RULE_PROPERTIES = ("Description", "RoleArn", "ScheduleExpression", "State", "Tags")


def _retries_of(function: dict[str, Any]) -> int:
    """Return how often a function runs again that has failed: twice, unless it is told otherwise."""
    configs = function.get("event_invoke_configs") or {}
    config = configs.get("$LATEST") or configs.get("") or {}
    return int(config.get("MaximumRetryAttempts", len(_RETRIES_AFTER)))


def _may_invoke(function: dict[str, Any], rule_arn: str) -> bool:
    """Tell whether a function's resource policy lets EventBridge invoke it for a rule."""
    return any(
        statement["Principal"] in ("*", {"Service": "events.amazonaws.com"})
        and fnmatchcase("lambda:InvokeFunction", statement["Action"])
        and fnmatchcase(
            rule_arn,
            statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn", "*"),
        )
        for statement in function["policy"]["Statement"]
    )
