"""The emulated AWS: its process, its clients, and SAM CLI's deployments to it."""

import io
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
import zipfile

import boto3

from running import ROOT, Process, fail, free_port

REGION = "eu-central-1"
STAGE = "dev"
STACK = f"imshop-webhooks-{STAGE}"
# Worth nothing, and no profile beside them: whatever this machine may do elsewhere, nothing here can reach it.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def clean_environment():
    """This process's environment without anything that names an account."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | CREDENTIALS


class Cloud:
    """An emulated AWS, as long as the `with` block lasts. `trusted` is the certificate that its functions trust."""

    def __init__(self, work, trusted):
        self.work = work
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        settings = {
            # Functions may do what their roles allow, no more.
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            # Where it unpacks the functions' archives.
            "TMPDIR": str(work),
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_HOST": "localhost",
            "MINISTACK_REGION": REGION,
            # Not needed here, and a port of its own.
            "IOT_MTLS_ENABLED": "0",
            "AWS_ENDPOINT_URL": self.endpoint,
            # What the functions inherit. On AWS the SDK finds its services by their region.
            **{f"{service}_ENDPOINT": self.endpoint for service in ("DYNAMODB", "S3", "SECRETS", "SQS")},
            # Nobody wants to wait five minutes for a changed key.
            "SECRETS_REFRESH_SECONDS": "3",
            "EXTRA_CA_FILE": str(trusted),
            # The demo's keys are short.
            "WEAK_KEYS": "allowed",
        }
        command = [ROOT / ".venv/ministack/bin/ministack"]
        self.process = Process("ministack", command, work, cwd=work, env=clean_environment() | settings)
        self.region = REGION
        self.session = boto3.Session("test", "test", region_name=REGION)

    def __enter__(self):
        self.process.__enter__()
        try:
            self.process.wait_for(self._serves, f"it serves on port {self.port}")
        except BaseException:
            self.process.__exit__()
            raise
        return self

    def __exit__(self, *error):
        self.process.__exit__(*error)

    def _serves(self):
        try:
            return urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=5).status == 200
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def client(self, service):
        """boto3's client of this service."""
        return self.session.client(service, endpoint_url=self.endpoint)

    def sam(self, *arguments):
        """Runs SAM CLI against it."""
        environment = clean_environment() | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "SAM_CLI_TELEMETRY": "0",
            # What it waits for is here at once; by itself it asks every five seconds.
            "SAM_CLI_POLL_DELAY": "0.2",
            "TMPDIR": str(self.work),
        }
        command = [ROOT / ".venv/sam/bin/sam", *arguments, "--config-file", ROOT / "samconfig.toml", "--config-env", STAGE]
        log = self.work / f"sam-{len(list(self.work.glob('sam-*.log'))) + 1}-{arguments[0]}.log"
        with log.open("wb") as output:
            code = subprocess.run(
                command, cwd=self.work, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                timeout=600, check=False,
            ).returncode
        if code:
            fail(f"sam {arguments[0]} ended with {code}. It printed:\n{log.read_text(errors='replace')[-6000:]}")

    def deploy(self, package, parameters):
        """`sam deploy` as samconfig.toml says, with these parameters beside its own."""
        pairs = [f"{name}={value}" for name, value in parameters.items()]
        self.sam("deploy", "--template-file", package.path, "--no-confirm-changeset", "--parameter-overrides", *pairs)
        self.mount(package)

    def mount(self, package):
        """Puts the files of the layer that the functions have now where the package lets them look for it."""
        functions = self.client("lambda")
        layers = {
            layer["Arn"]
            for name in self.physical("AWS::Lambda::Function").values()
            for layer in functions.get_function_configuration(FunctionName=name, Qualifier="live").get("Layers", [])
        }
        if len(layers) != 1:
            fail(f"the functions share one layer, but there are {sorted(layers)}")
        location = functions.get_layer_version_by_arn(Arn=layers.pop())["Content"]["Location"]
        shutil.rmtree(package.mounted, ignore_errors=True)
        with urllib.request.urlopen(location, timeout=30) as answer, zipfile.ZipFile(io.BytesIO(answer.read())) as archive:
            archive.extractall(package.mounted)

    def log(self, group):
        """All that is in a log group."""
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        return "\n".join(event["message"] for page in pages for event in page["events"])

    def keep_logs(self):
        """Copies the log groups into files."""
        for group in self.client("logs").describe_log_groups()["logGroups"]:
            name = group["logGroupName"]
            (self.work / f"{name.rpartition('/')[2]}.log").write_text(self.log(name), encoding="utf-8")

    def resources(self):
        """The stack's resources, as CloudFormation lists them."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
        return [resource for page in pages for resource in page["StackResourceSummaries"]]

    def physical(self, kind):
        """The physical ids of the stack's resources of this type, by their names in the template."""
        return {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for resource in self.resources()
            if resource["ResourceType"] == kind
        }

    def template(self):
        """The deployed template as plain CloudFormation."""
        body = self.client("cloudformation").get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
        return json.loads(body) if isinstance(body, str) else body
