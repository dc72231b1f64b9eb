"""Processes that a check starts and has to end again, whatever happens in between."""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def fail(text):
    """Ends the check with a message."""
    sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {text}")


def end_on_signals():
    """Lets a signal unwind like an error, so that what was started is ended."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))


def is_free(port):
    """Whether nothing serves on this port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port():
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def build(*arguments):
    """Builds ahead, so that no start and no invocation waits for the compiler."""
    if subprocess.run(["cargo", "build", *arguments], cwd=ROOT, check=False).returncode:
        fail(f"cargo build {' '.join(arguments)} failed")


def build_functions():
    """Builds the functions' programs as they are deployed, unless they are there; where each one is, by its name."""
    done = subprocess.run([ROOT / "infra/tools/build-functions"], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        fail("infra/tools/build-functions failed")
    return {path.parent.name: path for path in map(pathlib.Path, done.stdout.splitlines())}


def node_modules(pinned, folder):
    """Installs what the package-lock.json of a folder pins into another one, unless it is there, by the node of .venv/node."""
    node = ROOT / ".venv/node/bin"
    stamp, wanted = folder / "stamp", hashlib.sha256((pinned / "package-lock.json").read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(pinned / name, folder)
        command = [node / "npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        environment = os.environ | {"PATH": f"{node}:{os.environ['PATH']}"}
        done = subprocess.run(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )
        if done.returncode:
            fail(f"what {pinned / 'package-lock.json'} pins could not be installed (exit code {done.returncode}):\n{done.stdout}")
        stamp.write_text(wanted, encoding="utf-8")
    return folder / "node_modules"


class Process:
    """A process whose output goes to a file, into the folder `logs` if it is to stay; ended with the `with` block, together
    with all that it started."""

    def __init__(self, name, command, logs=None, **settings):
        self.name = name
        self.command = command
        self.logs = logs
        self.settings = settings

    def __enter__(self):
        if self.logs:
            self.log = pathlib.Path(self.logs, f"{self.name}.log").open("wb")
        else:
            self.log = tempfile.NamedTemporaryFile(prefix=f"{self.name}-", suffix=".log")
        # A session of its own, so that its children can be ended with it.
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True,
            **self.settings,
        )
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        # What it left behind.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.log.close()

    def output(self):
        """Everything it has printed so far."""
        return pathlib.Path(self.log.name).read_text(encoding="utf-8", errors="replace")

    def tail(self, lines=40):
        """The end of its output, for an error message."""
        return "\n".join(f"    {line}" for line in self.output().splitlines()[-lines:])

    def wait_for(self, condition, what, seconds=120):
        """Polls until `condition` gives something."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = condition()
            if found:
                return found
            if self.process.poll() is not None:
                fail(f"{self.name} ended (code {self.process.returncode}) before {what}. It printed:\n{self.tail()}")
            time.sleep(0.1)
        fail(f"{self.name} runs, but not {what} within {seconds} s. It printed:\n{self.tail()}")


def sandbox(*arguments, logs=None, environment=None):
    """The sandbox as it was built; wait for it with `ready`. Started by itself: cargo would wait for whoever is compiling."""
    program = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"), "debug/sandbox")
    return Process("sandbox", [program, *arguments], logs, cwd=ROOT, env=os.environ | (environment or {}))


def sandbox_settings():
    """The functions' settings, as a sandbox without functions has written them down."""
    lines = (ROOT / ".env.sandbox").read_text(encoding="utf-8").splitlines()
    return {name: json.loads(value) for name, value in (line.split("=", 1) for line in lines)}


def ready(process):
    """The addresses of the sandbox's READY line."""

    def line():
        # Only whole lines: the last one may still be on its way.
        complete = process.output().rpartition("\n")[0].splitlines()
        return next((text for text in complete if text.startswith("READY ")), None)

    found = process.wait_for(line, "its READY line")
    try:
        return json.loads(found.removeprefix("READY "))
    except json.JSONDecodeError as error:
        fail(f"the sandbox's READY line is not JSON ({error}): {found}")
