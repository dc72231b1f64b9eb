"""The main job through the deployed API, changed settings, and what stays when the stack goes. Started by infra/e2e/run."""

import base64
import json
import os
import pathlib
import platform
import re
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
import gaps
import promises
from cloud import STACK, STAGE, Cloud, clean_environment
from front import Front, certificate
from package import FUNCTION, Package
from running import ROOT, build, build_functions, end_on_signals, fail, ready, sandbox, sandbox_settings

WORK = ROOT / "target/e2e"
SECRETS = f"imshop-webhooks/{STAGE}"
IMSHOP, CASHIER = "imshop-demo-key", "back-office-demo-cashier-key"
# How long the stream, the schedule and what it starts, or a changed key may take, beside other work on the same machine.
STREAM_SECONDS, SCHEDULE_SECONDS, KEY_SECONDS = 120, 300, 120
ITEMS = [{"configurationId": "kettle-1", "name": "Чайник", "quantity": 1, "price": 4990}]
FORM = {"formName": "callback", "installId": "install-1", "data": {"name": "Айгуль", "phone": "+996 770 00 11 22"}}


def ok(text):
    """A step that did what it should."""
    print(f"ok     {text}", flush=True)


def expect(step, right, answer):
    """Ends everything if a step did something else."""
    if not right:
        fail(f"{step}: unexpected answer {json.dumps(answer, ensure_ascii=False, default=str)}")
    ok(step)


