"""Takes a table back to an earlier moment. Started by infra/tools/restore, which says how."""

import datetime
import json
import re
import sys
import time

from installation import ROOT, AwsError, Stage, aws
from samtranslator.yaml_helper import yaml_parse

# Nothing is asked for longer, and what does not depend on the table's size not even so long.
LONGEST = 6 * 3600
SHORTER = 1800
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


def wanted_beside(table, protects):
    """What the template says that a table has and DynamoDB does not restore, as far as only the table itself can say how."""
    resources = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))["Resources"]
    own = {name for name, each in resources.items() if each.get("Properties", {}) == table}
    events = [event for each in resources.values() for event in each.get("Properties", {}).get("Events", {}).values()]
    streams = [event["Properties"]["Stream"]["Fn::GetAtt"] for event in events if event["Type"] == "DynamoDB"]
    read = any((stream if isinstance(stream, list) else stream.split("."))[0] in own for stream in streams)
    wants = {"a stream": "StreamSpecification" in table, "a function that reads its stream": read, "protection against deletion": protects}
    return [each for each, wanted in wants.items() if wanted]


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


def awaited(what, look, longest=LONGEST):
    """Asks until it is so."""
    end, pause = time.monotonic() + longest, 1
    while time.monotonic() < end:
        seen = look()
        if seen:
            return seen
        time.sleep(pause)
        pause = min(pause * 2, 30)
    return sys.exit(f"{what} takes longer than {longest // 60} minutes: see the console, then run this again")


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
    say(f"{restored} is there, and used by nobody. Look at it, then: replace {name}; or: aws dynamodb delete-table --table-name {restored}")


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
    say(f"{name} is being deleted")


class Kept:
    """How far the replacement of a table has come, and what DynamoDB does not restore of it: in a file, until all of it is there again.

    `saved`: the table is as it was. `deleted`: it is gone, or going. `restoring`: DynamoDB has accepted to make it from `source`; from here
    on the functions may write to it, so that nothing deletes it again. `restored`: it is there, and what it lacks is being given to it.
    """

    def __init__(self, name):
        self.file = ROOT / "target" / f"restore-{name}.json"
        self.known = json.loads(self.file.read_text(encoding="utf-8")) if self.file.exists() else None

    def __getitem__(self, key):
        return self.known[key]

    def note(self, **known):
        """Writes it down; a file that is half written is never seen."""
        self.known = (self.known or {}) | known
        self.file.parent.mkdir(exist_ok=True)
        half = self.file.with_suffix(".half")
        half.write_text(json.dumps(self.known), encoding="utf-8")
        half.replace(self.file)


def say_last_backup(name, table_id):
    """DynamoDB's own backup of what is deleted while its recovery is on: the only one with what was written after ours."""
    try:
        backups = aws("dynamodb", "list-backups", "--table-name", name, "--backup-type", "SYSTEM").get("BackupSummaries", [])
    except AwsError as error:
        say(f"DynamoDB's own backups cannot be listed: {error}")
        return
    own = [each["BackupArn"] for each in backups if each["BackupType"] == "SYSTEM" and each["TableId"] == table_id]
    look = f"none is listed yet, look: aws dynamodb list-backups --table-name {name} --backup-type SYSTEM"
    say(f"{name} is deleted; DynamoDB's own backup of it, to the last write, for 35 days: {own[0] if own else look}")


def beside_the_items(before):
    """What somebody depends on and DynamoDB does not restore."""
    tags = aws("dynamodb", "list-tags-of-resource", "--resource-arn", before["TableArn"]).get("Tags", [])
    mappings = {}
    if before.get("LatestStreamArn"):
        mappings = aws("lambda", "list-event-source-mappings", "--event-source-arn", before["LatestStreamArn"])
    return {
        "protects": before.get("DeletionProtectionEnabled", False),
        "tags": [tag for tag in tags if not tag["Key"].startswith("aws:")],
        "mappings": mappings.get("EventSourceMappings", []),
    }


def instant(shown):
    """A time as the AWS CLI shows it: seconds in its version 1, ISO 8601 in version 2."""
    return datetime.datetime.fromisoformat(shown).timestamp() if isinstance(shown, str) else float(shown)


