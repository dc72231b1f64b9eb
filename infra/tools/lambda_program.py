"""A function's program, given its events as Lambda gives them, so that what it costs can be measured."""

import http.server
import json
import pathlib
import queue
import subprocess
import threading
import time

from running import fail

# One event, the slowest machine and the largest feed included.
SECONDS = 300


class Runtime(http.server.ThreadingHTTPServer):
    """The runtime API of one program: gives it events, and takes what it answers."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.events, self.answers = queue.Queue(), queue.Queue(), queue.Queue()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, request, client_address):
        """A program that was ended leaves its connection open."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Otherwise each event waits 40 ms for the acknowledgement of its headers.
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """Says nothing."""

    def do_GET(self):
        self.server.asked.put(time.monotonic())
        event = self.server.events.get()
        if event is None:
            return
        self.send_response(200)
        self.send_header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        self.send_header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:123456789012:function:a:live")
        self.send_header("lambda-runtime-deadline-ms", str(int((time.time() + SECONDS) * 1000)))
        self.send_header("content-length", str(len(event)))
        self.end_headers()
        self.wfile.write(event)

    def do_POST(self):
        self.server.answers.put(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(202)
        self.send_header("content-length", "0")
        self.end_headers()


class Program:
    """A function's running program, `command`. `settle`, if there is one, is given its process before it does anything."""

    def __init__(self, command, name, settings, settle=None):
        self.runtime = Runtime()
        lambda_ = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.runtime.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "LOG_LEVEL": "error",
        }
        began = time.monotonic()
        self.process = subprocess.Popen(command, env=settings | lambda_, stdout=subprocess.DEVNULL, preexec_fn=settle)
        self.start_ms = (self.runtime.asked.get(timeout=SECONDS) - began) * 1000

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.runtime.events.put(None)
        self.runtime.shutdown()
        self.runtime.server_close()

    def cpu_ms(self):
        threads = pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e6

    def peak_mb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def send(self, event):
        """Its answer, once it asks for the next event."""
        self.runtime.events.put(event)
        answer = json.loads(self.runtime.answers.get(timeout=SECONDS))
        self.runtime.asked.get(timeout=SECONDS)
        if answer and "errorMessage" in answer or (answer or {}).get("statusCode", 200) >= 500:
            fail(f"a function failed: {json.dumps(answer, ensure_ascii=False)[:2000]}")
        return answer
