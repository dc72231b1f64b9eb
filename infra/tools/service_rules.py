"""What AWS's services refuse or silently do otherwise, and neither SAM, cfn-lint, checkov nor the emulator know. Run by
infra/tools/check-template over the *translated* template, with the interpreter of .venv/sam:

    service_rules.py TRANSLATED.json [--self-test]      every rule; and each is seen failing on the faults planted for it (in a
                                                        template that has everything, as prod's)

A rule is a function that yields what is wrong; beside it stand its source in the service's documentation and the faults that it must
find (`plants`), each a change of the template as it is. A rule that does not find its own fault fails the check.
"""

import copy
import json
import pathlib
import re
import subprocess
import sys

from samtranslator.yaml_helper import yaml_parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = "https://docs.aws.amazon.com/"
RULES = []
# What an ARN, a generated name or an address that CloudFormation fills in has at most.
FILLED_IN = 200


def rule(source, *plants):
    """Registers a rule with its source and the faults that it must find."""

    def register(check):
        RULES.append((check, DOCS + source, plants))
        return check

    return register


class Template:
    """The translated template, the text that it was made of, and the last release's tables."""

    def __init__(self, translated, source, released):
        self.document, self.source, self.released = translated, source, released
        self.resources = translated["Resources"]
        self.parameters = translated["Parameters"]

    def of(self, *kinds):
        """The resources of these types: name, resource, properties."""
        for name, resource in self.resources.items():
            if resource["Type"] in kinds:
                yield name, resource, resource.get("Properties", {})

    def one(self, kind):
        """The properties of the only resource of a type."""
        (found,) = [properties for _, _, properties in self.of(kind)]
        return found

    def longest_of(self, name):
        """The most letters that a parameter's value can have; None if nothing bounds it."""
        parameter = self.parameters.get(name)
        if parameter is None:
            # A pseudo parameter, or a resource.
            return {"AWS::Region": 20, "AWS::Partition": 10, "AWS::AccountId": 12, "AWS::URLSuffix": 20}.get(name, FILLED_IN)
        if "AllowedValues" in parameter:
            return max(len(str(value)) for value in parameter["AllowedValues"])
        if parameter["Type"] == "Number":
            return len(str(parameter["MaxValue"])) if "MaxValue" in parameter else None
        return parameter.get("MaxLength")

    def longest(self, value):
        """The most letters that a value can have; None if nothing bounds it."""
        if not isinstance(value, (dict, list)):
            return len(str(value))
        if isinstance(value, list):
            return added(self.longest(each) for each in value)
        ((function, argument),) = value.items()
        if function == "Ref":
            return 0 if argument == "AWS::NoValue" else self.longest_of(argument)
        if function == "Fn::If":
            sides = [self.longest(side) for side in argument[1:]]
            return None if None in sides else max(sides)
        if function == "Fn::FindInMap":
            rows = self.document["Mappings"][argument[0]].values()
            return max(len(str(value)) for row in rows for value in row.values())
        if function == "Fn::Sub":
            text, given = (argument, {}) if isinstance(argument, str) else argument
            names = re.findall(r"\$\{([^!}][^}]*)\}", text)
            parts = [self.longest(given[name]) if name in given else self.longest_of(name) for name in names]
            return added([len(re.sub(r"\$\{[^!}][^}]*\}", "", text)), *parts])
        if function == "Fn::Join":
            return added([self.longest(argument[1]), len(argument[0]) * len(argument[1])])
        if function in ("Fn::Split", "Fn::Select"):
            return self.longest(argument[1])
        return FILLED_IN

    def functions(self):
        """Every function: its name, its properties."""
        return [(name, properties) for name, _, properties in self.of("AWS::Lambda::Function")]


def added(lengths):
    """Their sum, which has no bound if one of them has none."""
    lengths = list(lengths)
    return None if None in lengths else sum(lengths)