def replace(name, table, wanted, confirmed):
    restored = f"{name}-restored"
    kept = Kept(name)
    standing = found(name)
    # The file belongs to one table of one account and region, which its ARN names.
    seen = standing or found(restored)
    if kept.known and seen and seen["TableArn"].removesuffix("-restored") != kept["arn"]:
        sys.exit(f"{kept.file} is about {kept['arn']}, not {seen['TableArn']}: this is another account or region")
    begins = not kept.known or kept["phase"] == "saved" and standing and standing["TableStatus"] != "DELETING"
    if begins:
        if not standing:
            sys.exit(f"there is no {name}, and {kept.file} does not say how it was: make it from a backup and see infra/docs/OPERATIONS.md, \"A table goes back to an earlier moment\"")
        if kept.known and standing["TableId"] != kept["id"]:
            sys.exit(f"{name} is another table than the one that {kept.file} is about: if nothing is to be put back by it, delete it")
        fits(standing, restored)
    if confirmed != name:
        sys.exit(f"nothing is done. To delete {name} and put {restored} in its place, name it: replace {name}")
    if begins:
        beside = beside_the_items(standing)
        if kept.known:
            # What this has taken from it before it ended.
            beside["protects"] |= kept["protects"]
        else:
            whole(standing, beside, wanted, kept.file)
        kept.note(phase="saved", arn=standing["TableArn"], id=standing["TableId"], source=None, made=None, **beside)
        kept.note(source=backup(restored, "restored"))
        backup(name, "replaced")
        deleted(name)
    if kept["phase"] == "saved":
        if not kept["source"]:
            sys.exit(f"{name} is gone, and not by this: make it from a backup and see infra/docs/OPERATIONS.md, \"A table goes back to an earlier moment\"")
        awaited(f"deleting {name}", lambda: found(name) is None)
        say_last_backup(name, kept["id"])
        kept.note(phase="deleted")
    if kept["phase"] in ("deleted", "restoring"):
        make_again(name, kept)
    if (found(name) or {}).get("TableId") != kept["made"]:
        sys.exit(f"{name} is not the table that was made from {kept['source']}: see {kept.file}")
    complete(name, table, kept)
    kept.file.unlink()


def whole(standing, beside, wanted, file):
    """Without a file, a table that lacks what the template gives it is one that a replacement has left so, and it would stay so."""
    has = {
        "a stream": standing.get("StreamSpecification", {}).get("StreamEnabled", False),
        "a function that reads its stream": bool(beside["mappings"]),
        "protection against deletion": beside["protects"],
    }
    lacking = [each for each in wanted if not has[each]]
    if lacking:
        sys.exit(
            f"{standing['TableName']} has not {' and not '.join(lacking)}, though template.yaml says so, and {file} is not here to say how "
            "it was: a replacement may have ended halfway. Bring that file from the machine where it began, or give the table by hand what "
            "it lacks (infra/docs/OPERATIONS.md, \"A table goes back to an earlier moment\")"
        )


def fits(standing, restored):
    """Only what was restored of this very table may take its place. Says what would."""
    name, other = standing["TableName"], found(restored)
    if not other:
        sys.exit(f"there is no {restored}: begin with beside")
    if other["TableStatus"] != "ACTIVE":
        sys.exit(f"{restored} is {other['TableStatus']}: wait")
    summary = other.get("RestoreSummary", {})
    if summary.get("SourceTableArn") != standing["TableArn"]:
        sys.exit(f"{restored} was not restored from {standing['TableArn']} but from {summary.get('SourceTableArn', 'nothing')}")
    # Put in place once, it stays beside; what was written since would be lost.
    if instant(other["CreationDateTime"]) < instant(standing["CreationDateTime"]):
        sys.exit(f"{restored} is older than {name}, which may have been made from it: delete it and begin with beside")
    moment = datetime.datetime.fromtimestamp(instant(summary["RestoreDateTime"]), datetime.UTC).isoformat(timespec="seconds")
    say(f"{restored} is {name} as it was at {moment}")
    say(f"items, as DynamoDB counts them every six hours or so: {standing['ItemCount']} in {name}, {other['ItemCount']} in {restored}")


def make_again(name, kept):
    """Lets DynamoDB make the table from the backup of the restored one, once."""
    standing = found(name)
    if standing and kept["phase"] == "deleted":
        # Accepted, and the answer was lost?
        if standing.get("RestoreSummary", {}).get("SourceBackupArn") != kept["source"]:
            sys.exit(f"there is a {name} that was not made from {kept['source']}: see infra/docs/OPERATIONS.md, \"A table goes back to an earlier moment\"")
        kept.note(phase="restoring", made=standing["TableId"])
    if not standing:
        made = aws("dynamodb", "restore-table-from-backup", "--target-table-name", name, "--backup-arn", kept["source"])
        kept.note(phase="restoring", made=made["TableDescription"]["TableId"])
    say(f"{name} is being made from {kept['source']}; it takes minutes to hours")
    active(name)
    kept.note(phase="restored")


