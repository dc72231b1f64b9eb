"""Rehearses infra/tools/restore against an emulated AWS. Started by infra/tools/check-restore."""

import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

sys.dont_write_bytecode = True
from running import ROOT, end_on_signals, fail

sys.path.insert(0, str(ROOT / "infra/e2e"))
from cloud import Cloud, clean_environment
from restore import MAPPED, declared
from served_aws import Served, program

TABLE = "order-holds"
NAME = f"{TABLE}-dev"
KEPT = ROOT / "target" / f"restore-{NAME}.json"
LOST = "Connection was closed before we received a valid response from endpoint"
NOT_YET = "An error occurred (ContinuousBackupsUnavailableException) when calling the UpdateContinuousBackups operation: not yet"
# Where replace ends and has to begin again, in the order of its steps: before the step is done, or done and the answer is lost; how often
# that step passes first.
CUTS = [
    ("create-backup", "after", 0), ("create-backup", "before", 1), ("update-table", "after", 0), ("delete-table", "before", 0),
    ("delete-table", "after", 0), ("restore-table-from-backup", "before", 0), ("restore-table-from-backup", "after", 0),
    ("update-table", "after", 0), ("update-time-to-live", "after", 0), ("update-continuous-backups", "after", 0), ("update-table", "after", 0),
    ("tag-resource", "before", 0), ("delete-event-source-mapping", "after", 0),
    ("create-event-source-mapping", "before", 0), ("create-event-source-mapping", "after", 0),
]


def function(cloud):
    """A function that could read the stream."""
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = cloud.client("iam").create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("index.py", "def handler(event, context):\n    return {}\n")
    made = cloud.client("lambda").create_function(
        FunctionName="payment-events", Runtime="python3.12", Role=role, Handler="index.handler", Code={"ZipFile": archive.getvalue()}
    )
    return made["FunctionArn"]


def make(cloud, properties):
    """The table as the template has it, with a payment and what CloudFormation gives it beside."""
    dynamodb = cloud.client("dynamodb")
    of_creation = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    stream = {"StreamEnabled": True, **properties["StreamSpecification"]}
    dynamodb.create_table(
        TableName=NAME, StreamSpecification=stream, DeletionProtectionEnabled=True,
        Tags=[{"Key": "stage", "Value": "dev"}], **{name: properties[name] for name in of_creation},
    )
    dynamodb.update_time_to_live(TableName=NAME, TimeToLiveSpecification=properties["TimeToLiveSpecification"])
    dynamodb.update_continuous_backups(
        TableName=NAME, PointInTimeRecoverySpecification=properties["PointInTimeRecoverySpecification"]
    )
    dynamodb.put_item(TableName=NAME, Item={"pk": {"S": "payment#1"}, "state": {"S": "captured"}, "moved_at": {"N": "1"}})
    reads(cloud, function(cloud))


def reads(cloud, function_arn):
    """Maps the table's stream to the function, in another way than by default."""
    dynamodb = cloud.client("dynamodb")
    cloud.client("lambda").create_event_source_mapping(
        EventSourceArn=dynamodb.describe_table(TableName=NAME)["Table"]["LatestStreamArn"], FunctionName=function_arn,
        StartingPosition="TRIM_HORIZON", BatchSize=25, ParallelizationFactor=4, MaximumRetryAttempts=5,
        MaximumRecordAgeInSeconds=3600, BisectBatchOnFunctionError=True, FunctionResponseTypes=["ReportBatchItemFailures"],
        FilterCriteria={"Filters": [{"Pattern": '{"dynamodb":{"NewImage":{"untold":{"BOOL":[true]}}}}'}]},
    )