class Callers:
    """Who calls: IMSHOP and the shop through the API's address, and this test at the stand-ins'."""

    def __init__(self, api, providers, trusted):
        self.api = api
        self.providers = providers
        self.context = ssl.create_default_context(cafile=trusted)

    def _send(self, url, body, headers):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"} | headers)
        try:
            context = self.context if url.startswith("https") else None
            with urllib.request.urlopen(request, timeout=60, context=context) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            text = error.read()
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return {"text": text.decode(errors="replace")}

    def imshop(self, path, body, key=IMSHOP):
        """What IMSHOP is answered."""
        return self._send(self.api + path, body, {"Authorization": f"Bearer {key}"})

    def cashier(self, path, body, idempotency_key):
        """What the shop's cashier is answered."""
        headers = {"Authorization": f"Bearer {CASHIER}", "Idempotency-Key": idempotency_key}
        return self._send(self.api + path, body, headers)

    def smspro(self, secret, transaction):
        """What SMSPRO is answered to a report that an SMS was delivered."""
        dr = f"<dr><id>{transaction}</id><phone><number>996770001122</number><report>3</report></phone></dr>"
        body = f'<report xmlns="http://Giper.mobi/schema/DeliveryReport">{dr}</report>'.encode()
        request = urllib.request.Request(f"{self.api}/v1/sms/reports/{secret}", body, {"Content-Type": "text/xml"})
        with urllib.request.urlopen(request, timeout=60, context=self.context) as answer:
            return answer.status

    def control(self, path, body=None):
        """What the stand-ins are told or have seen."""
        return self._send(f"{self.providers}/control/{path}", body, {})

    def told(self, payment, field, value, seconds):
        """Waits until IMSHOP's last word on a payment is this."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            words = [each["body"] for each in self.control("imshop") if each["body"].get("paymentId") == payment]
            if words and words[-1].get(field) == value:
                return True
            time.sleep(0.5)
        return False


def parameters(front, api):
    """The deployment's parameters: the outside systems are the stand-ins."""
    return {
        "Stage": STAGE,
        "Architecture": {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64"),
        "SecretsName": SECRETS,
        "PublicBaseUrl": api,
        "ShopName": "Shop",
        "ShopOrdersUrl": f"{front}/shop/orders",
        "ShopFormsUrl": f"{front}/shop/forms",
        "PriceFeedUrl": f"{front}/shop/feed.yml",
        "MokkaBaseUrl": f"{front}/mokka",
        "MokkaStoreId": "72",
        "SmsproBaseUrl": f"{front}/smspro",
        "SmsproReports": "on",
        "SmsproPull": "on",
        "ImshopPaymentStatus": "on",
        "ImshopOrderStatus": "on",
        "AlarmEmail": "ops@shop.example",
        # There is no CodeDeploy here (gaps.py).
        "GradualDeployment": "false",
    }


def secrets(package, front):
    """The document's keys, as its description names them, with the values that the stand-ins know."""
    known = sandbox_settings()
    document = next(iter(package.of_type("AWS::SecretsManager::Secret").values()))
    names = re.findall(r"[A-Z]+(?:_[A-Z]+)+", document["Properties"]["Description"])
    found = {name: known[name] for name in names if name in known}
    for name, value in found.items():
        if value.startswith("http://"):
            found[name] = front + urllib.parse.urlsplit(value).path
    return found


def pay(callers, number):
    """An order up to Mokka's form; the id of its payment."""
    uuid, id_ = f"order-{number}", f"{1000 + number}"
    customer = {"uuid": uuid, "name": "Айгуль", "phone": "+7 (888) 000-11-22", "email": "aigul@shop.example"}
    order = {"installId": "install-1", "orders": [customer | {"deliveryPrice": 250, "items": ITEMS}]}
    answer = callers.imshop("/v1/orders", order)
    expect("orders: the order is relayed and recorded", answer.get("orders", [{}])[0].get("id") == id_, answer)
    create = {"command": "create", "paymentMethodId": "mokka", "orderUuid": uuid, "orderId": id_}
    answer = callers.imshop("/v1/acquiring", create)
    expect("acquiring: the payment is created", answer.get("paymentId") == f"{id_}-1", answer)
    return answer["paymentId"]


def titles(callers):
    """The titles in the list of ways to pay."""
    answer = callers.imshop("/v1/payments", {"items": ITEMS})
    offers = answer.get("payments") or []
    widget = any(offer["id"] == "mokka" and offer.get("widget") for offer in offers)
    expect("payments: the list has Mokka with its plan", widget, answer)
    return [offer["title"] for offer in offers]


def capture(callers, payment):
    """What the app is told of a payment."""
    return callers.imshop("/v1/acquiring", {"command": "capture", "paymentMethodId": "mokka", "paymentId": payment})


def filled_in(cloud, values, callers):
    """The document is created empty, and nothing starts on it; filled in, everything does."""
    manager = cloud.client("secretsmanager")
    held = manager.get_secret_value(SecretId=SECRETS)["SecretString"]
    expect("the document of secrets is created empty", held == "{}", held)
    answer = callers.imshop("/v1/payments", {"items": ITEMS})
    expect("payments: does not start without its keys", "payments" not in answer, answer)
    text = cloud.process.output() + cloud.log(f"/aws/lambda/{cloud.physical('AWS::Lambda::Function')['PaymentsFunction']}")
    expect("payments: names the missing key", "IMSHOP_KEY: must be set and not empty" in text, answer)
    manager.put_secret_value(SecretId=SECRETS, SecretString=json.dumps(values))
    titles(callers)


def rotated(cloud, values, callers):
    """A key is replaced without a deployment; while both are valid nobody is refused."""
    answer = callers.imshop("/v1/payments", {"items": ITEMS}, key="second-key")
    expect("payments: the next key is not valid yet", answer.get("payments") == [], answer)
    values["IMSHOP_KEY_NEXT"] = "second-key"
    cloud.client("secretsmanager").put_secret_value(SecretId=SECRETS, SecretString=json.dumps(values))
    until = time.monotonic() + KEY_SECONDS
    while time.monotonic() < until and not callers.imshop("/v1/payments", {"items": ITEMS}, key="second-key").get("payments"):
        time.sleep(1)
    for key in (IMSHOP, "second-key"):
        answer = callers.imshop("/v1/payments", {"items": ITEMS}, key=key)
        expect(f"payments: by now both keys are valid, {key} too", answer.get("payments"), answer)


def hidden(cloud, package, values):
    """No secret is in the template or in a function's environment."""
    functions = cloud.client("lambda")
    physical = cloud.physical("AWS::Lambda::Function")
    seen = {"the template": package.path.read_text(encoding="utf-8")}
    for name, each in physical.items():
        seen[name] = json.dumps(functions.get_function_configuration(FunctionName=each)["Environment"])
    for place, text in seen.items():
        if shown := [key for key, value in values.items() if value in text]:
            fail(f"{place} shows {', '.join(shown)}")
    ok("no secret is in the template or in a function's environment")


def main_job(callers):
    """An order is paid, IMSHOP is told, the money is given back."""
    answer = callers.imshop("/v1/payments", {"items": ITEMS}, key="wrong")
    expect("payments: a wrong key gets nothing", answer.get("payments") == [], answer)
    titles(callers)
    payment = pay(callers, 1)
    answer = callers.control(f"mokka/{payment}/decide", {"decision": "approved"})
    expect("mokka-callback: the customer approves, the callback is taken", answer.get("callbacks") == [200], answer)
    answer = capture(callers, payment)
    expect("acquiring: the payment is captured", answer.get("paymentCaptured") is True, answer)
    told = callers.told(payment, "paymentCaptured", True, STREAM_SECONDS)
    expect("payment-events: by the stream IMSHOP is told that it is paid", told, callers.control("imshop"))
    answer = callers.cashier(f"/v1/back-office/payments/{payment}/refunds", {}, "return-1")
    expect("back-office: the money is given back", answer.get("payment", {}).get("state") == "refunded", answer)
    told = callers.told(payment, "paymentCaptured", False, STREAM_SECONDS)
    expect("payment-events: IMSHOP is told that it was given back", told, callers.control("imshop"))


def left_over(callers):
    """Mokka fails when the money is to be taken, so nobody knows whether it was; the schedule finds out and goes on."""
    payment = pay(callers, 2)
    callers.control("faults", {"system": "mokka", "method": "finish", "fault": "http500", "times": 1})
    callers.control(f"mokka/{payment}/decide", {"decision": "approved"})
    told = callers.told(payment, "paymentCaptured", True, SCHEDULE_SECONDS)
    expect("reconcile: by the schedule it is captured, and IMSHOP told", told, callers.control("imshop"))
    finishes = callers.control(f"mokka/{payment}").get("finishes")
    expect("reconcile: the money was taken once", finishes == 1, finishes)


def waiting_form(callers):
    """A form with a photo, while the shop fails: it is taken; the queue delivers it, later."""
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(900)).decode()
    form = {"formName": "callback", "installId": "install-2", "data": {"phone": "+996 555 00 11 22", "picture": png}}
    callers.imshop("/v1/forms/otp", form)
    form["data"]["otpCode"] = callers.control("inbox?phone=996555001122")[-1]["code"]
    callers.control("faults", {"system": "shop", "method": "forms", "fault": "http500", "times": 1})
    answer = callers.imshop("/v1/forms", form)
    expect("form-otp: a form is taken while the shop fails", answer.get("success") is True, answer)
    return png