def texts(value):
    """Every text in a value, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from texts(each)


def listed(value):
    """A value as a list."""
    return value if isinstance(value, list) else [value]


def find(document, kind):
    """The properties of the first resource of a type, to plant a fault in."""
    return next(resource["Properties"] for resource in document["Resources"].values() if resource["Type"] == kind)


def put(kind, **properties):
    """A fault: these properties of the first resource of a type."""
    return lambda document: find(document, kind).update(properties)


# ---- API Gateway ----------------------------------------------------------------------------------------------------


def _setting(**properties):
    return lambda document: find(document, "AWS::ApiGateway::Stage")["MethodSettings"][-1].update(properties)


@rule("apigateway/latest/api/API_MethodSetting.html", _setting(HttpMethod="*"), _setting(ResourcePath="/v1/forms/otp"),
      _setting(HttpMethod="ANY"), _setting(ResourcePath="/~1v1~1nowhere"))
def method_settings_name_one_verb_of_one_path_or_all_of_all(template):
    paths = template.one("AWS::ApiGateway::RestApi")["Body"]["paths"]
    for setting in template.one("AWS::ApiGateway::Stage").get("MethodSettings", []):
        path, verb = setting["ResourcePath"], setting["HttpMethod"]
        if path == "/*":
            if verb != "*":
                yield f"{path} {verb}: a verb of all paths is no setting"
        elif verb not in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
            yield f"{path} {verb}: one path takes one verb"
        elif "/" in path[1:] or path[1:].replace("~1", "/") not in paths:
            yield f"{path}: is no route, with each slash after the first written ~1"


def _second_variable(document):
    paths = find(document, "AWS::ApiGateway::RestApi")["Body"]["paths"]
    paths["/v1/orders/{other}/lines"] = {}


@rule("apigateway/latest/developerguide/limits.html", _second_variable)
def the_variables_of_one_path_level_have_one_name(template):
    names = {}
    for path in template.one("AWS::ApiGateway::RestApi")["Body"]["paths"]:
        parts = path.split("/")
        for depth, part in enumerate(parts):
            if part.startswith("{"):
                known = names.setdefault("/".join(parts[:depth]), part)
                if known != part:
                    yield f"{path}: {part} and {known} are siblings"


def _many_ranges(document):
    for name in ("AllowedSourceRanges", "MokkaSourceRanges"):
        document["Parameters"][name]["MaxLength"] = 4000


def _policy(template):
    return template.one("AWS::ApiGateway::RestApi")["Body"]["x-amazon-apigateway-policy"]


@rule("apigateway/latest/developerguide/limits.html", _many_ranges)
def the_resource_policy_has_8192_bytes(template):
    # The ranges stand in it as the parameters' values; written out as a list each is in quotes.
    ranges = [name for name in template.parameters if name.endswith("SourceRanges")]
    longest = [template.longest_of(name) for name in ranges]
    if None in longest:
        yield f"{ranges} need a MaxLength"
    else:
        # Of an address range there are at least ten letters, and each takes four more than in the list.
        size = len(json.dumps(_policy(template))) + sum(length + 4 * (length // 10) for length in longest)
        if size > 8192:
            yield f"may have {size} bytes"


def _without_slash(document):
    body = find(document, "AWS::ApiGateway::RestApi")["Body"]
    denies = [each for each in body["x-amazon-apigateway-policy"]["Statement"] if each["Effect"] == "Deny"]
    denies[0]["Resource"] = [path for path in denies[0]["Resource"] if not path.endswith("/")]


@rule("apigateway/latest/developerguide/apigateway-resource-policies-examples.html", _without_slash)
def what_is_denied_is_denied_with_a_slash_at_the_end_too(template):
    for statement in _policy(template)["Statement"]:
        resources = listed(statement["Resource"])
        for resource in resources if statement["Effect"] == "Deny" else []:
            other = resource[:-1] if resource.endswith("/") else resource + "/"
            if not resource.endswith("*") and other not in resources:
                yield f"{resource} without {other}"


def _not_deployed(document):
    document["_source"]["Resources"]["Api"]["Properties"].pop("AlwaysDeploy", None)


@rule("serverless-application-model/latest/developerguide/sam-resource-api.html#sam-api-alwaysdeploy", _not_deployed)
def what_parameters_change_in_the_api_is_deployed(template):
    """SAM makes a new deployment when the API's definition changes, and does not know what conditions come to."""
    body = json.dumps(template.one("AWS::ApiGateway::RestApi")["Body"])
    always = template.source["Resources"]["Api"]["Properties"].get("AlwaysDeploy") is True
    undecided = '"Fn::If"' in body or any(f'{{"Ref": "{name}"}}' in body for name in template.parameters)
    if undecided and not always:
        yield "the definition depends on a condition: AlwaysDeploy must be true"


def _default_endpoint(document):
    find(document, "AWS::ApiGateway::RestApi")["Body"].pop("servers", None)


