"""Looks at a stage from outside, before and after its deployment. Started by infra/tools/doctor."""

import base64
import datetime
import functools
import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

from installation import ROOT, AwsError, Stage, aws, gateway_secret, persons

# An order that nobody has: asking for it shows whether a signature is right, and changes nothing.
NOBODYS_ORDER = "doctor-asks-for-nothing"
# Where a gateway of kind yookassa is, unless its section says otherwise.
YOOKASSA = "https://api.yookassa.ru/v3"
# The states of a payment that its gateway must still be asked about; after them only refunds and looks at what is over follow.
LIVE = ("creating", "pending", "held", "finishing")
# How many pages of a hundred are looked at of each: a gateway that takes money has a payment among the newest.
PAGES = 10
# What AWS gives an account that is in use.
USUAL_QUOTA = 1000
# Days before a certificate's end at which somebody should know.
CERTIFICATE_DAYS = 14
# Authorities that the functions trust besides the usual ones, in the layer of settings.
EXTRA_CA = pathlib.Path(os.environ.get("EXTRA_CA_FILE", ROOT / "infra/config/extra-ca.pem"))


class Findings:
    """What was found, printed as it is found."""

    def __init__(self):
        self.wrong = 0

    def ok(self, text):
        print(f"ok     {text}", flush=True)

    def note(self, text):
        print(f"note   {text}", flush=True)

    def bad(self, text, remedy):
        self.wrong += 1
        print(f"WRONG  {text}\n       {remedy}", flush=True)

    def check(self, right, text, otherwise, remedy):
        """One of the two."""
        if right:
            self.ok(text)
        else:
            self.bad(otherwise, remedy)


@functools.cache
def trusted():
    """Whom the functions trust, too."""
    context = ssl.create_default_context()
    if EXTRA_CA.exists():
        try:
            context.load_verify_locations(EXTRA_CA)
        except OSError:
            # Said once, by authorities().
            pass
    return context


def authorities(found):
    """Whether the file of further authorities can be read: with a bad one no function starts."""
    if EXTRA_CA.exists():
        try:
            ssl.create_default_context().load_verify_locations(EXTRA_CA)
            found.ok(f"{EXTRA_CA.name}: further authorities are trusted")
        except OSError as error:
            found.bad(f"{EXTRA_CA.name} cannot be read: {error}", f"openssl x509 -in {os.path.relpath(EXTRA_CA, ROOT)} -noout -subject")


def called(url, body=None, headers=None, method=None):
    """An answer's status and JSON (or text); no status if there is no answer, and then why."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"} | (headers or {}), method=method)
    try:
        with urllib.request.urlopen(request, timeout=15, context=trusted()) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    except (OSError, urllib.error.URLError, ValueError) as error:
        return None, str(getattr(error, "reason", error))
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text[:200].decode(errors="replace")


def tools(found):
    """The programs that a deployment takes."""
    for program, remedy in (
        ("aws", "install the AWS CLI 2: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"),
        ("sam", 'infra/tools/setup sam lambda && export PATH="$PWD/.venv/lambda/bin:$PWD/.venv/sam/bin:$PATH"'),
        ("cargo-lambda", 'infra/tools/setup sam lambda && export PATH="$PWD/.venv/lambda/bin:$PWD/.venv/sam/bin:$PATH"'),
    ):
        path = shutil.which(program)
        version = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout.split("\n")[0] if path else ""
        found.check(bool(path), f"{program}: {version}", f"{program} is not on the PATH", remedy)
        if program == "aws" and re.match(r"aws-cli/1\.", version):
            found.bad("the AWS CLI is version 1", remedy)


def account(found, stage):
    """Whose account it is, where, and what it may run."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    found.check(bool(region), f"region {region}", "no region is named", "export AWS_REGION=… AWS_DEFAULT_REGION=…")
    try:
        found.ok(f"account {aws('sts', 'get-caller-identity')['Account']}")
        quota = aws("lambda", "get-account-settings")["AccountLimit"]["ConcurrentExecutions"]
    except (AwsError, KeyError) as error:
        found.bad(f"AWS does not say who we are or what we may: {error}", "aws configure sso, then export AWS_PROFILE=…")
        return False
    ask = f"aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value {USUAL_QUOTA}"
    if stage.parameters["ReserveConcurrency"] == "on" and quota < 103:
        found.bad(f"ReserveConcurrency=on, and the account has {quota} copies of functions", "ReserveConcurrency=off, or: " + ask)
    elif quota >= USUAL_QUOTA:
        found.ok(f"{quota} copies of functions at once")
    elif stage.name == "prod":
        found.bad(f"the account has {quota} copies of functions at once: too few for customers", ask)
    else:
        found.note(f"the account has {quota} copies of functions at once: enough to try. For customers: {ask}")
    return True


