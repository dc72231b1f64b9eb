"""The AWS CLI, loaded once for all the commands of a check: by itself it takes most of a second to start. It listens on a socket, and
each command has a driver of its own, as each start would have. `python served_aws.py SOCKET` runs commands as they are."""

import contextlib
import io
import json
import socket
import sys

sys.dont_write_bytecode = True
from running import Process

# What stands in for the program: hands its arguments on, and the value of one variable. Without what Python loads by itself.
PROGRAM = """#!/bin/sh
exec {python} -ISB -c '
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as line:
    line.connect("{path}")
    line.sendall(json.dumps([sys.argv[1:], os.environ.get("COMPLAINTS")]).encode())
    line.shutdown(socket.SHUT_WR)
    code, printed, said = json.load(line.makefile(encoding="utf-8"))
sys.stdout.write(printed)
sys.stderr.write(said)
sys.exit(code)
' "$@"
"""


def program(path):
    """A program that has its commands done by who serves at `path`."""
    return PROGRAM.format(python=sys.executable, path=path)


def aws(arguments, before=None):
    """Runs a command in this process; its exit code, what it printed, what it said. `before` is given its session."""
    from awscli.clidriver import create_clidriver

    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            driver = create_clidriver()
            if before:
                before(driver.session)
            code = driver.main(arguments)
        except SystemExit as end:
            code = end.code
    return code or 0, printed.getvalue(), said.getvalue()


def serve(path, answer):
    """Does one command after the other, until the process ends: `answer` gets the arguments, and the value of COMPLAINTS."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(16)
        print("it serves", flush=True)
        while True:
            line, _ = listener.accept()
            with line, line.makefile("rw", encoding="utf-8") as both:
                json.dump(answer(*json.loads(both.read())), both)


class Served(Process):
    """A process that serves at `path`, ready when the `with` block begins."""

    def __init__(self, command, path, **settings):
        super().__init__("aws", [*command, path], **settings)

    def __enter__(self):
        super().__enter__()
        try:
            self.wait_for(lambda: "it serves" in self.output(), "it serves")
        except BaseException:
            self.__exit__()
            raise
        return self


if __name__ == "__main__":
    serve(sys.argv[1], lambda arguments, _: aws(arguments))
