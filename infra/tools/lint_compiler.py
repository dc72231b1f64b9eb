#!/usr/bin/env python3
"""Takes the compiler's place for our own crates while check-lints lets cargo build them: Clippy reads each of them, and rustdoc what is
no test. Nothing is compiled: where cargo expects a library or a program, it gets an empty file."""

import os
import pathlib
import subprocess
import sys

DOCUMENTS = "target/lints/doc"


def values(arguments, option):
    """What the option was given, each time."""
    return [value for name, value in zip(arguments, arguments[1:]) if name == option]


def from_metadata(argument):
    """A library is looked up in its metadata, which is all that our own have here."""
    name, _, path = argument.partition("=")
    metadata = path.removesuffix(".rlib") + ".rmeta"
    return f"{name}={metadata}" if path.endswith(".rlib") and os.path.exists(metadata) else argument


def expected(arguments):
    """The file that cargo looks for afterwards."""
    crate, folder = values(arguments, "--crate-name")[0], pathlib.Path(values(arguments, "--out-dir")[0])
    settings = dict(each.partition("=")[::2] for each in values(arguments, "-C"))
    is_library = "lib" in values(arguments, "--crate-type") and "--test" not in arguments
    name = f"{crate}{settings['extra-filename']}"
    return folder / (f"lib{name}.rlib" if is_library else name)


def documented(rustc, arguments):
    """Lets rustdoc read the crate, with what the compiler was told of it."""
    kept, rest = [], iter(arguments)
    for argument in rest:
        if argument in ("--out-dir", "-C"):
            next(rest)
        elif not argument.startswith("--emit="):
            kept.append(argument)
    folder = pathlib.Path(DOCUMENTS, expected(arguments).name)
    rustdoc = pathlib.Path(rustc).with_name("rustdoc") if os.sep in rustc else "rustdoc"
    command = [rustdoc, *kept, "-Dwarnings", "--document-private-items", "--out-dir", folder]
    return subprocess.run(command, check=False, close_fds=False).returncode


def main(rustc, arguments):
    # Cargo's own questions to the compiler.
    if "--crate-name" not in arguments or not any(each.startswith("--emit=") for each in arguments):
        return subprocess.run([rustc, *arguments], check=False, close_fds=False).returncode
    arguments = [from_metadata(each) for each in arguments]
    read = ["--emit=dep-info,metadata" if each.startswith("--emit=") else each for each in arguments]
    # The file descriptors are those by which cargo limits how much is done at a time.
    code = subprocess.run(["clippy-driver", rustc, *read], check=False, close_fds=False).returncode
    if not code and "--test" not in arguments:
        code = documented(rustc, arguments)
    if not code:
        expected(arguments).touch()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