def is_here(value):
    """Whether it is an address of this machine, which may do without TLS, as for the functions themselves."""
    return value.startswith("http://127.0.0.1:")


def parameters(found, stage):
    """What samconfig.toml says, held against what the template and its rules want."""
    for name in stage.lacking():
        found.bad(f"{name} is not set", f"samconfig.toml, [{stage.name}.deploy.parameters]: {stage.template[name]['Description']}")
    for name in sorted(set(stage.chosen) - set(stage.template)):
        found.bad(f"{name} is no parameter of template.yaml", "samconfig.toml: take it out, or correct its name")
    for name, value in stage.chosen.items():
        rules = stage.template.get(name, {})
        if "AllowedValues" in rules and value not in map(str, rules["AllowedValues"]):
            found.bad(f"{name} is {value}", f"one of {', '.join(map(str, rules['AllowedValues']))}")
        elif "AllowedPattern" in rules and not is_here(value) and not re.fullmatch(rules["AllowedPattern"], value):
            found.bad(f"{name} is {value!r}", rules["Description"])
        elif len(value) > rules.get("MaxLength", len(value)):
            found.bad(f"{name} has {len(value)} letters", f"at most {rules['MaxLength']}")
    if stage.name == "prod":
        heard = stage.parameters["AlarmEmail"]
        found.check(heard, f"alarms go to {heard}", "nobody hears the alarms", 'set AlarmEmail, to an address or to "elsewhere"')
        is_real = "demo" not in stage.parameters["MokkaBaseUrl"]
        found.check(is_real, "Mokka is not its demo", "prod would sell through Mokka's demo", "set MokkaBaseUrl")
        if stage.parameters["AllowedSourceRanges"] == stage.template["AllowedSourceRanges"]["Default"]:
            found.note("AllowedSourceRanges lets everyone in: strangers without a key can use up what a method lets through")
    if not stage.lacking():
        found.ok("samconfig.toml sets what the template asks for")


def stack(found, stage):
    """The stack's outputs; none if it is not deployed, or what a failed first deployment has left."""
    try:
        (it,) = aws("cloudformation", "describe-stacks", "--stack-name", stage.stack)["Stacks"]
    except AwsError as error:
        if "does not exist" in str(error):
            found.note(f"{stage.stack} is not deployed yet: sam build --config-env {stage.name} && sam deploy --config-env {stage.name}")
        else:
            found.bad(f"the stack cannot be looked at: {error}", "who deploys needs cloudformation:DescribeStacks")
        return None
    status = it["StackStatus"]
    found.check(
        status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), f"{stage.stack} is deployed", f"{stage.stack} is {status}",
        "infra/docs/OPERATIONS.md, A deployment was rolled back; after a first one that failed: sam delete, then deploy again",
    )
    deployed = {each["ParameterKey"]: each["ParameterValue"] for each in it.get("Parameters", [])}
    if changed := [name for name, value in stage.chosen.items() if deployed.get(name, value) != value]:
        found.note(f"samconfig.toml has changed since: {', '.join(changed)}")
    return {each["OutputKey"]: each["OutputValue"] for each in it.get("Outputs", [])} or None


def watching(found, stage, outputs):
    """Alarms that are on, who hears them, and whether prod's tables are protected. What may not be looked at does not hide the rest."""
    tables = ("order-holds", "otp-tokens", "forms") if stage.name == "prod" else ()
    for what, look in (
        ("the alarms", lambda: alarms(found, stage)),
        ("who hears the alarms", lambda: listeners(found, stage, outputs)),
        *((table, functools.partial(protection, found, stage, table)) for table in tables),
    ):
        try:
            look()
        except AwsError as error:
            found.bad(f"{what} cannot be looked at: {error}", "who looks needs to read CloudWatch, SNS and DynamoDB (ReadOnlyAccess)")


def alarms(found, stage):
    """Alarms of this stage that are on."""
    on = [each["AlarmName"] for each in aws("cloudwatch", "describe-alarms", "--state-value", "ALARM")["MetricAlarms"]]
    ours = [name for name in on if name.startswith(stage.stack)]
    found.check(not ours, "no alarm is on", f"alarms are on: {', '.join(ours)}", "infra/docs/OPERATIONS.md has a section for each")