def delivered(callers, picture):
    """The form that waited is at the shop, with its photo."""
    until = time.monotonic() + SCHEDULE_SECONDS
    while time.monotonic() < until:
        if any(saved["form"]["data"].get("picture") == picture for saved in callers.control("forms")):
            return ok("form-delivery: by the queue the shop has the form that waited, with its photo")
        time.sleep(1)
    fail("form-delivery: the form that waited did not come")


def form(callers, values):
    """A form that needs a code."""

    def export(code):
        return callers.imshop("/v1/forms", FORM | {"data": FORM["data"] | {"otpCode": code}})

    answer = callers.imshop("/v1/forms/otp", FORM)
    expect("form-otp: a code is sent", answer.get("success") is True, answer)
    sent = callers.control("inbox?phone=996770001122")
    answer = export("000")
    expect("form-otp: a wrong code is refused", answer.get("otpFailed") is True, answer)
    answer = export(sent[-1]["code"])
    expect("form-otp: the right one is taken", answer.get("success") is True, answer)
    saved = callers.control("forms")
    expect("form-otp: the shop has the form once", len(saved) == 1, saved)
    status = callers.smspro(values["SMSPRO_REPORT_SECRET"], sent[-1]["transaction_id"])
    expect("sms-reports: the delivery report is taken", status == 200, status)


def rest(cloud, package):
    """What the story did not reach: a function that has not logged yet is called with an event of events/."""
    for name, physical in cloud.physical("AWS::Lambda::Function").items():
        if cloud.log(f"/aws/lambda/{physical}"):
            continue
        binary = package.of_type(FUNCTION)[name]["Metadata"]["BuildProperties"]["Binary"]
        event = next(iter(sorted((ROOT / "events").glob(f"{binary}*.json"))), None)
        if not event:
            fail(f"{name} has no event in events/ and no step of this test")
        done = cloud.client("lambda").invoke(FunctionName=physical, Qualifier="live", Payload=event.read_bytes())
        answer = json.load(done["Payload"])
        right = "FunctionError" not in done and (answer or {}).get("statusCode", 200) < 500
        expect(f"{binary}: starts, and answers {event.name}", right, answer)