@rule("apigateway/latest/developerguide/rest-api-disable-default-endpoint.html", _default_endpoint)
def beside_an_own_domain_the_default_address_is_off(template):
    body = template.one("AWS::ApiGateway::RestApi")["Body"]
    # Where OpenAPI 3 has it.
    (server,) = body.get("servers") or [{}]
    off = server.get("x-amazon-apigateway-endpoint-configuration", {}).get("disableExecuteApiEndpoint")
    if off != {"Fn::If": ["HasDomain", True, False]} and any(True for _ in template.of("AWS::ApiGateway::DomainName")):
        yield "DisableExecuteApiEndpoint must follow HasDomain"


def _log_format(document):
    setting = find(document, "AWS::ApiGateway::Stage")["AccessLogSetting"]
    setting["Format"] = setting["Format"].replace("$context.requestId", "$context.path")


@rule("apigateway/latest/developerguide/set-up-logging.html", _log_format)
def the_access_log_has_the_requests_id_and_one_line(template):
    text = template.one("AWS::ApiGateway::Stage")["AccessLogSetting"]["Format"]
    if "\n" in text.strip() or not re.search(r"\$context\.(extendedR|r)equestId", text):
        yield "needs $context.requestId, on one line"


def _slow(document):
    for each in document["Resources"].values():
        if each["Type"] == "AWS::Lambda::Function":
            each["Properties"]["Timeout"] = 60


@rule("apigateway/latest/developerguide/limits.html", _slow)
def what_the_api_calls_ends_before_the_api_gives_up(template):
    called = json.dumps(template.one("AWS::ApiGateway::RestApi")["Body"])
    for name, properties in template.functions():
        if f"{name}Alias" in called and properties["Timeout"] >= 29:
            yield f"{name} may take {properties['Timeout']} s, API Gateway waits for 29"


def _many_paths(document):
    paths = find(document, "AWS::ApiGateway::RestApi")["Body"]["paths"]
    paths.update({f"/v1/more/{number}": {} for number in range(300)})


@rule("apigateway/latest/developerguide/limits.html", _many_paths)
def an_api_has_300_resources(template):
    paths = template.one("AWS::ApiGateway::RestApi")["Body"]["paths"]
    resources = {"/".join(path.split("/")[:depth + 2]) for path in paths for depth in range(path.count("/"))}
    if len(resources) > 300:
        yield f"has {len(resources)}"


# ---- Lambda ---------------------------------------------------------------------------------------------------------


def _long_description(document):
    document["Parameters"]["ShopOrdersUrl"]["MaxLength"] = 255


def _unbounded(document):
    del document["Parameters"]["SecretsName"]["MaxLength"]


@rule("lambda/latest/api/API_PublishVersion.html", _long_description, _unbounded)
def a_versions_description_has_256_letters(template):
    for name, _, properties in template.of("AWS::Lambda::Version"):
        longest = template.longest(properties.get("Description", ""))
        if longest is None or longest > 256:
            yield f"{name} may have {longest or 'any number of'}: its parameters need a (smaller) MaxLength"


def _large_environment(document):
    document["Parameters"]["ShopName"]["MaxLength"] = 3000


def _reserved_variable(document):
    find(document, "AWS::Lambda::Function")["Environment"]["Variables"]["AWS_REGION"] = "eu-central-1"


@rule("lambda/latest/dg/configuration-envvars.html", _large_environment, _reserved_variable)
def an_environment_has_4_kilobytes_and_no_reserved_name(template):
    for name, properties in template.functions():
        variables = properties["Environment"]["Variables"]
        # Names of shops are Cyrillic: two bytes a letter.
        sizes = [template.longest(value) for value in variables.values()]
        names = sum(len(variable) for variable in variables)
        if None in sizes or names + 2 * sum(sizes) > 4096:
            yield f"{name} may have more: its parameters need a (smaller) MaxLength"
        if reserved := [variable for variable in variables if re.match(r"AWS_|_|LAMBDA_TASK|TZ$", variable)]:
            yield f"{name} sets {reserved}, which are Lambda's"


@rule("lambda/latest/dg/gettingstarted-limits.html", put("AWS::Lambda::Function", MemorySize=4096),
      put("AWS::Lambda::Function", Timeout=901), put("AWS::Lambda::Function", Description="x" * 257),
      put("AWS::Lambda::Function", Layers=["layer"] * 6))