def listeners(found, stage, outputs):
    """Who hears the alarms."""
    subscribers = aws("sns", "list-subscriptions-by-topic", "--topic-arn", outputs["AlarmTopicArn"])["Subscriptions"]
    hear = [each for each in subscribers if each["SubscriptionArn"].startswith("arn:")]
    if hear:
        found.ok(f"{len(hear)} hear the alarms")
    else:
        say = found.bad if stage.name == "prod" else lambda text, remedy: found.note(f"{text}: {remedy}")
        say("nobody hears the alarms", "set AlarmEmail, or subscribe to the alarm topic; each confirms by e-mail")


def protection(found, stage, table):
    """Whether nobody can delete a table."""
    protected = aws("dynamodb", "describe-table", "--table-name", f"{table}-{stage.name}")["Table"].get("DeletionProtectionEnabled")
    found.check(protected, f"{table} cannot be deleted", f"{table} can be deleted", "set DeletionProtection=on and deploy again")


def secrets(found, stage):
    """The secrets by name; their values, or nothing if they cannot be read."""
    try:
        values = stage.secrets.read()
    except AwsError as error:
        found.bad(f"{stage.secrets.name} cannot be read: {error}", "who looks needs secretsmanager:GetSecretValue")
        return {}
    there = {name for name, value in values.items() if value.strip()}
    fill = f"infra/tools/secrets {stage.name} set"
    wanted = {name: "is needed" for name in stage.secrets.needed}
    wanted |= {name: "is needed, because payments.toml has its gateway" for name in stage.secrets.gateways}
    for parameter, names in (
        ("ImshopPaymentStatus", ["IMSHOP_PAYMENT_STATUS_URL"]),
        ("ImshopOrderStatus", ["IMSHOP_ORDER_STATUS_URL"]),
        ("ShopEvents", ["SHOP_EVENTS_URL", "SHOP_EVENTS_SECRET"]),
        ("SmsproReports", ["SMSPRO_REPORT_SECRET"]),
        ("SmsproPull", ["SMSPRO_LOGIN", "SMSPRO_PASSWORD"]),
    ):
        if stage.parameters[parameter] == "on":
            wanted |= {name: f"is needed, because {parameter} is on" for name in names}
    if stage.parameters["MokkaLimitStoreId"]:
        wanted["MOKKA_LIMIT_SECRET"] = "is needed, because MokkaLimitStoreId is set"
    missing = [name for name in wanted if name not in there]
    for name in missing:
        remedy = f"infra/tools/secrets {stage.name} add-person NAME refund" if name == "BACK_OFFICE_KEYS" else f"{fill} {name}"
        found.bad(f"{name} {wanted[name]}", remedy)
    for name in sorted(there - set(stage.secrets.known)):
        if stage.secrets.may_have(name):
            found.note(f"{name} is there, and payments.toml has no such gateway")
        else:
            found.bad(f"{name} is no secret that anything reads", "correct its name, or take it out")
    for name in sorted(filter(stage.secrets.is_changing, there)):
        rotate = f"infra/tools/secrets {stage.name} rotate"
        if name == "INTERNAL_SECRET_PREVIOUS":
            found.note(f"{name} is there: a person's older forms are found by it; when the oldest form's retention_days are over, "
                       f"{rotate} INTERNAL_SECRET --forms-are-gone")
        else:
            found.note(f"{name} is there: a key is being changed; when the new one is used everywhere, {rotate} {name.removesuffix('_NEXT')} --finish")
    if len(values.get("INTERNAL_SECRET", "x" * 32)) < 32:
        found.bad("INTERNAL_SECRET has fewer than 32 characters", f"infra/tools/secrets {stage.name} rotate INTERNAL_SECRET")
    for entry in persons(values.get("BACK_OFFICE_KEYS", "")):
        if len(entry) != 3 or entry[1].split(":")[0] not in ("read", "operate", "refund") or len(entry[2]) < 24:
            found.bad("BACK_OFFICE_KEYS has an entry that is neither name:role:key nor name:refund:limit:key", "infra/tools/secrets: remove-person, then add-person")
    if not missing:
        found.ok("the secrets that are needed are there")
    return values


