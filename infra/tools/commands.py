"""The shell commands of documents, read by the programs they are for. Started by check-commands, and by itself to serve as `aws`."""

import concurrent.futures
import functools
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import served_aws

# Nobody is there to be asked, to open a browser, or to wait for.
NOT_READ = {"configure", "sso", "wait"}
# What else stands in commands with an `aws` in them; it does nothing here.
SILENT = ("curl", "sam", "sed", "grep", "openssl", "python3", "jq")


def answer_nothing(session):
    """Lets requests be made, and not be sent."""

    def answered(model, **_):
        # By now the request is made and checked against the service's model.
        parsed = {}
        if model.has_streaming_output:
            parsed[model.output_shape.serialization["payload"]] = io.BytesIO()
        return type("Answer", (), {"status_code": 200})(), parsed

    session.register("before-call.*.*", answered)


def logical_lines(text):
    """The lines of the shell blocks, and the commands that stand in a sentence; continued lines are one."""
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", text, re.M | re.S):
        yield from block.replace("\\\n", " ").splitlines()
    for command in re.findall(r"`((?:aws|sam) [^`]+)`", text):
        yield command


@functools.cache
def options_of_sam(command):
    """The options that a command of `sam` has; None without such a command."""
    done = subprocess.run([".venv/sam/bin/sam", command, "--help"], capture_output=True, text=True, check=False)
    return None if done.returncode else set(re.findall(r"--[a-z-]+", done.stdout))


def options(line):
    """What is wrong with the options of the line's `sam` commands."""
    for arguments in re.findall(r"(?:^|&& |; )sam ([^&;|]+)", line):
        words = arguments.split()
        named = [word.partition("=")[0] for word in words if word.startswith("--")]
        known = options_of_sam(words[0])
        if known is None:
            yield f"sam has no command {words[0]}"
        yield from (f"sam {words[0]} has no {name}" for name in named if name not in (known or ()))


def environment(folder):
    """What a shell of the documents' readers has, and nothing of this machine."""
    return {
        "PATH": str(folder), "HOME": str(folder), "AWS_DEFAULT_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none", "STAGE": "dev", "STACK": "imshop-webhooks-dev", "BUCKET": "bucket",
        # What the lines before have set.
        "group": "/aws/lambda/function", "id": "query", "method": "status",
    }


def read(line, folder, complaints):
    """Lets a shell run the line; its `aws` is served by this program."""
    # The file is there by then; what is only defined is called.
    line = line.replace("file://secrets.json", "'{}'")
    if defined := re.match(r"\s*(\w+)\(\) \{", line):
        line = f"{line}; {defined[1]} something"
    subprocess.run(
        ["/bin/bash", "-c", line], cwd=folder, env=environment(folder) | {"COMPLAINTS": str(complaints)}, stdin=subprocess.DEVNULL,
        capture_output=True, check=False, timeout=120,
    )


def wrong_in(line, folder, number):
    """What is wrong with a line, and how many commands of the AWS CLI it has."""
    wrong, outcomes = list(options(line)), []
    if re.search(r"\baws ", line):
        complaints = folder / f"complaints-{number}"
        complaints.write_text("", encoding="utf-8")
        read(line, folder, complaints)
        outcomes = complaints.read_text(encoding="utf-8").splitlines()
        wrong += [outcome for outcome in outcomes if outcome != "read"] or ([] if outcomes else ["it was not read at all"])
    return wrong, len(outcomes)


def main(documents):
    failed, commands = [], 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        socket = folder / "aws.socket"
        wrapper = served_aws.program(socket)
        (folder / "date").symlink_to(shutil.which("date"))
        for program, text in [("aws", wrapper)] + [(each, "#!/bin/bash\n") for each in SILENT]:
            (folder / program).write_text(text, encoding="utf-8")
            (folder / program).chmod(0o755)
        lines = [(each, line) for each in documents for line in logical_lines(pathlib.Path(each).read_text(encoding="utf-8"))]
        command = [sys.executable, pathlib.Path(__file__).resolve(), "--serve"]
        served = served_aws.Served(command, socket, cwd=folder, env=environment(folder))
        with served, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            outcomes = pool.map(lambda numbered: wrong_in(numbered[1][1], folder, numbered[0]), enumerate(lines))
            for (document, line), (wrong, read_by_aws) in zip(lines, outcomes):
                commands += read_by_aws
                failed += [f"{document}: {line.strip()}\n    {each.strip()}" for each in wrong]
    print(*failed, f"{commands} commands of the AWS CLI were read, {len(failed)} are wrong", sep="\n")
    return 1 if failed or commands < 10 else 0


def instead_of_aws(arguments, complaints):
    """Reads one command, and notes what is wrong with it."""
    code, said = 0, ""
    if not NOT_READ & set(arguments[:2]):
        code, _, said = served_aws.aws(arguments, answer_nothing)
        said = said.strip().rpartition("error: ")[2].replace("\n", " ")
    with open(complaints, "a", encoding="utf-8") as notes:
        notes.write("read\n" if code == 0 else f"aws {' '.join(arguments[:2])}: {said}\n")
    # What is printed is for the command around it.
    return code, "1\n", ""


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        served_aws.serve(sys.argv[2], instead_of_aws)
    sys.exit(main(sys.argv[1:]))