def complete(name, table, kept):
    """What DynamoDB does not restore (DynamoDB, "Point-in-time recovery for DynamoDB": stream, TTL, tags, recovery, protection).

    Each step may be done already: this begins anew after a failure, while the functions write.
    """
    made = active(name)
    view = table.get("StreamSpecification", {}).get("StreamViewType")
    if view and not made.get("StreamSpecification", {}).get("StreamEnabled"):
        aws("dynamodb", "update-table", "--table-name", name, "--stream-specification", f"StreamEnabled=true,StreamViewType={view}")
        made = active(name)
        say("its stream is on")
    expiry = table.get("TimeToLiveSpecification")
    if expiry:
        expires(name, expiry["AttributeName"])
    recovers(name)
    if kept["protects"] and not made.get("DeletionProtectionEnabled"):
        aws("dynamodb", "update-table", "--table-name", name, "--deletion-protection-enabled")
        active(name)
        say("it is protected against deletion")
    if kept["tags"]:
        pairs = [f"Key={tag['Key']},Value={tag['Value']}" for tag in kept["tags"]]
        aws("dynamodb", "tag-resource", "--resource-arn", made["TableArn"], "--tags", *pairs)
        say("it has its tags")
    for mapping in kept["mappings"]:
        mapped(mapping, made["LatestStreamArn"])


def expires(name, attribute):
    """Lets items go when their time is over; DynamoDB refuses to be told twice."""
    now = aws("dynamodb", "describe-time-to-live", "--table-name", name)["TimeToLiveDescription"]
    if now["TimeToLiveStatus"] not in ("ENABLING", "ENABLED"):
        wanted = f"Enabled=true,AttributeName={attribute}"
        aws("dynamodb", "update-time-to-live", "--table-name", name, "--time-to-live-specification", wanted)
    say(f"its items go away after {attribute}")


def recovers(name):
    """Turns point-in-time recovery on. A new table refuses that for a while."""
    def look():
        try:
            return aws(
                "dynamodb", "update-continuous-backups", "--table-name", name,
                "--point-in-time-recovery-specification", "PointInTimeRecoveryEnabled=true",
            )
        except AwsError as error:
            if "ContinuousBackupsUnavailableException" in str(error):
                return None
            raise

    awaited(f"the recovery of {name}", look, SHORTER)
    say("its point-in-time recovery is on, from now: further back only the backups lead")


def gone(mapping):
    """Takes the mapping of the old stream away; it may be on its way already."""
    def look():
        try:
            aws("lambda", "delete-event-source-mapping", "--uuid", mapping)
        except AwsError as error:
            if "ResourceInUseException" in str(error):
                return False
            if "ResourceNotFoundException" not in str(error):
                raise
        return True

    awaited(f"deleting the mapping {mapping}", look, SHORTER)


def mapped(mapping, stream):
    """Lets a function read the new stream as it read the old one."""
    function = mapping["FunctionArn"]
    gone(mapping["UUID"])
    reading = aws("lambda", "list-event-source-mappings", "--function-name", function, "--event-source-arn", stream)
    if reading["EventSourceMappings"]:
        say(f"{function} reads its stream, by the mapping {reading['EventSourceMappings'][0]['UUID']}, which the stack does not know")
        return
    kept = {option: mapping[option] for option in MAPPED if mapping.get(option) not in (None, [], {})}
    arguments = []
    for option, value in kept.items():
        flag = re.sub(r"(?<!^)(?=[A-Z])", "-", option).lower()
        if isinstance(value, bool):
            arguments.append(f"--{'' if value else 'no-'}{flag}")
        else:
            arguments += [f"--{flag}", value if isinstance(value, str) else json.dumps(value)]
    made = aws(
        "lambda", "create-event-source-mapping", "--function-name", function, "--event-source-arn", stream,
        "--starting-position", "TRIM_HORIZON", *arguments,
    )
    say(f"{function} reads its stream, by the mapping {made['UUID']}, which the stack does not know")


def main():
    tables = declared()
    usage = f"usage: infra/tools/restore STAGE {'|'.join(tables)} beside MOMENT|latest, or replace [TABLE-STAGE]"
    match sys.argv[1:]:
        case [stage, table, "beside", moment] if table in tables:
            beside(f"{table}-{Stage(stage).name}", moment)
        case [stage, table, "replace", *confirmed] if table in tables and len(confirmed) < 2:
            of = Stage(stage)
            wanted = wanted_beside(tables[table], of.parameters["DeletionProtection"] == "on")
            replace(f"{table}-{of.name}", tables[table], wanted, *confirmed or [None])
        case _:
            sys.exit(usage)


if __name__ == "__main__":
    try:
        main()
    except AwsError as error:
        sys.exit(str(error))