def a_function_is_within_what_a_new_account_may(template):
    for name, properties in template.functions():
        # A new account has 3008 MB at most.
        if not 128 <= properties["MemorySize"] <= 3008 or not 1 <= properties["Timeout"] <= 900:
            yield f"{name}: memory 128 to 3008 MB, time-out 1 to 900 s"
        if len(properties.get("Description", "")) > 256 or len(properties.get("Layers", [])) > 5:
            yield f"{name}: a description of 256 letters and five layers at most"


@rule("lambda/latest/dg/configuration-concurrency.html", put("AWS::Lambda::Function", ReservedConcurrentExecutions=1))
def nothing_is_reserved_that_a_new_account_does_not_have(template):
    """A reservation must leave 100 unreserved, and a new account may have ten in all."""
    for name, properties in template.functions():
        reserved = properties.get("ReservedConcurrentExecutions")
        if reserved is not None and not (isinstance(reserved, dict) and "Fn::If" in reserved):
            yield f"{name} reserves {reserved} unasked"
    if template.parameters.get("ReserveConcurrency", {}).get("Default", "off") != "off":
        yield "ReserveConcurrency must be off by default"


def _many_routes(document):
    permission = next(each for each in document["Resources"].values() if each["Type"] == "AWS::Lambda::Permission")
    document["Resources"].update({f"More{number}": permission for number in range(45)})


@rule("lambda/latest/dg/gettingstarted-limits.html", _many_routes)
def a_functions_own_policy_has_20_kilobytes(template):
    statements = {}
    for _, _, properties in template.of("AWS::Lambda::Permission"):
        called = json.dumps(properties["FunctionName"])
        # A statement as Lambda writes it: id, principal, the alias's ARN, the condition with the route's.
        statements[called] = statements.get(called, 0) + 500
    for called, size in statements.items():
        if size > 20480:
            yield f"{called} has {size // 500} callers, which are some {size} bytes"


@rule("lambda/latest/api/API_PutFunctionEventInvokeConfig.html",
      put("AWS::Lambda::EventInvokeConfig", MaximumEventAgeInSeconds=30),
      put("AWS::Lambda::EventInvokeConfig", MaximumRetryAttempts=3))
def asynchronous_calls_are_within_lambdas_bounds(template):
    for name, _, properties in template.of("AWS::Lambda::EventInvokeConfig"):
        if not 60 <= properties.get("MaximumEventAgeInSeconds", 60) <= 21600 or not 0 <= properties.get("MaximumRetryAttempts", 0) <= 2:
            yield f"{name}: an age of 60 to 21600 s, at most two more attempts"


def _mapping(**properties):
    def plant(document):
        mappings = [each["Properties"] for each in document["Resources"].values()
                    if each["Type"] == "AWS::Lambda::EventSourceMapping"]
        next(each for each in mappings if "StartingPosition" in each).update(properties)
    return plant


@rule("lambda/latest/api/API_CreateEventSourceMapping.html", _mapping(MaximumRecordAgeInSeconds=30),
      _mapping(ParallelizationFactor=11), _mapping(FilterCriteria={"Filters": [{"Pattern": "x" * 4097}]}))
def streams_and_queues_are_within_lambdas_bounds(template):
    for name, _, properties in template.of("AWS::Lambda::EventSourceMapping"):
        filters = properties.get("FilterCriteria", {}).get("Filters", [])
        age, lanes = properties.get("MaximumRecordAgeInSeconds", -1), properties.get("ParallelizationFactor", 1)
        if len(filters) > 5 or any(len(each["Pattern"]) > 4096 for each in filters):
            yield f"{name}: five filters of 4096 letters at most"
        if (age != -1 and not 60 <= age <= 604800) or not 1 <= lanes <= 10:
            yield f"{name}: an age of 60 to 604800 s, 1 to 10 batches at once"
        if properties["BatchSize"] > 10 and "StartingPosition" not in properties and not properties.get("MaximumBatchingWindowInSeconds"):
            yield f"{name}: more than ten messages at once take a window"


def _plural(document):
    find(document, "AWS::Events::Rule")["ScheduleExpression"] = "rate(1 minutes)"


@rule("eventbridge/latest/userguide/eb-scheduled-rule-pattern.html", _plural)
def one_minute_is_singular(template):
    for name, _, properties in template.of("AWS::Events::Rule"):
        expression = properties["ScheduleExpression"]
        if isinstance(expression, str) and not re.fullmatch(r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)", expression):
            yield f"{name}: {expression}"


# ---- CloudWatch, CodeDeploy -----------------------------------------------------------------------------------------


