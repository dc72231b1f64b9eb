"""Takes a table back to an earlier moment. Started by infra/tools/restore, which says how."""

import json
import re
import sys
import time

from installation import ROOT, AwsError, Stage, aws
from samtranslator.yaml_helper import yaml_parse

# Nothing is asked for longer.
LONGEST = 6 * 3600
# What a mapping of a stream has, beside whose it is and where it stands.
MAPPED = (
    "BatchSize",
    "FilterCriteria",
    "MaximumBatchingWindowInSeconds",
    "ParallelizationFactor",
    "DestinationConfig",
    "MaximumRecordAgeInSeconds",
    "BisectBatchOnFunctionError",
    "MaximumRetryAttempts",
    "TumblingWindowInSeconds",
    "FunctionResponseTypes",
)


def declared():
    """The template's tables that are kept, by their names without the stage."""
    resources = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))["Resources"].values()
    tables = [each["Properties"] for each in resources if each["Type"] == "AWS::DynamoDB::Table"]
    named = {table["TableName"]["Fn::Sub"].removesuffix("-${Stage}"): table for table in tables}
    return {name: table for name, table in named.items() if "PointInTimeRecoverySpecification" in table}


def say(text):
    print(text, flush=True)


def found(name):
    """A table as it is, if it is."""
    try:
        return aws("dynamodb", "describe-table", "--table-name", name)["Table"]
    except AwsError as error:
        if "ResourceNotFoundException" in str(error):
            return None
        raise


def awaited(what, look):
    """Asks until it is so."""
    end, pause = time.monotonic() + LONGEST, 1
    while time.monotonic() < end:
        seen = look()
        if seen:
            return seen
        time.sleep(pause)
        pause = min(pause * 2, 30)
    return sys.exit(f"{what} takes longer than {LONGEST // 3600} hours: see the console, then begin this step anew")


def active(name):
    def look():
        table = found(name)
        return table if table and table["TableStatus"] == "ACTIVE" else None

    return awaited(f"the table {name}", look)


def beside(name, moment):
    restored = f"{name}-restored"
    if found(restored):
        sys.exit(f"{restored} is there already: delete it, or put it in the table's place with replace")
    when = ["--use-latest-restorable-time"] if moment == "latest" else ["--restore-date-time", moment]
    aws("dynamodb", "restore-table-to-point-in-time", "--source-table-name", name, "--target-table-name", restored, *when)
    say(f"{restored} is being made; it takes minutes to hours")
    active(restored)
    say(f"{restored} is there, and used by nobody. Look at it, then: replace; or: aws dynamodb delete-table --table-name {restored}")


def backup(name, why):
    made = aws("dynamodb", "create-backup", "--table-name", name, "--backup-name", f"{name}-{why}")["BackupDetails"]["BackupArn"]

    def look():
        described = aws("dynamodb", "describe-backup", "--backup-arn", made)["BackupDescription"]["BackupDetails"]
        return described["BackupStatus"] == "AVAILABLE"

    awaited(f"the backup of {name}", look)
    say(f"backup {made}")
    return made


def deleted(name):
    aws("dynamodb", "update-table", "--table-name", name, "--no-deletion-protection-enabled")
    active(name)
    aws("dynamodb", "delete-table", "--table-name", name)
    awaited(f"deleting {name}", lambda: found(name) is None)
    say(f"{name} is deleted")


def beside_the_items(name):
    """What somebody depends on and DynamoDB does not restore; kept in a file until it is there again, however often this begins anew."""
    kept = ROOT / "target" / f"restore-{name}.json"
    if kept.exists():
        return kept, json.loads(kept.read_text(encoding="utf-8"))
    before = found(name)
    if not before:
        sys.exit(f"there is no {name}, and {kept} does not say how it was: make it from a backup and see the runbook")
    tags = aws("dynamodb", "list-tags-of-resource", "--resource-arn", before["TableArn"]).get("Tags", [])
    mappings = {}
    if before.get("LatestStreamArn"):
        mappings = aws("lambda", "list-event-source-mappings", "--event-source-arn", before["LatestStreamArn"])
    known = {
        "protects": before.get("DeletionProtectionEnabled", False),
        "tags": [tag for tag in tags if not tag["Key"].startswith("aws:")],
        "mappings": mappings.get("EventSourceMappings", []),
    }
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(known), encoding="utf-8")
    return kept, known


