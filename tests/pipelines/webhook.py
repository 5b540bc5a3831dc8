"""Where the tests' alarms go."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class Webhook:
    """A web server that keeps what is posted, and may refuse the first times."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.refusals = 0
        self.refusal_status = 503
        self.url = ""

    @property
    def subjects(self) -> list[str]:
        return [message["subject"] for message in self.received]


@contextmanager
def a_webhook() -> Iterator[Webhook]:
    webhook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if webhook.refusals:
                webhook.refusals -= 1
                self.send_response(webhook.refusal_status)
            else:
                webhook.received.append(body)
                self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    webhook.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield webhook
    server.shutdown()
    server.server_close()
