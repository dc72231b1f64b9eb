"""A stage as it is to be deployed and as it is: samconfig.toml, template.yaml, and what AWS's own program says. For doctor and secrets."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

from samtranslator.yaml_helper import yaml_parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = ROOT / "samconfig.toml"


class AwsError(Exception):
    """AWS's program did not do it; what it says."""


def aws(*arguments):
    """Runs the AWS CLI and reads its answer."""
    try:
        done = subprocess.run(["aws", *arguments, "--output", "json"], capture_output=True, text=True, check=False)
    except OSError as error:
        raise AwsError(f"the AWS CLI cannot be started: {error.strerror}") from error
    if done.returncode:
        raise AwsError(done.stderr.strip() or f"aws {' '.join(arguments[:2])} failed")
    return json.loads(done.stdout) if done.stdout.strip() else {}


class Stage:
    """A stage by its name in samconfig.toml."""

    def __init__(self, name):
        config = tomllib.loads(pathlib.Path(os.environ.get("SAM_CONFIG", CONFIG)).read_text(encoding="utf-8"))
        stages = [stage for stage, value in config.items() if isinstance(value, dict) and "deploy" in value]
        if name not in stages:
            sys.exit(f"samconfig.toml has no stage {name}: {', '.join(stages)}")
        self.name = name
        self.stack = config[name]["global"]["parameters"]["stack_name"]
        template = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
        self.template = template["Parameters"]
        pairs = [pair.split("=", 1) for pair in config[name]["deploy"]["parameters"]["parameter_overrides"]]
        self.chosen = {parameter: value.strip("'\"") for parameter, value in pairs}
        defaults = {parameter: str(each["Default"]) for parameter, each in self.template.items() if "Default" in each}
        self.parameters = defaults | self.chosen
        self.secrets = Secrets(self.parameters["SecretsName"], template["Resources"]["StageSecrets"]["Properties"]["Description"])

    def lacking(self):
        """Parameters that nobody has set and that have no default."""
        return [name for name in self.template if name not in self.parameters]


class Secrets:
    """The stage's document of secrets, and the names that it may have, as template.yaml describes them."""

    def __init__(self, name, description):
        self.name = name
        needed, rest = description.split("If there are:")
        rest, changing = rest.split("and while a key changes")
        self.needed, self.optional, self.changing = (re.findall(r"[A-Z]+(?:_[A-Z]+)+", part) for part in (needed, rest, changing))

    @property
    def known(self):
        """Every name that it may have."""
        return [*self.needed, *self.optional, *self.changing]

    def read(self):
        """What is in it."""
        text = aws("secretsmanager", "get-secret-value", "--secret-id", self.name)["SecretString"]
        try:
            found = json.loads(text)
        except json.JSONDecodeError:
            found = None
        if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
            sys.exit(f"{self.name} is no JSON object of texts; the version before it: aws secretsmanager get-secret-value "
                     f"--secret-id {self.name} --version-stage AWSPREVIOUS")
        return found

    def change(self, change):
        """Reads it, changes it and writes it as a whole, unless somebody else has written meanwhile."""
        before = self.read()
        after = change(dict(before))
        if self.read() != before:
            sys.exit(f"somebody else has changed {self.name} just now: nothing is written, try again")
        if after == before:
            print("nothing is changed")
            return
        # Never on a command line, which others on this machine can read.
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            json.dump(after, file)
            file.flush()
            aws("secretsmanager", "put-secret-value", "--secret-id", self.name, "--secret-string", f"file://{file.name}")
        print(f"{self.name} is written; functions take it within five minutes")


def persons(text):
    """The keys of the back office: name, role, key."""
    return [tuple(entry.strip().split(":", 2)) for entry in text.split(",") if entry.strip()]
