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
# The ways to pay and their gateways, as the next deployment takes them along.
PAYMENTS = pathlib.Path(os.environ.get("PAYMENTS_CONFIG", ROOT / "infra/config/payments.toml"))
# A payment gateway's key; with _NEXT the one that follows it.
OF_GATEWAY = re.compile(r"GATEWAY_[A-Z][A-Z0-9_]{0,23}_SECRET")


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
        self.gateways = gateways()
        description = template["Resources"]["StageSecrets"]["Properties"]["Description"]
        self.secrets = Secrets(self.parameters["SecretsName"], description, self.gateways)

    def lacking(self):
        """Parameters that nobody has set and that have no default."""
        return [name for name in self.template if name not in self.parameters]


def gateways():
    """The payment gateways of payments.toml by their names; whether their settings are right, check-config says."""
    try:
        found = tomllib.loads(PAYMENTS.read_text(encoding="utf-8")).get("gateways", {})
    except (OSError, ValueError) as error:
        sys.exit(f"{os.path.relpath(PAYMENTS, ROOT)} cannot be read: {error}")
    return found if isinstance(found, dict) else {}


def gateway_secret(gateway):
    """The name of a payment gateway's key."""
    return f"GATEWAY_{gateway.replace('-', '_').upper()}_SECRET"


class Secrets:
    """The stage's document of secrets, and the names that it may have, as template.yaml describes them."""

    def __init__(self, name, description, gateways):
        self.name = name
        needed, rest = description.split("If there are:")
        rest, changing = rest.split("and while a key changes")
        # The names of the gateways' keys stand there as a pattern.
        single = re.compile(r"(?<![A-Z_}])[A-Z]+(?:_[A-Z]+)+(?![A-Z_{])")
        self.needed, self.optional, self.changing = (single.findall(part) for part in (needed, rest, changing))
        self.gateways = [gateway_secret(gateway) for gateway in gateways]
        self.needed += self.gateways
        self.changing += [f"{each}_NEXT" for each in self.gateways]

    @property
    def known(self):
        """Every name that it may have, but for the keys of gateways that payments.toml does not have yet."""
        return [*self.needed, *self.optional, *self.changing]

    def may_have(self, name):
        """Whether the functions take a name from it."""
        return name in self.known or OF_GATEWAY.fullmatch(name.removesuffix("_NEXT")) is not None

    def is_changing(self, name):
        """Whether a name is that of a key beside the one in force."""
        return name in self.changing or name.endswith("_NEXT") and self.may_have(name)

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
    """The keys of the back office: name, role (with the limit it has: `refund:5000`), key."""
    limited = re.compile(r"([^:]*):(refund:[0-9][0-9.]*):(.*)")
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    return [match.groups() if (match := limited.fullmatch(entry)) else tuple(entry.split(":", 2)) for entry in entries]