def dead_letters(cloud):
    """Nothing was given up."""
    for name, url in cloud.physical("AWS::SQS::Queue").items():
        attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        left = attributes["Attributes"]["ApproximateNumberOfMessages"]
        expect(f"{name} is empty", left == "0", left)


def logged(cloud, values):
    """Every function has written to the log group that it was given, and no secret."""
    for name, group in cloud.physical("AWS::Logs::LogGroup").items():
        text = cloud.log(group)
        if group.startswith("/aws/lambda/") and not text:
            fail(f"{name} ({group}) is empty: was its function not called, or does it log elsewhere?")
        if shown := [key for key, value in values.items() if value in text]:
            fail(f"the log {group} shows {', '.join(shown)}")
    ok("every function has logged, and no secret is in any log")


def deploy(cloud, package, chosen, api):
    """Deploys, and lets the shop's own domain lead to the API."""
    began = time.monotonic()
    cloud.deploy(package, chosen)
    identifier = cloud.physical("AWS::ApiGateway::RestApi")["Api"]
    api.target = f"{cloud.endpoint}/_aws/execute-api/{identifier}/{STAGE}"
    functions = len(package.of_type(FUNCTION))
    ok(f"sam deploy: {len(cloud.resources())} resources, {functions} functions, in {time.monotonic() - began:.0f} s")


def hashes(cloud):
    """The code that each function has."""
    functions = cloud.client("lambda")
    physical = cloud.physical("AWS::Lambda::Function")
    return {name: functions.get_function_configuration(FunctionName=each)["CodeSha256"] for name, each in physical.items()}


def live(cloud):
    """Each function as it is called: the version that its alias leads to, and the level that it logs at."""
    functions = cloud.client("lambda")
    found = {}
    for name, physical in cloud.physical("AWS::Lambda::Function").items():
        called = functions.get_function_configuration(FunctionName=physical, Qualifier="live")
        version = functions.get_alias(FunctionName=physical, Name="live")["FunctionVersion"]
        found[name] = (version, called["Environment"]["Variables"]["LOG_LEVEL"])
    return found


def called_by_alias(cloud):
    """Nothing calls a function but by its alias: no route, no stream, no queue, no schedule."""
    template = cloud.template()["Resources"].values()
    rules = cloud.physical("AWS::Events::Rule").values()
    called = [target["Arn"] for rule in rules for target in cloud.client("events").list_targets_by_rule(Rule=rule)["Targets"]]
    mappings = cloud.physical("AWS::Lambda::EventSourceMapping").values()
    called += [cloud.client("lambda").get_event_source_mapping(UUID=each)["FunctionArn"] for each in mappings]
    other = [arn for arn in called if not arn.endswith(":live")]
    expect(f"{len(called)} streams, queues and schedules call a function by its alias", called and not other, other)
    permitted = [each["Properties"]["FunctionName"] for each in template if each["Type"] == "AWS::Lambda::Permission"]
    other = [each for each in permitted if not each.get("Ref", "").endswith("Aliaslive")]
    expect("and only that is allowed to the API and to the schedules", permitted and not other, other)


def changed_settings(cloud, package, chosen, api, callers):
    """A changed payments.toml and a changed parameter are in force after a deployment, without a rebuild."""
    title = "Оплата курьеру"
    expect("the list does not have the new title yet", title not in titles(callers), title)
    before, live_before = hashes(cloud), live(cloud)
    package.rename_first_method(title)
    deploy(cloud, package, chosen | {"LogLevel": "debug"}, api)
    expect("no function was built anew", hashes(cloud) == before, before)
    expect("payments: the list has the new title", title in titles(callers), title)
    old = [name for name, (version, level) in live(cloud).items() if version == live_before[name][0] or level != "debug"]
    expect("every function is live in a new version, with the changed parameter", not old, old)


