"""Compares what was deployed with what the template says."""

import gaps
from running import fail

UNKNOWN = object()


def check(cloud, parameters):
    """Every resource is there, and has what the template gives it; the number of compared properties."""
    template = cloud.template()
    values = {name: each.get("Default") for name, each in template["Parameters"].items()} | parameters
    known = Known(values, template["Conditions"])
    physical = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in cloud.resources()}
    compared, kept_gaps, open_gaps = 0, set(), set()
    for name, resource in template["Resources"].items():
        kind = resource["Type"]
        if name not in physical:
            if "Condition" not in resource:
                fail(f"{name} ({kind}) was not created")
            continue
        read = READERS.get(kind)
        if not read:
            continue
        actual = read(cloud, physical[name])
        for key, value in resource["Properties"].items():
            if known.is_left_out(value):
                continue
            declared = known.plain(value)
            if key not in actual or declared is UNKNOWN:
                continue
            same, gap = contains(actual[key], declared), (kind, key)
            if gap in gaps.NOT_KEPT:
                (kept_gaps if same else open_gaps).add(gap)
            elif not same:
                fail(f"{name} ({kind}): {key} must be {declared}, is {actual[key]}")
            compared += 1
    if closed := kept_gaps - open_gaps:
        fail(f"the emulator keeps {sorted(closed)} by now: take it out of gaps.py")
    return compared


class Known:
    """What the parameters say, and the conditions on them."""

    def __init__(self, parameters, conditions):
        self.parameters = parameters
        self.conditions = conditions

    def plain(self, value):
        """A value of the template without references; unknown if it refers to more than parameters."""
        if isinstance(value, dict):
            if value.keys() == {"Ref"} and value["Ref"] in self.parameters:
                return self.plain(self.parameters[value["Ref"]])
            if value.keys() == {"Fn::If"}:
                condition, yes, no = value["Fn::If"]
                holds = self.holds(self.conditions[condition])
                return UNKNOWN if holds is UNKNOWN else self.plain(yes if holds else no)
            if any(name == "Ref" or name.startswith("Fn::") for name in value):
                return UNKNOWN
            found = {name: self.plain(each) for name, each in value.items() if not self.is_left_out(each)}
            return UNKNOWN if UNKNOWN in found.values() else found
        if isinstance(value, list):
            found = [self.plain(each) for each in value]
            return UNKNOWN if UNKNOWN in found else found
        return value

    def is_left_out(self, value):
        """Whether a condition ends in AWS::NoValue."""
        if isinstance(value, dict) and value.keys() == {"Fn::If"}:
            condition, yes, no = value["Fn::If"]
            holds = self.holds(self.conditions[condition])
            return holds is not UNKNOWN and self.is_left_out(yes if holds else no)
        return value == {"Ref": "AWS::NoValue"}

    def holds(self, condition):
        """Whether a condition holds; unknown if it is more than a comparison of parameters."""
        if condition.keys() == {"Fn::Not"}:
            inner = self.holds(condition["Fn::Not"][0])
            return UNKNOWN if inner is UNKNOWN else not inner
        if condition.keys() == {"Fn::Equals"}:
            one, other = (self.plain(each) for each in condition["Fn::Equals"])
            return UNKNOWN if UNKNOWN in (one, other) else str(one) == str(other)
        return UNKNOWN


def contains(actual, declared):
    """Whether it is the declared value; objects may have more, and numbers may be texts."""
    if isinstance(declared, dict):
        return isinstance(actual, dict) and all(contains(actual.get(name), each) for name, each in declared.items())
    if isinstance(declared, list):
        return (
            isinstance(actual, list)
            and len(actual) == len(declared)
            and all(contains(one, other) for one, other in zip(actual, declared))
        )
    return actual == declared or str(actual).lower() == str(declared).lower()


def table(cloud, name):
    dynamodb = cloud.client("dynamodb")
    found = dynamodb.describe_table(TableName=name)["Table"]
    expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    return found | {
        "BillingMode": found["BillingModeSummary"]["BillingMode"],
        "GlobalSecondaryIndexes": found.get("GlobalSecondaryIndexes"),
        "StreamSpecification": found.get("StreamSpecification"),
        "SSESpecification": {"SSEEnabled": found.get("SSEDescription", {}).get("Status") == "ENABLED"},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": recovery},
        "TimeToLiveSpecification": {
            "AttributeName": expiry.get("AttributeName"),
            "Enabled": expiry["TimeToLiveStatus"] == "ENABLED",
        },
    }


def queue(cloud, url):
    return cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def function(cloud, name):
    found = cloud.client("lambda").get_function_configuration(FunctionName=name)
    return {key: found[key] for key in ("Architectures", "Handler", "LoggingConfig", "MemorySize", "Runtime", "Timeout")}


def mapping(cloud, name):
    return cloud.client("lambda").get_event_source_mapping(UUID=name)


def live(cloud, arn):
    found = cloud.client("lambda").get_alias(FunctionName=arn.rpartition(":")[0], Name=arn.rpartition(":")[2])
    return {"Name": found["Name"]}


def rule(cloud, name):
    return cloud.client("events").describe_rule(Name=name)


def alarm(cloud, name):
    found = cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return found[0] if found else {"AlarmDescription": None}


def log_group(cloud, name):
    found = cloud.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return {"RetentionInDays": next((each.get("retentionInDays") for each in found if each["logGroupName"] == name), None)}


# How a resource is read back, by its type: what it has, under the template's names.
READERS = {
    "AWS::CloudWatch::Alarm": alarm,
    "AWS::DynamoDB::Table": table,
    "AWS::Events::Rule": rule,
    "AWS::Lambda::Alias": live,
    "AWS::Lambda::EventSourceMapping": mapping,
    "AWS::Lambda::Function": function,
    "AWS::Logs::LogGroup": log_group,
    "AWS::SQS::Queue": queue,
}