def _alarm(**properties):
    def plant(document):
        alarms = [each["Properties"] for each in document["Resources"].values() if each["Type"] == "AWS::CloudWatch::Alarm"]
        next(each for each in alarms if "Metrics" not in each).update(properties)
    return plant


def _eleven_metrics(document):
    alarms = [each["Properties"] for each in document["Resources"].values() if each["Type"] == "AWS::CloudWatch::Alarm"]
    calculated = next(each for each in alarms if "Metrics" in each)
    calculated["Metrics"] += [dict(calculated["Metrics"][-1], Id=f"more{number}") for number in range(10)]


@rule("AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html", _alarm(Period=45), _alarm(EvaluationPeriods=1441),
      _alarm(AlarmDescription="x" * 1025), _alarm(AlarmActions=["a"] * 6), _eleven_metrics)
def an_alarm_is_within_cloudwatchs_bounds(template):
    for name, _, properties in template.of("AWS::CloudWatch::Alarm"):
        parts = properties.get("Metrics", [])
        measured = [part["MetricStat"] for part in parts if "MetricStat" in part]
        for period in [properties["Period"]] if not parts else [each["Period"] for each in measured]:
            if period not in (10, 20, 30) and period % 60:
                yield f"{name}: a period is 10, 20, 30 or whole minutes"
            if period * properties["EvaluationPeriods"] > (604800 if period >= 3600 else 86400):
                yield f"{name}: looks back for more than a day"
        if len(measured) > 10:
            yield f"{name}: calculates with {len(measured)} metrics, ten at most"
        if parts and sum(part.get("ReturnData", True) is True for part in parts) != 1:
            yield f"{name}: one of its metrics is what it looks at"
        if any(not re.fullmatch("[a-z][A-Za-z0-9_]*", part["Id"]) for part in parts):
            yield f"{name}: an Id begins with a small letter"
        if len(properties.get("AlarmDescription", "")) > 1024 or any(
                len(properties.get(actions, [])) > 5 for actions in ("AlarmActions", "OKActions")):
            yield f"{name}: a description of 1024 letters, five actions"


def _long_search(document):
    body = find(document, "AWS::CloudWatch::Dashboard")
    widgets = json.loads(body["DashboardBody"]["Fn::Sub"])
    chart = next(each["properties"] for each in widgets["widgets"] if "metrics" in each["properties"])
    chart["metrics"] = [[{"expression": f"SEARCH('{'x' * 1100}', 'Sum')"}]]
    body["DashboardBody"]["Fn::Sub"] = json.dumps(widgets)


@rule("AmazonCloudWatch/latest/monitoring/CloudWatch-Dashboard-Body-Structure.html", _long_search)
def a_dashboard_is_json_with_500_widgets_and_short_searches(template):
    for name, _, properties in template.of("AWS::CloudWatch::Dashboard"):
        widgets = json.loads(properties["DashboardBody"]["Fn::Sub"])["widgets"]
        metrics = [metric for each in widgets for metric in each["properties"].get("metrics", [])]
        searches = [metric[0]["expression"] for metric in metrics if isinstance(metric[0], dict)]
        if len(widgets) > 500 or len(metrics) > 2500 or any(len(search) > 1024 for search in searches):
            yield f"{name}: 500 widgets, 2500 metrics, searches of 1024 letters"


def _odd_retention(document):
    document["Parameters"]["LogRetentionDays"]["AllowedValues"].append(45)


@rule("AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html", _odd_retention)
def logs_are_kept_for_a_number_of_days_that_there_is(template):
    known = {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
    if odd := set(template.parameters["LogRetentionDays"]["AllowedValues"]) - known:
        yield f"LogRetentionDays: {sorted(odd)}"


def _eleven_alarms(document):
    group = find(document, "AWS::CodeDeploy::DeploymentGroup")
    group["AlarmConfiguration"]["Alarms"] *= 3


@rule("codedeploy/latest/userguide/limits.html", _eleven_alarms)
def a_deployment_watches_ten_alarms(template):
    for name, _, properties in template.of("AWS::CodeDeploy::DeploymentGroup"):
        if len(properties["AlarmConfiguration"]["Alarms"]) > 10:
            yield name


# ---- Tables, queues, bucket -----------------------------------------------------------------------------------------


def _two_indexes(document):
    table = find(document, "AWS::DynamoDB::Table")
    table["GlobalSecondaryIndexes"] += [dict(table["GlobalSecondaryIndexes"][0], IndexName=name) for name in ("one", "two")]


def indexes(template_source):
    """The indexes of every table, by the tables' names in the template."""
    tables = {name: each["Properties"] for name, each in template_source["Resources"].items() if each["Type"] == "AWS::DynamoDB::Table"}
    return {name: {index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])} for name, table in tables.items()}


