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

TABLE = "order-holds"
NAME = f"{TABLE}-dev"


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
    cloud.client("lambda").create_event_source_mapping(
        EventSourceArn=dynamodb.describe_table(TableName=NAME)["Table"]["LatestStreamArn"], FunctionName=function(cloud),
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


def restore(cloud, *arguments):
    """Runs the tool; what it printed."""
    environment = clean_environment() | {"AWS_ENDPOINT_URL": cloud.endpoint}
    environment["PATH"] = f"{ROOT / '.venv/aws/bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        [ROOT / "infra/tools/restore", "dev", TABLE, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        fail(f"restore {' '.join(arguments)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def expect(text, wanted, seen):
    if wanted != seen:
        fail(f"{text}: wanted {wanted}\n  seen {seen}")
    print(f"ok {text}", flush=True)


def main():
    end_on_signals()
    with tempfile.TemporaryDirectory() as work, Cloud(pathlib.Path(work), pathlib.Path(work, "none.pem")) as cloud:
        make(cloud, declared()[TABLE])
        before = stands(cloud)
        expect("it has a mapping", 1, len(before["mappings"]))
        restore(cloud, "beside", "latest")
        expect("the restored table has the payment", ["payment#1"], states(cloud, f"{NAME}-restored"))
        expect("the one in use is as it was", before, stands(cloud))
        cloud.client("dynamodb").delete_item(TableName=NAME, Key={"pk": {"S": "payment#1"}})
        restore(cloud, "replace")
        expect("the payment is back, under the table's name and in its index", ["payment#1"], states(cloud))
        expect("stream, expiry, recovery, protection, tags and mapping are as before", before, stands(cloud))


if __name__ == "__main__":
    main()
