"""Serves as the AWS CLI while check-restore rehearses: plays what the emulated AWS lacks, and fails where it is told to.

Its file, named by REHEARSAL: `cuts`, the failures to come ({"operation", "when", "says", "passes"}; before or
after it is done, and how often it passes first), and `restores`, by
the table's id the RestoreSummary that DynamoDB would show. Beside them `deleted`, the backup that DynamoDB makes of a deleted table.
"""

import json
import os
import pathlib
import sys
import time

sys.dont_write_bytecode = True
import served_aws

FILE = pathlib.Path(os.environ["REHEARSAL"])


class Ended(Exception):
    """A command that fails, and what it says."""


def real(*arguments):
    """What the AWS CLI prints."""
    code, printed, said = served_aws.aws(list(arguments))
    if code:
        raise Ended(said)
    return printed


def value(arguments, option):
    return arguments[arguments.index(option) + 1] if option in arguments else None


def done(arguments):
    """Does a command; its answer."""
    played = json.loads(FILE.read_text(encoding="utf-8"))
    operation = arguments[1]
    cut = next((cut for cut in played["cuts"] if cut["operation"] == operation), None)
    if cut:
        played["cuts"].remove(cut)
        if cut.get("passes"):
            played["cuts"].append(cut | {"passes": cut["passes"] - 1})
        FILE.write_text(json.dumps(played), encoding="utf-8")
        if cut.get("passes"):
            cut = None
        elif cut["when"] == "before":
            raise Ended(cut["says"])
    if operation == "update-time-to-live":
        now = real("dynamodb", "describe-time-to-live", "--table-name", value(arguments, "--table-name"), "--output", "json")
        if json.loads(now)["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED":
            raise Ended("An error occurred (ValidationException) when calling the UpdateTimeToLive operation: TimeToLive is already enabled")
    printed = real(*arguments)
    answer = json.loads(printed) if printed.strip() else {}
    if operation.startswith("restore-table-"):
        made = answer["TableDescription"]
        source, saved = value(arguments, "--source-table-name"), value(arguments, "--backup-arn")
        source = source or saved.split(":table/")[1].split("/")[0]
        summary = {"SourceTableArn": f"{made['TableArn'].rpartition('/')[0]}/{source}", "RestoreDateTime": time.time(), "RestoreInProgress": False}
        played["restores"][made["TableId"]] = summary | ({"SourceBackupArn": saved} if saved else {})
        FILE.write_text(json.dumps(played), encoding="utf-8")
    if operation == "describe-table" and answer["Table"]["TableId"] in played["restores"]:
        answer["Table"]["RestoreSummary"] = played["restores"][answer["Table"]["TableId"]]
    if operation == "delete-table":
        table = answer["TableDescription"]
        played["deleted"] = {"BackupType": "SYSTEM", "TableId": table["TableId"], "BackupArn": f"{table['TableArn']}/backup/of-deletion"}
        FILE.write_text(json.dumps(played), encoding="utf-8")
    if operation == "list-backups":
        answer["BackupSummaries"].append(played["deleted"])
    if cut:
        raise Ended(cut["says"])
    return answer


def answered(arguments, _):
    """Exit code, what is printed, what is said."""
    try:
        return 0, json.dumps(done(arguments)), ""
    except Ended as end:
        return 254, "", f"{end}\n"


if __name__ == "__main__":
    served_aws.serve(sys.argv[1], answered)