@rule("amazondynamodb/latest/developerguide/GSI.OnlineOps.html", _two_indexes)
def an_update_changes_one_index_of_a_table(template):
    """Against the last release that infra/upgrade/releases names: who has it deploys this one next."""
    now = indexes(template.document)
    for table, before in template.released.items():
        if len(changed := now.get(table, before) ^ before) > 1:
            yield f"{table}: {sorted(changed)} in one deployment; release them one after the other"


def _unused_attribute(document):
    find(document, "AWS::DynamoDB::Table")["AttributeDefinitions"].append({"AttributeName": "idle", "AttributeType": "S"})


@rule("amazondynamodb/latest/APIReference/API_CreateTable.html", _unused_attribute)
def a_table_defines_the_attributes_of_its_keys_and_no_other(template):
    for name, _, properties in template.of("AWS::DynamoDB::Table"):
        keys = [properties, *properties.get("GlobalSecondaryIndexes", [])]
        used = {part["AttributeName"] for key in keys for part in key["KeySchema"]}
        if used != {each["AttributeName"] for each in properties["AttributeDefinitions"]} or len(keys) > 21:
            yield name


def _protected(document):
    find(document, "AWS::DynamoDB::Table")["DeletionProtectionEnabled"] = True


def _kept(document):
    table = next(each for each in document["Resources"].values() if each["Type"] == "AWS::DynamoDB::Table")
    table["DeletionPolicy"] = "Retain"


def _taken_away(document):
    document["Resources"]["ApiGatewayAccountRole"]["DeletionPolicy"] = "RetainExceptOnCreate"


# The account's one setting for API Gateway's logs in a region: setting it again replaces what another stage has set, so that a first
# deployment that takes its role back would take it from the others. It has no name of its own to be in the second deployment's way.
OF_THE_ACCOUNT = ("ApiGatewayAccount", "ApiGatewayAccountRole")


@rule("AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html", _kept, _protected, _taken_away)
def a_failed_first_deployment_leaves_nothing_in_the_way_of_the_second(template):
    for name, resource, properties in template.of(*{each["Type"] for each in template.resources.values()}):
        if name in OF_THE_ACCOUNT:
            if resource.get("DeletionPolicy") != "Retain" or "RoleName" in properties:
                yield f"{name}: Retain, and no name: it is the account's, and other stages rely on it"
        # SAM keeps old versions of functions and layers: they have numbers, not names.
        elif resource.get("DeletionPolicy") == "Retain" and resource["Type"] not in ("AWS::Lambda::Version", "AWS::Lambda::LayerVersion"):
            yield f"{name}: RetainExceptOnCreate"
        if properties.get("DeletionProtectionEnabled") is True:
            yield f"{name}: what protects it from the beginning keeps CloudFormation from taking it back"


def _shy(document):
    queue = next(each["Properties"] for each in document["Resources"].values()
                 if each["Type"] == "AWS::SQS::Queue" and "RedrivePolicy" in each["Properties"])
    queue["RedrivePolicy"]["maxReceiveCount"] = 1001


def _impatient(document):
    for each in document["Resources"].values():
        if each["Type"] == "AWS::SQS::Queue" and "VisibilityTimeout" in each["Properties"]:
            each["Properties"]["VisibilityTimeout"] = 10


@rule("lambda/latest/dg/services-sqs-configure.html", _shy, _impatient)
def a_queue_gives_its_function_time(template):
    queues = {name: properties for name, _, properties in template.of("AWS::SQS::Queue")}
    functions = dict(template.functions())
    for name, _, properties in template.of("AWS::Lambda::EventSourceMapping"):
        source = properties["EventSourceArn"]["Fn::GetAtt"][0]
        function = properties["FunctionName"]["Ref"].removesuffix("Aliaslive")
        if source in queues and queues[source]["VisibilityTimeout"] < 6 * functions[function]["Timeout"]:
            yield f"{name}: VisibilityTimeout of {source} must be six times the Timeout of {function}"
    for name, properties in queues.items():
        if not 1 <= properties.get("RedrivePolicy", {}).get("maxReceiveCount", 1) <= 1000:
            yield f"{name}: a message is received 1000 times at most"


# ---- WAF ------------------------------------------------------------------------------------------------------------


