from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from settings_harness import ROOT_ID, Clock, Context, Inbox, Organizations, Request, Serve

from org_constructs.handlers.function.organization_settings.index import Surroundings, handle
from org_constructs.handlers.function.organization_settings.settings import discover


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """An address that takes answers."""
    box = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = box.statuses.pop(0) if box.statuses else 200
            if status == 200:
                box.bodies.append(body)
                box.content_types.append(self.headers["Content-Type"])
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    box.url = f"http://127.0.0.1:{server.server_port}/answer?signature=secret"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield box
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def clock() -> Clock:
    """Time under control."""
    return Clock()


@pytest.fixture
def organizations() -> Iterator[Organizations]:
    """The service, with answers laid out by the test."""
    fake = Organizations()
    yield fake
    fake.client.close()


@pytest.fixture
def request_of(inbox: Inbox) -> Request:
    """Make a request of CloudFormation."""

    def make(kind: str = "Create", **changes: Any) -> dict[str, Any]:
        event: dict[str, Any] = {
            "RequestType": kind,
            "ResponseURL": inbox.url,
            "StackId": "arn:aws:cloudformation:us-east-1:111122223333:stack/Organization/1",
            "RequestId": "request-1",
            "LogicalResourceId": "ScpType",
            "ResourceType": "Custom::OrganizationPolicyType",
            "ResourceProperties": {
                "ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:settings",
                "RootId": ROOT_ID,
                "PolicyType": "SERVICE_CONTROL_POLICY",
            },
        }
        if kind != "Create":
            event["PhysicalResourceId"] = f"{ROOT_ID}/SERVICE_CONTROL_POLICY"
        return {**event, **changes}

    return make


@pytest.fixture
def serve(inbox: Inbox, clock: Clock, organizations: Organizations) -> Serve:
    """Run the function on a request and returns its one answer."""

    def run(event: dict[str, Any], *, seconds: float = 300, **changes: Any) -> dict[str, Any]:
        surroundings: dict[str, Any] = {
            "settings": discover,
            "client": lambda _: organizations.client,
            "clock": clock,
            "sleep": clock.sleep,
            "jitter": lambda _, longest: longest,
            **changes,
        }
        handle(event, Context(clock, clock() + seconds), Surroundings(**surroundings))
        assert len(inbox.bodies) == 1
        organizations.done()
        return inbox.answers[0]

    return run