def mokka(found, stage, values):
    """A signed question for an order that nobody has."""
    base, order = stage.parameters["MokkaBaseUrl"], stage.parameters["MokkaSignatureOrder"]
    stores = [("MokkaStoreId", "MOKKA_SECRET"), ("MokkaLimitStoreId", "MOKKA_LIMIT_SECRET")]
    for parameter, name in stores:
        store, secret = stage.parameters.get(parameter), values.get(name, "").strip()
        if not store or not secret:
            continue
        body = json.dumps({"order_id": NOBODYS_ORDER}).encode()
        code, said = None, None
        for way in ["body_secret", "secret_body"] if order == "auto" else [order]:
            signed = body + secret.encode() if way == "body_secret" else secret.encode() + body
            query = urllib.parse.urlencode({"store_id": store, "signature": hashlib.sha1(signed).hexdigest()})
            status, said = called(f"{base}/factoring/v1/status?{query}", {"order_id": NOBODYS_ORDER})
            code = said.get("status") if isinstance(said, dict) else None
            if str(code) != "61":
                break
        if code is None:
            found.bad(f"Mokka does not answer at {base}: {status or ''} {said}", "is MokkaBaseUrl right, and is Mokka up?")
        elif str(code) == "61":
            found.bad(f"Mokka calls the signature wrong ({name})", f"compare it with Mokka's cabinet: infra/tools/secrets {stage.name} set {name}")
        elif str(code) in ("50", "51"):
            found.bad(f"Mokka does not know the store {store}", f"compare {parameter} with Mokka's cabinet")
        elif str(code) in ("0", "20", "21", "24"):
            found.ok(f"Mokka takes the signature of store {store}" + (f", in the order {way}: set MokkaSignatureOrder" if way == "secret_body" and order == "auto" else ""))
        else:
            found.bad(f"Mokka answers {code}: {said.get('message')}", "see Mokka's table of codes")


def gateways(found, stage, values):
    """Asks each payment gateway whose account its key opens; while the key changes, one of the two is enough."""
    for gateway, section in stage.gateways.items():
        secret = gateway_secret(gateway)
        base, shop = section.get("baseUrl", YOOKASSA), section.get("shopId")
        asked = {}
        for name in (secret, f"{secret}_NEXT"):
            if key := values.get(name, "").strip():
                basic = base64.b64encode(f"{shop}:{key}".encode()).decode()
                asked[name] = called(f"{base.rstrip('/')}/me", headers={"Authorization": f"Basic {basic}"})
        opened = {name: said for name, (status, said) in asked.items() if status == 200 and isinstance(said, dict)}
        refused = [name for name, (status, _) in asked.items() if status in (401, 403)]
        silent = [status or said for status, said in asked.values() if status not in (200, 401, 403)]
        if not asked:
            continue
        if silent:
            found.bad(f"the gateway {gateway} does not answer at {base}: {silent[0]}", "is baseUrl right, and is it up?")
        elif not opened:
            found.bad(f"the gateway {gateway} does not take {' or '.join(refused)} for the shop {shop}",
                      f"compare shop and key with the provider's cabinet: infra/tools/secrets {stage.name} set {secret}")
        for name, said in opened.items():
            if said.get("account_id") == shop:
                found.ok(f"{name} opens the shop {shop}" + (", a test shop: it takes no money" if said.get("test") else ""))
            else:
                found.bad(f"{name} opens the shop {said.get('account_id')}, not {shop}", f"payments.toml, shopId of the gateway {gateway}")
        for name in refused if opened else ():
            found.note(f"the gateway {gateway} does not take {name} now: calls go on with the other key")


def lost_gateways(found, stage, outputs, values):
    """Whether live payments need a gateway that payments.toml does not have any more: the running stage is asked, with one of its keys."""
    key = next((key for _, _, key in persons(values.get("BACK_OFFICE_KEYS", ""))), None)
    if key is None:
        return
    lost, problem = {}, None
    for state in LIVE:
        asked = {"state": state, "limit": 100}
        for _ in range(PAGES):
            address = f"{outputs['BaseUrl']}/v1/back-office/payments?{urllib.parse.urlencode(asked)}"
            status, said = called(address, headers={"Authorization": f"Bearer {key}"})
            if status != 200 or not isinstance(said, dict):
                problem = f"{status or ''} {said}".strip()
                break
            for payment in said["payments"]:
                if payment["provider"] != "mokka" and payment["provider"] not in stage.gateways:
                    lost.setdefault(payment["provider"], []).append(payment["payment_id"])
            if not (cursor := said.get("cursor")):
                break
            asked["cursor"] = cursor
    for gateway, payments in sorted(lost.items()):
        found.bad(f"payments.toml has no gateway {gateway} any more, and live payments need it, {len(payments)}: {', '.join(payments[:3])}",
                  f"put [gateways.{gateway}] back until they have ended; take its ways to pay out of the list instead")
    if problem:
        found.note(f"whether live payments need a gateway that payments.toml does not have is not known: the back office answers {problem}")
    elif not lost:
        found.ok("every live payment has its gateway in payments.toml")