def _statements(value):
    """Every match statement of a web ACL."""
    if isinstance(value, dict):
        if "FieldToMatch" in value:
            yield value
        for each in value.values():
            yield from _statements(each)
    elif isinstance(value, list):
        for each in value:
            yield from _statements(each)


def _raw_path(document):
    for statement in _statements(find(document, "AWS::WAFv2::WebACL")):
        statement["TextTransformations"] = [{"Priority": 0, "Type": "NONE"}]


@rule("waf/latest/developerguide/waf-rule-statement-transformation.html", _raw_path)
def paths_are_read_as_the_api_reads_them(template):
    for name, _, properties in template.of("AWS::WAFv2::WebACL"):
        for statement in _statements(properties):
            kinds = [each["Type"] for each in sorted(statement["TextTransformations"], key=lambda each: each["Priority"])]
            if "UriPath" in statement["FieldToMatch"] and kinds != ["URL_DECODE", "NORMALIZE_PATH"]:
                yield f"{name}: {kinds} in place of URL_DECODE, NORMALIZE_PATH"


def _low_limit(document):
    document["Parameters"]["FormsRequestsPerAddress"] = {"Type": "Number", "MinValue": 0, "MaxValue": 2000000000}


@rule("waf/latest/APIReference/API_RateBasedStatement.html", _low_limit)
def a_rate_limit_is_ten_or_more(template):
    parameter = template.parameters["FormsRequestsPerAddress"]
    pattern = parameter.get("AllowedPattern", ".*")
    if parameter["Type"] != "String" or [value for value in ("1", "9", "-1", "2000000001") if re.fullmatch(pattern, value)]:
        yield "FormsRequestsPerAddress takes what WAF does not: 0 (no WAF), or 10 to 2000000000"


# ---- Names, sizes, partitions ---------------------------------------------------------------------------------------

NAMES = {
    # Type: property, letters, pattern of the letters
    "AWS::ApiGateway::RestApi": ("Name", 1024, r".*"),
    "AWS::CloudWatch::Dashboard": ("DashboardName", 255, r"[A-Za-z0-9_-]*"),
    "AWS::DynamoDB::Table": ("TableName", 255, r"[A-Za-z0-9_.-]*"),
    "AWS::Lambda::LayerVersion": ("LayerName", 140, r"[A-Za-z0-9_-]*"),
    "AWS::Logs::LogGroup": ("LogGroupName", 512, r"[A-Za-z0-9_/.#-]*"),
    "AWS::SecretsManager::Secret": ("Name", 512, r"[A-Za-z0-9/_+=.@-]*"),
    "AWS::SNS::Topic": ("TopicName", 256, r"[A-Za-z0-9_-]*"),
    "AWS::WAFv2::WebACL": ("Name", 128, r"[A-Za-z0-9_-]*"),
    "AWS::IAM::Policy": ("PolicyName", 128, r"[A-Za-z0-9_+=,.@-]*"),
}


@rule("AWSCloudFormation/latest/TemplateReference/aws-properties-name.html",
      put("AWS::CloudWatch::Dashboard", DashboardName="with space"), put("AWS::SNS::Topic", TopicName="x" * 257))
def names_have_the_letters_and_the_length_that_their_service_takes(template):
    for name, resource, properties in template.of(*NAMES):
        key, length, letters = NAMES[resource["Type"]]
        value = properties.get(key)
        literal = re.sub(r"\$\{[^}]*\}", "", "".join(texts(value.get("Fn::Sub", "") if isinstance(value, dict) else value or "")))
        if value is not None and ((template.longest(value) or length + 1) > length or not re.fullmatch(letters, literal)):
            yield f"{name}: {value}"


@rule("AWSCloudFormation/latest/UserGuide/cloudformation-limits.html",
      lambda document: document["Resources"].update({f"More{number}": {"Type": "AWS::SNS::Topic"} for number in range(400)}),
      lambda document: document["Parameters"]["ShopName"].update(Description="x" * 4001))
def the_stack_is_within_cloudformations_quotas(template):
    document = template.document
    for part, most in (("Resources", 500), ("Parameters", 200), ("Outputs", 200), ("Mappings", 200)):
        if len(document.get(part, {})) > most:
            yield f"{part}: more than {most}"
    if len(document.get("Description", "")) > 1024 or len(json.dumps(document)) > 1_000_000:
        yield "a description of 1024 letters, a megabyte in all"
    for name, parameter in template.parameters.items():
        if len(parameter.get("Description", "")) > 4000:
            yield f"{name}: a description of 4000 letters"
    for name, output in document["Outputs"].items():
        if len(output.get("Description", "")) > 1024:
            yield f"{name}: a description of 1024 letters"