def stands(cloud):
    """Everything about the table that somebody depends on."""
    dynamodb = cloud.client("dynamodb")
    table = dynamodb.describe_table(TableName=NAME)["Table"]
    backups = dynamodb.describe_continuous_backups(TableName=NAME)["ContinuousBackupsDescription"]
    mappings = cloud.client("lambda").list_event_source_mappings(EventSourceArn=table.get("LatestStreamArn", "none"))
    return {
        "billing": table["BillingModeSummary"]["BillingMode"],
        "indexes": sorted((index["IndexName"], str(index["KeySchema"])) for index in table["GlobalSecondaryIndexes"]),
        "stream": table.get("StreamSpecification"),
        "protected": table.get("DeletionProtectionEnabled"),
        "expiry": dynamodb.describe_time_to_live(TableName=NAME)["TimeToLiveDescription"],
        "recovery": backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
        "tags": dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"],
        "mappings": [
            {"FunctionArn": each["FunctionArn"], **{name: each.get(name) for name in MAPPED}}
            for each in mappings["EventSourceMappings"]
        ],
    }


def states(cloud, name=NAME):
    dynamodb = cloud.client("dynamodb")
    found = dynamodb.query(
        TableName=name, IndexName="by-state", KeyConditionExpression="#s = :s", ExpressionAttributeNames={"#s": "state"},
        ExpressionAttributeValues={":s": {"S": "captured"}},
    )
    return [item["pk"]["S"] for item in found["Items"]]