def smspro(found, stage, values):
    """A check of a code that nobody was sent."""
    key = values.get("SMSPRO_KEY", "").strip()
    if not key:
        return
    base = stage.parameters["SmsproBaseUrl"]
    status, said = called(f"{base}/api/otp/verify", {"code": "0000", "token": NOBODYS_ORDER}, {"X-API-Key": key})
    code = str(said.get("status")) if isinstance(said, dict) else None
    if code is None:
        found.bad(f"SMSPRO does not answer at {base}: {status or ''} {said}", "is SmsproBaseUrl right, and is SMSPRO up?")
    elif code == "2":
        found.bad("SMSPRO does not take the key", f"compare it with the cabinet: infra/tools/secrets {stage.name} set SMSPRO_KEY")
    elif code == "3":
        found.note("SMSPRO takes calls from listed addresses only, and not from this machine: the functions' must be allowed in its cabinet")
    else:
        found.ok("SMSPRO takes the key")


def certificate(found, what, url):
    """Whether an address answers, and how long its certificate is good."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https":
        try:
            with socket.create_connection((parts.hostname, parts.port or 443), timeout=10) as plain:
                with trusted().wrap_socket(plain, server_hostname=parts.hostname) as secure:
                    ends = ssl.cert_time_to_seconds(secure.getpeercert()["notAfter"])
        except OSError as error:
            found.bad(f"{what}: {parts.hostname} gives no connection that can be trusted: {error}",
                      "its certificate must be good for this name, with all that leads to its root, and the address reachable from everywhere")
            return
        days = int((ends - datetime.datetime.now(datetime.timezone.utc).timestamp()) // 86400)
        if days < CERTIFICATE_DAYS:
            found.bad(f"{what}: the certificate of {parts.hostname} ends in {days} days", "renew it; without it every call fails")
            return
    status, said = called(url, method="OPTIONS")
    if status is None or status >= 500:
        found.bad(f"{what}: no usable answer ({status or said})", "is it up, and the address right?")
    else:
        found.ok(f"{what} answers")


def outside(found, stage, outputs, values):
    """IMSHOP's key from where IMSHOP stands."""
    key, url = values.get("IMSHOP_KEY", "").strip(), f"{outputs['BaseUrl']}/v1/payments"
    if not key:
        return
    status, said = called(url, {"items": []}, {"Authorization": f"Bearer {key}"})
    logs = f"sam logs --stack-name {stage.stack} --name PaymentsFunction"
    if status == 200:
        found.ok("IMSHOP's key opens the list of ways to pay")
    elif status == 401:
        found.bad("the API does not take IMSHOP_KEY", "it was changed less than five minutes ago, or the function could not read it: " + logs)
    elif status == 403 and stage.parameters["AllowedSourceRanges"] != stage.template["AllowedSourceRanges"]["Default"]:
        # As it should be; whether the key is right, only they can see.
        found.note("the API refuses this address: AllowedSourceRanges lets only its addresses in, try from one of them")
        return
    elif status == 403:
        found.bad("the API refuses this address", "AllowedSourceRanges lets everyone in, so it is not what is deployed: deploy again")
    else:
        found.bad(f"the list of ways to pay answers {status or ''} {said}", "its log says why: " + logs)
    status, _ = called(url, {"items": []}, {"Authorization": "Bearer doctor"})
    found.check(status in (401, 403), "another key does not", f"another key is answered {status}", "a fault of ours: take the API down")


def main():
    if len(sys.argv) != 2:
        sys.exit("infra/tools/doctor STAGE")
    stage, found = Stage(sys.argv[1]), Findings()
    tools(found)
    parameters(found, stage)
    authorities(found)
    certificate(found, "the shop's orders", stage.parameters.get("ShopOrdersUrl", ""))
    if stage.parameters.get("ShopFormsUrl"):
        certificate(found, "the shop's forms", stage.parameters["ShopFormsUrl"])
    outputs = stack(found, stage) if account(found, stage) else None
    if outputs is not None:
        watching(found, stage, outputs)
        values = secrets(found, stage)
        mokka(found, stage, values)
        gateways(found, stage, values)
        lost_gateways(found, stage, outputs, values)
        smspro(found, stage, values)
        for name in ("IMSHOP_PAYMENT_STATUS_URL", "IMSHOP_ORDER_STATUS_URL", "SHOP_EVENTS_URL"):
            if values.get(name):
                certificate(found, name, values[name])
        outside(found, stage, outputs, values)
    print(f"{found.wrong} to put right" if found.wrong else "all is well")
    sys.exit(1 if found.wrong else 0)


main()