def replace(name, table):
    restored = f"{name}-restored"
    if not found(restored):
        sys.exit(f"there is no {restored}: begin with beside")
    kept, known = beside_the_items(name)
    source = backup(restored, "restored")
    if found(name):
        backup(name, "replaced")
        deleted(name)
    aws("dynamodb", "restore-table-from-backup", "--target-table-name", name, "--backup-arn", source)
    say(f"{name} is being made from it; it takes minutes to hours")
    active(name)
    complete(name, table, known)
    kept.unlink()


def complete(name, table, known):
    """What DynamoDB does not restore (DynamoDB, "Point-in-time recovery for DynamoDB": stream, TTL, tags, recovery, protection)."""
    made = active(name)
    view = table.get("StreamSpecification", {}).get("StreamViewType")
    if view and not made.get("StreamSpecification", {}).get("StreamEnabled"):
        aws("dynamodb", "update-table", "--table-name", name, "--stream-specification", f"StreamEnabled=true,StreamViewType={view}")
        made = active(name)
        say("its stream is on")
    expiry = table.get("TimeToLiveSpecification")
    if expiry:
        wanted = f"Enabled=true,AttributeName={expiry['AttributeName']}"
        aws("dynamodb", "update-time-to-live", "--table-name", name, "--time-to-live-specification", wanted)
        say(f"its items go away after {expiry['AttributeName']}")
    recovery = "PointInTimeRecoveryEnabled=true"
    aws("dynamodb", "update-continuous-backups", "--table-name", name, "--point-in-time-recovery-specification", recovery)
    say("its point-in-time recovery is on, from now: further back only the backups lead")
    if known["protects"]:
        aws("dynamodb", "update-table", "--table-name", name, "--deletion-protection-enabled")
        active(name)
        say("it is protected against deletion")
    if known["tags"]:
        pairs = [f"Key={tag['Key']},Value={tag['Value']}" for tag in known["tags"]]
        aws("dynamodb", "tag-resource", "--resource-arn", made["TableArn"], "--tags", *pairs)
        say("it has its tags")
    for mapping in known["mappings"]:
        mapped(mapping, made["LatestStreamArn"])


def mapped(mapping, stream):
    """Lets a function read the new stream as it read the old one."""
    kept = {option: mapping[option] for option in MAPPED if mapping.get(option) not in (None, [], {})}
    arguments = []
    for option, value in kept.items():
        flag = re.sub(r"(?<!^)(?=[A-Z])", "-", option).lower()
        if isinstance(value, bool):
            arguments.append(f"--{'' if value else 'no-'}{flag}")
        else:
            arguments += [f"--{flag}", value if isinstance(value, str) else json.dumps(value)]
    function = mapping["FunctionArn"]
    try:
        aws("lambda", "delete-event-source-mapping", "--uuid", mapping["UUID"])
    except AwsError as error:
        if "ResourceNotFoundException" not in str(error):
            raise
    made = aws(
        "lambda", "create-event-source-mapping", "--function-name", function, "--event-source-arn", stream,
        "--starting-position", "TRIM_HORIZON", *arguments,
    )
    say(f"{function} reads its stream, by the mapping {made['UUID']}, which the stack does not know")


def main():
    tables = declared()
    usage = f"usage: infra/tools/restore STAGE {'|'.join(tables)} beside MOMENT|latest, or replace"
    match sys.argv[1:]:
        case [stage, table, "beside", moment] if table in tables:
            beside(f"{table}-{Stage(stage).name}", moment)
        case [stage, table, "replace"] if table in tables:
            replace(f"{table}-{Stage(stage).name}", tables[table])
        case _:
            sys.exit(usage)


if __name__ == "__main__":
    try:
        main()
    except AwsError as error:
        sys.exit(str(error))