def deleted(cloud, package, values):
    """What the stack leaves behind: the tables that money depends on, with what is in them, and the secrets."""
    dynamodb = cloud.client("dynamodb")
    tables = {name: each["DeletionPolicy"] for name, each in package.of_type("AWS::DynamoDB::Table").items()}
    physical = cloud.physical("AWS::DynamoDB::Table")
    before = {name: dynamodb.scan(TableName=physical[name])["Count"] for name in tables}
    cloud.sam("delete", "--stack-name", STACK, "--no-prompts", "--region", cloud.region)
    left = dynamodb.list_tables()["TableNames"]
    for name, policy in tables.items():
        stays = policy != "Delete"
        expect(f"{name}: {'stays' if stays else 'goes'}", (physical[name] in left) == stays, left)
        if stays:
            after = dynamodb.scan(TableName=physical[name])["Count"]
            expect(f"{name}: has its {before[name]} items", after == before[name] > 0, after)
    held = json.loads(cloud.client("secretsmanager").get_secret_value(SecretId=SECRETS)["SecretString"])
    expect("StageSecrets: stays, with its keys", held == values, sorted(held))
    functions = cloud.client("lambda").list_functions()["Functions"]
    expect("no function is left", functions == [], functions)


def removed(cloud, bucket):
    """The documented commands take away for good what the stack has left behind."""
    commands = re.search(r"<!-- remove:begin -->\n```sh\n(.*?)```", (ROOT / "infra/docs/DEPLOY.md").read_text(encoding="utf-8"), re.S)[1]
    environment = clean_environment() | {
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "BUCKET": bucket,
        "PATH": f"{ROOT}/.venv/aws/bin:{os.environ['PATH']}",
        "STAGE": STAGE,
    }
    done = subprocess.run(["bash", "-euc", commands], env=environment, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        fail(f"the commands that remove everything ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    left = cloud.client("dynamodb").list_tables()["TableNames"]
    expect("removed: no table is left", left == [], left)
    buckets = [each["Name"] for each in cloud.client("s3").list_buckets()["Buckets"]]
    expect("removed: the photos are gone", bucket not in buckets, buckets)
    versions = cloud.client("lambda").list_layer_versions(LayerName=f"imshop-webhooks-config-{STAGE}")["LayerVersions"]
    expect("removed: no settings are left", versions == [], versions)
    deleted_at = cloud.client("secretsmanager").describe_secret(SecretId=SECRETS).get("DeletedDate")
    expect("removed: the secrets are going", deleted_at is not None, deleted_at)


def story(cloud, package, chosen, values, callers, api):
    """What happens in the deployed stack's life."""
    deploy(cloud, package, chosen, api)
    ok(f"{promises.check(cloud, chosen)} properties of the resources are as the template says")
    for (kind, name), reason in gaps.NOT_KEPT.items():
        print(f"gap    {kind}: {name} {reason} by the emulator", flush=True)
    called_by_alias(cloud)
    filled_in(cloud, values, callers)
    hidden(cloud, package, values)
    main_job(callers)
    form(callers, values)
    picture = waiting_form(callers)
    left_over(callers)
    delivered(callers, picture)
    rest(cloud, package)
    rotated(cloud, values, callers)
    changed_settings(cloud, package, chosen, api, callers)
    dead_letters(cloud)
    logged(cloud, values)
    bucket = cloud.physical("AWS::S3::Bucket")["FormPhotosBucket"]
    deleted(cloud, package, values)
    removed(cloud, bucket)


def play(programs):
    """Everything, with these programs; ends what it started, whatever happens."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    trusted = certificate(WORK)
    arguments = ("--providers-only", "--dynamodb-port", "0", "--providers-port", "0")
    with (
        sandbox(*arguments, logs=WORK, environment={"SSL_CERT_FILE": str(trusted)}) as process,
        Cloud(WORK, trusted) as cloud,
    ):
        providers = ready(process)["providers"]
        front, api = Front(trusted, providers), Front(trusted)
        chosen = parameters(front.url, api.url)
        package = Package(WORK, chosen, programs)
        try:
            story(cloud, package, chosen, secrets(package, front.url), Callers(api.url, providers, trusted), api)
        except BaseException:
            cloud.keep_logs()
            raise


def main():
    end_on_signals()
    programs = build_functions()
    # The stand-ins.
    build("-p", "sandbox")
    began = time.monotonic()
    try:
        play(programs)
    except BaseException:
        print(f"FAILED after {time.monotonic() - began:.0f} s; the logs are in {WORK.relative_to(ROOT)}", file=sys.stderr)
        for log in sorted(WORK.glob("*.log")):
            lines = [line for line in log.read_text(errors="replace").splitlines() if '"ERROR"' in line or " ERROR " in line]
            if lines:
                print(f"{log.name}:", *lines[-5:], sep="\n    ", file=sys.stderr)
        raise
    shutil.rmtree(WORK)
    print(f"done in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
