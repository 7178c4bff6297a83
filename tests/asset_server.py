#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server of files with faults, for src/assets/fetch_test.cc: on this machine alone, on a port of its own.

usage: asset_server.py FOLDER

Writes its port to FOLDER/port and a line for each request, "PATH RANGE", to FOLDER/log. /FAULT/NAME answers with the file
FOLDER/NAME, and /plain/NAME without a fault.
"""
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock

FOLDER = Path(sys.argv[1])
LOCK = Lock()
SEEN = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def count(self, span):
        """The number of this request among those of its path; the first is 1."""
        with LOCK:
            with open(FOLDER / "log", "a") as log:
                log.write(f"{self.path} {span}\n")
            SEEN[self.path] = SEEN.get(self.path, 0) + 1
            return SEEN[self.path]

    def answer(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def refuse(self, status):
        self.answer(status, {"Content-Length": "0"})

    def send_slowly(self, content):
        for i in range(0, len(content), 4096):
            self.wfile.write(content[i:i + 4096])
            time.sleep(0.002)

    def do_GET(self):
        span = self.headers.get("Range", "-")
        number = self.count(span)
        _, fault, name = self.path.split("/", 2)
        if fault == "redirect":
            return self.answer(302, {"Location": f"/plain/{name}", "Content-Length": "0"})
        if fault == "circle":
            return self.answer(302, {"Location": self.path, "Content-Length": "0"})
        if fault == "file":
            return self.answer(302, {"Location": f"file://{FOLDER}/{name}", "Content-Length": "0"})
        if fault == "500" or (fault == "500twice" and number <= 2):
            return self.refuse(500)
        path = FOLDER / name
        if fault == "404" or not path.exists():
            return self.refuse(404)
        content = path.read_bytes()
        if fault == "wrong":
            content = content[:-1] + bytes([content[-1] ^ 1])
        if fault == "long":
            content += b"more"
        if fault == "short":
            content = content[:-10]
        first = 0
        if span != "-" and fault not in ("norange", "dropnorange", "cutnorange"):
            first = int(span.removeprefix("bytes=").split("-")[0])
            if first >= len(content):
                return self.answer(416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"})
            if fault == "badrange" and number <= 2:
                first -= 1
            self_status, extra = 206, {"Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"}
        else:
            self_status, extra = 200, {}
        content = content[first:]
        self.answer(self_status, extra | {"Content-Length": str(len(content))})
        try:
            if fault == "cutnorange" or (fault in ("drop", "dropnorange", "badrange") and number <= 3):
                self.wfile.write(content[:len(content) // 3])
            elif fault == "nothing":
                pass
            elif fault == "stall" and number == 1:
                self.wfile.write(content[:1000])
                self.wfile.flush()
                time.sleep(4)
            elif fault == "slow":
                self.send_slowly(content)
            else:
                self.wfile.write(content)
        except OSError:
            pass  # they have gone


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    (FOLDER / "port.new").write_text(str(server.server_port))
    os.rename(FOLDER / "port.new", FOLDER / "port")
    server.serve_forever()


if __name__ == "__main__":
    main()
