"""Where the emulated AWS (ministack) is not AWS. template.yaml is not bent for it: what it would not take is changed in the copy
that is deployed here (`changed`), and what it does not keep is not looked for (`NOT_KEPT`), each with its reason. A gap that has
closed is reported, so that it is taken out of here."""

import pathlib

METHODS = ["GET", "POST", "PUT", "DELETE"]


def changed(template, mounted, parameters):
    """The template as it is deployed here: `mounted` is the folder in place of /opt."""

    def walk(value, of_condition=False):
        if isinstance(value, list):
            return [walk(each, of_condition) for each in value]
        if isinstance(value, str) and value.startswith("/opt/"):
            # A function runs as a process of this machine, without its layer's files at /opt. Its settings name them in
            # a folder, where `Cloud.mount` puts the files of the layer that was deployed.
            return str(mounted / pathlib.PurePath(value).relative_to("/opt"))
        if not isinstance(value, dict):
            return value
        if of_condition and "Fn::Split" in value:
            # Conditions are evaluated without Fn::Split: what it gives is written down.
            separator, text = value["Fn::Split"]
            return parameters[text["Ref"]].split(separator)
        if isinstance(value.get("Enabled"), dict):
            # SAM is not told the parameters' values: what it has to know of them while it translates is written down.
            value = value | {"Enabled": parameters[value["Enabled"]["Ref"]]}
        return {name: walk(each, of_condition) for name, each in value.items()}

    copy = template | {
        "Globals": walk(template["Globals"]),
        "Conditions": walk(template["Conditions"], of_condition=True),
        "Resources": {name: walk(each) for name, each in template["Resources"].items() if not is_refused(each)},
    }
    for resource in copy["Resources"].values():
        if "Events" in resource.get("Properties", {}):
            resource["Properties"]["Events"] = dict(spelled_out(resource["Properties"]["Events"]))
    return copy


def is_refused(resource):
    """Whether this resource cannot be there: an alarm that calculates with several metrics fails the deployment; the emulator is
    spoken to without TLS, which the buckets' policies rightly refuse."""
    calculates = resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]
    return calculates or resource["Type"] == "AWS::S3::BucketPolicy"


def spelled_out(events):
    """A function's events. A route of any method is unknown there and gets lost, so it becomes one for each."""
    for name, event in events.items():
        if event["Type"] == "Api" and event["Properties"]["Method"] == "ANY":
            for method in METHODS:
                yield f"{name}{method.title()}", event | {"Properties": event["Properties"] | {"Method": method}}
        else:
            yield name, event


# What a resource of this type has in the template and not there. (Expiry is checked in code, too: DynamoDB deletes late.)
NOT_KEPT = {
    ("AWS::DynamoDB::Table", "TimeToLiveSpecification"): "is dropped",
    ("AWS::DynamoDB::Table", "PointInTimeRecoverySpecification"): "is dropped",
    ("AWS::DynamoDB::Table", "SSESpecification"): "is dropped",
}

# There is no CodeDeploy: the deployment goes live at once (GradualDeployment=false), and what takes one back is held by check-template
# and infra/sandbox/tests/api/deployment.rs.

# What cannot be seen there at all, and is held by check-template only: the API's resource policy, gateway responses, access
# log and throttling are not imported; the Rules of the parameters are not evaluated; alarms never go off; items never expire.