class Tool:
    """infra/tools/restore, with infra/tools/rehearsed_aws.py as its `aws`."""

    def __init__(self, cloud, work):
        self.played = work / "rehearsal.json"
        self.played.write_text(json.dumps({"cuts": [], "restores": {}}), encoding="utf-8")
        programs = work / "bin"
        programs.mkdir()
        (programs / "aws").write_text(program(work / "aws.socket"), encoding="utf-8")
        (programs / "aws").chmod(0o755)
        self.environment = clean_environment() | {
            "AWS_ENDPOINT_URL": cloud.endpoint, "REHEARSAL": str(self.played), "PATH": f"{programs}:{os.environ['PATH']}",
        }
        command = [ROOT / ".venv/aws/bin/python", "-B", ROOT / "infra/tools/rehearsed_aws.py"]
        self.served = Served(command, work / "aws.socket", cwd=ROOT, env=self.environment)

    def play(self, **changed):
        """What the stand-in for the AWS CLI is to do from now on."""
        self.played.write_text(json.dumps(json.loads(self.played.read_text(encoding="utf-8")) | changed), encoding="utf-8")

    def run(self, *arguments):
        return subprocess.run(
            [ROOT / "infra/tools/restore", "dev", TABLE, *arguments], env=self.environment, capture_output=True, text=True, check=False
        )

    def does(self, *arguments):
        """Runs it; what it printed."""
        done = self.run(*arguments)
        if done.returncode:
            fail(f"restore {' '.join(arguments)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def refuses(self, wanted, *arguments):
        """Runs it; it ends with an error that says this."""
        done = self.run(*arguments)
        if not done.returncode or wanted not in done.stderr:
            fail(f"restore {' '.join(arguments)} should have said {wanted!r}; it ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def restores(self):
        """The RestoreSummary of each table that was restored."""
        return json.loads(self.played.read_text(encoding="utf-8"))["restores"]


def expect(text, wanted, seen):
    if wanted != seen:
        fail(f"{text}: wanted {wanted}\n  seen {seen}")
    print(f"ok {text}", flush=True)


def pay(cloud, payment):
    """What a function writes."""
    item = {"pk": {"S": payment}, "state": {"S": "captured"}, "moved_at": {"N": payment.rpartition("#")[2]}}
    cloud.client("dynamodb").put_item(TableName=NAME, Item=item)


def is_there(cloud):
    return NAME in cloud.client("dynamodb").list_tables()["TableNames"]


def replaced_with_failures(cloud, tool):
    """Replaces the table, ends after each step, and writes as soon as there is a table again; what was written."""
    written, taken_away, said = [], False, ""
    for operation, when, passes in CUTS:
        tool.play(cuts=[{"operation": operation, "when": when, "passes": passes, "says": LOST}])
        said += tool.refuses(LOST, "replace", NAME)
        taken_away = taken_away or not is_there(cloud)
        if taken_away and is_there(cloud):
            written.append(f"payment#{len(written) + 2}")
            pay(cloud, written[-1])
    tool.play(cuts=2 * [{"operation": "update-continuous-backups", "when": "before", "says": NOT_YET}])
    tool.does("replace", NAME)
    expect("DynamoDB's own backup of the deleted table is named", True, f"table/{NAME}/backup/of-deletion" in said)
    return written


def file_of(cloud, **other):
    """A file that an earlier replacement has left, with something else in it."""
    table = cloud.client("dynamodb").describe_table(TableName=NAME)["Table"]
    left = {"phase": "saved", "arn": table["TableArn"], "id": table["TableId"], "source": None, "made": None}
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(left | {"protects": True, "tags": [], "mappings": []} | other), encoding="utf-8")


def without_its_file(cloud, tool):
    """A table that lacks something, and no file that says how it was: nothing could put it back."""
    functions, stream = cloud.client("lambda"), cloud.client("dynamodb").describe_table(TableName=NAME)["Table"]["LatestStreamArn"]
    mapping = functions.list_event_source_mappings(EventSourceArn=stream)["EventSourceMappings"][0]
    functions.delete_event_source_mapping(UUID=mapping["UUID"])
    tool.refuses("has not a function that reads its stream, though", "replace", NAME)
    reads(cloud, mapping["FunctionArn"])


def refused(cloud, tool):
    """What is not this table's earlier self, or not asked for by name, does not take its place."""
    restores = tool.restores()
    seen = stands(cloud)
    said = tool.refuses("name it: replace order-holds-dev", "replace")
    expect("without the table's name it only says what there is", True, f"1 in {NAME}, 1 in {NAME}-restored" in said)
    tool.refuses("name it", "replace", "order-holds-prod")
    for wrong in ({}, {key: {**each, "SourceTableArn": f"{each['SourceTableArn']}2"} for key, each in restores.items()}):
        tool.play(restores=wrong)
        tool.refuses("was not restored from", "replace", NAME)
    tool.play(restores=restores)
    file_of(cloud, arn=f"arn:aws:dynamodb:us-east-1:000000000000:table/{NAME}")
    tool.refuses("another account or region", "replace", NAME)
    file_of(cloud, id="another")
    tool.refuses("another table than the one", "replace", NAME)
    KEPT.unlink()
    without_its_file(cloud, tool)
    expect("a table that was not restored from it, and a file of another table, are refused, and nothing is touched", (seen, False), (stands(cloud), KEPT.exists()))


def main():
    end_on_signals()
    KEPT.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder, Cloud(pathlib.Path(folder), pathlib.Path(folder, "none.pem")) as cloud:
        tool = Tool(cloud, pathlib.Path(folder))
        with tool.served:
            make(cloud, declared()[TABLE])
            before = stands(cloud)
            expect("it has a mapping", 1, len(before["mappings"]))
            tool.does("beside", "latest")
            expect("the restored table has the payment", ["payment#1"], states(cloud, f"{NAME}-restored"))
            expect("the one in use is as it was", before, stands(cloud))
            refused(cloud, tool)
            cloud.client("dynamodb").delete_item(TableName=NAME, Key={"pk": {"S": "payment#1"}})
            written = replaced_with_failures(cloud, tool)
            expect("what was written between the failures is many payments", True, len(written) > 5)
            expect("the payment is back, and what was written meanwhile is still there", ["payment#1", *written], states(cloud))
            expect("stream, expiry, recovery, protection, tags and mapping are as before", before, stands(cloud))
            expect("the file of what had to be put back is gone", False, KEPT.exists())
            tool.refuses("is older than", "replace", NAME)
            expect("replaced once, it is not replaced again by the same", ["payment#1", *written], states(cloud))


if __name__ == "__main__":
    main()