def _large_role(document):
    role = next(each["Properties"] for each in document["Resources"].values()
                if each["Type"] == "AWS::IAM::Role" and each["Properties"].get("Policies"))
    role["Policies"] *= 40


@rule("IAM/latest/UserGuide/reference_iam-quotas.html", _large_role)
def a_roles_own_policies_have_10240_letters(template):
    for name, _, properties in template.of("AWS::IAM::Role"):
        # Each reference becomes an ARN.
        text = json.dumps(properties.get("Policies", []), separators=(",", ":"))
        if (size := len(text) + 100 * text.count('"Fn::')) > 10240:
            yield f"{name} has some {size}"


def _of_one_partition(document):
    association = document["_source"]["Resources"]["WebAclAssociation"]["Properties"]
    association["ResourceArn"] = {"Fn::Sub": "arn:aws:apigateway:${AWS::Region}::/restapis"}


def _of_one_suffix(document):
    document["_source"]["Outputs"]["BaseUrl"]["Value"] = {"Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.amazonaws.com/dev"}


def _of_one_suffix_in_code(document):
    document["_sources"] = 'format!("https://sqs.{region}.amazonaws.com/")'


@rule("IAM/latest/UserGuide/reference-arns.html", _of_one_partition, _of_one_suffix, _of_one_suffix_in_code)
def nothing_names_a_partition(template):
    """Besides the names of services, which end in amazonaws.com everywhere. What SAM adds fits the region that it translates for."""
    for name, resource in [*template.source["Resources"].items(), *template.source["Outputs"].items()]:
        for text in texts(resource):
            if "arn:aws:" in text:
                yield f"{name}: {text}: ${{AWS::Partition}}"
            if re.search(r"[./]amazonaws\.com", text) and not re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com", text):
                yield f"{name}: {text}: ${{AWS::URLSuffix}}"
    for line in template.document.get("_sources", sources()).splitlines():
        if re.search(r"\{\w*\}\.amazonaws\.com", line):
            yield f"code: {line.strip()}: the address must come from shared::platform::aws, which knows the region's suffix"


def sources():
    """The functions' code, without the one place that knows the suffixes."""
    files = [path for folder in ("functions", "shared/src") for path in sorted((ROOT / folder).rglob("*.rs"))]
    return "\n".join(path.read_text(encoding="utf-8") for path in files if path != ROOT / "shared/src/platform/aws.rs")


# ---- The check ------------------------------------------------------------------------------------------------------


def found(check, document, source, released):
    """What a rule finds in a template into which a fault may have been planted."""
    return list(check(Template(document, document.get("_source", source), released)))


def self_test(translated, source, released):
    """Each rule finds each of its faults."""
    for check, _, plants in RULES:
        for plant in plants:
            document = copy.deepcopy(translated) | {"_source": copy.deepcopy(source)}
            plant(document)
            if not found(check, document, source, released):
                yield f"the rule {check.__name__} does not find what {getattr(plant, '__name__', plant)} plants"


def last_release():
    """The tables of the last release, or none where its commit is not at hand."""
    lines = [line.split() for line in (ROOT / "infra/upgrade/releases").read_text(encoding="utf-8").splitlines()]
    _, commit = [line for line in lines if line and not line[0].startswith("#")][-1]
    shown = subprocess.run(["git", "show", f"{commit}:template.yaml"], cwd=ROOT, capture_output=True, text=True, check=False)
    if shown.returncode:
        sys.exit(f"service_rules: the last release, {commit}, is not in this clone: git fetch --unshallow")
    return indexes(yaml_parse(shown.stdout))


def main():
    translated = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    source = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    released = last_release()
    wrong = []
    for check, address, _ in RULES:
        title = check.__name__.replace("_", " ")
        wrong += [f"{title}: {what}\n    {address}" for what in found(check, translated, source, released)]
    tested = "--self-test" in sys.argv
    if tested and not wrong:
        wrong = list(self_test(translated, source, released))
    for line in wrong:
        print(f"service_rules: {line}", file=sys.stderr)
    if wrong:
        sys.exit(1)
    plants = sum(len(plants) for _, _, plants in RULES)
    print(f"{len(RULES)} rules of the services hold" + (f", and {plants} planted faults are found" if tested else ""))


main()
