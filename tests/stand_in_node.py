"""A program that behaves like a node as far as `mvchain.localnet` can tell; run as `stand_in_node.py HOME`.

It keeps a connection to the port in STAND_IN_PORT while it lives, says there why it ends, and answers `/readyz`. With
a file named `stubborn` in its home it ends for nothing but a kill, with one named `broken` it ends at once.
"""

import os
import signal
import socket
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import FrameType


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/readyz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        pass


def main(home: Path) -> None:
    witness = socket.create_connection(("127.0.0.1", int(os.environ["STAND_IN_PORT"])))
    witness.sendall(f"{home.name} up\n".encode())

    def end(reason: str) -> None:
        if not (home / "stubborn").exists():
            witness.sendall(f"{reason}\n".encode())
            os._exit(0)

    def told(_number: int, _frame: FrameType | None) -> None:
        end("told to")

    if (home / "broken").exists():
        print("something was printed before")
        sys.exit("the disk is on fire")
    signal.signal(signal.SIGTERM, told)
    settings = tomllib.loads((home / "config" / "node.toml").read_text())
    host, _, port = settings["api"]["listen"].rpartition(":")
    HTTPServer.allow_reuse_address = True
    threading.Thread(target=HTTPServer((host, int(port)), Ready).serve_forever, daemon=True).start()
    sys.stdin.read()
    end("parent gone")
    signal.pause()


main(Path(sys.argv[1]))
