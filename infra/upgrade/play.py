"""Two releases of the functions on one data set. Started by infra/upgrade/run.

Three programs run: the stand-ins for the outside systems, and a sandbox of each release. One of the two is the host, whose folder
holds the tables, the queue and the photos and whose workers are given the stream and the queue; the other is a guest there. Every
call of a payment's or a form's life goes to one of the two at random, or to both at once, while calls to Mokka, SMSPRO and the
shop fail now and then. In between the two change places: the present release is deployed, rolled back, deployed again.

At the end nothing may be lost: of every payment our books, read by both releases, say what Mokka's say and what IMSHOP was
told; every form that a customer was thanked for is at the shop once.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from running import ROOT, Process, build, end_on_signals, fail, ready

WORK = ROOT / "target/upgrade"
RELEASES = ROOT / "infra/upgrade/releases"
IMSHOP, OPERATOR, CASHIER = "imshop-demo-key", "back-office-demo-operator-key", "back-office-demo-cashier-key"
ITEMS = [{"id": "i-1", "configurationId": "kettle-1", "name": "Чайник", "quantity": 2}]
CHANGED = {"amount": "2000.00", "cart": [{"name": "Чайник", "price": "1000.00", "quantity": 2}]}
# How many lives of payments and of forms are played under each policy, and how many steps at once.
PAYMENTS, FORMS, AT_ONCE = 40, 16, 4
# Steps after which the two releases change places.
ROUNDS_OF_A_PHASE = 3
# The present test kit, and those of our crates that it is made of.
KIT = ["infra/testkit", "infra/emulators", "infra/standins", "shared"]
# Fields of a payment that the last kept release does not show. Emptied when a release is kept.
NEWER = {"events", "explain", "hold_until", "lost", "refusals", "untold"}
FAULTS = [
    ("mokka", "checkout", "http500"), ("mokka", "checkout", "answer_lost"), ("mokka", "status", "http500"),
    ("mokka", "finish", "http500"), ("mokka", "finish", "answer_lost"), ("mokka", "cancel", "answer_lost"),
    ("mokka", "change", "http500"), ("mokka", "return", "answer_lost"), ("mokka", "return", "refused"),
    ("imshop", "payment_status", "http500"), ("imshop", "order_status", "http500"),
    ("smspro", "send", "http500"), ("shop", "forms", "http500"), ("shop", "forms", "answer_lost"),
]


def request(url, body=None, key=None, method=None, headers=None):
    """Status of an answer, and its JSON if it is that."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"} | (headers or {}) | ({"authorization": f"Bearer {key}"} if key else {})
    wish = urllib.request.Request(url, data, headers, method=method or ("GET" if data is None else "POST"))
    try:
        with urllib.request.urlopen(wish, timeout=60) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    with contextlib.suppress(ValueError):
        return status, json.loads(text)
    return status, None


def asked(url, body=None):
    """The answer of a control API, which never fails."""
    status, answer = request(url, body)
    if status != 200:
        fail(f"{url}: {status} {answer}")
    return answer


class Place:
    """A release's sandbox: where it serves, and as what."""

    def __init__(self, release, process, providers=None):
        self.release = release
        self.process = process
        self.ready = ready(process)
        self.providers = providers

    def __getitem__(self, name):
        return self.ready[name]


class House:
    """Both releases on one data set, and the outside systems."""

    def __init__(self, binaries, policy, dice):
        self.binaries, self.policy, self.dice = binaries, policy, dice
        self.folder = WORK / "data"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.ahead = 0
        self.places = contextlib.ExitStack()
        self.phase = 0
        self.taken = collections.Counter()
        self.lock = threading.Lock()

    def __enter__(self):
        self.outside = contextlib.ExitStack()
        arguments = ["--providers-only", "--dynamodb-port", "0", "--providers-port", "0"]
        process = self.outside.enter_context(self.started("new", "outside", arguments))
        self.providers = ready(process)["providers"]
        return self

    def __exit__(self, *_):
        self.places.close()
        self.outside.close()

    def started(self, release, name, arguments):
        environment = os.environ | {"RUST_BACKTRACE": "0"}
        return Process(f"{name}-{release}", [str(self.binaries[release]), *arguments], WORK, cwd=WORK, env=environment)

    def settle(self, host):
        """Lets this release be the host, and the other its guest: a deployment, or a roll-back."""
        self.places.close()
        self.phase += 1
        shared = ["--gateway-port", "0", "--dynamodb-port", "0", "--providers-port", "0", "--providers-url", self.providers]
        shared += ["--ahead", str(self.ahead), "--set", f"MOKKA_FINISH={self.policy}"]
        data = ["--data", str(self.folder)]
        here = Place(host, self.places.enter_context(self.started(host, f"host-{self.phase}", shared + data)))
        there = {
            "DYNAMODB_ENDPOINT": here["dynamodb"],
            "S3_ENDPOINT": here["s3"],
            "SQS_ENDPOINT": here["sqs"],
            "FORMS_QUEUE_URL": f"{here['sqs']}/123456789012/FormsQueue",
            "ORDERS_QUEUE_URL": f"{here['sqs']}/123456789012/OrdersQueue",
        }
        settings = [part for name, value in there.items() for part in ("--set", f"{name}={value}")]
        other = "old" if host == "new" else "new"
        guest = Place(other, self.places.enter_context(self.started(other, f"guest-{self.phase}", shared + settings)))
        self.host, self.guest = here, guest

    def place(self):
        """One of the two."""
        with self.lock:
            place = self.dice.choice([self.host, self.guest])
            self.taken[place.release] += 1
            return place

    def chance(self, share):
        with self.lock:
            return self.dice.random() < share

    def choose(self, choices):
        with self.lock:
            return self.dice.choice(choices)

    def call(self, path, body=None, key=IMSHOP, **more):
        """A call of whoever; now and then at both releases at once, of which one answer counts."""
        if body is None or not self.chance(0.2):
            return request(self.place()["gateway"] + path, body, key, **more)
        with concurrent.futures.ThreadPoolExecutor(2) as both:
            calls = [both.submit(request, place["gateway"] + path, body, key, **more) for place in (self.host, self.guest)]
            answers = [call.result() for call in calls]
        return self.choose(answers)

    def control(self, path, body=None):
        return asked(f"{self.providers}/control/{path}", body)

    def mokka(self, payment):
        status, order = request(f"{self.providers}/control/mokka/{payment}")
        return order if status == 200 else None

    def fail_sometimes(self):
        system, method, fault = self.choose(FAULTS)
        self.control("faults", {"system": system, "method": method, "fault": fault, "times": 1})

    def no_more_faults(self):
        wish = urllib.request.Request(f"{self.providers}/control/faults", method="DELETE")
        urllib.request.urlopen(wish, timeout=60).close()

    def pass_time(self, seconds):
        """Lets time go by for everybody; what is on its way is done first."""
        self.ahead += seconds
        for base in (self.host["control"], self.guest["control"], self.providers):
            asked(f"{base}/control/clock", {"advance_s": seconds})

    def tick(self):
        """The schedule's next minute, in both releases at once."""
        with concurrent.futures.ThreadPoolExecutor(2) as both:
            ticks = [both.submit(asked, f"{place['control']}/control/tick", {}) for place in (self.host, self.guest)]
            for tick in ticks:
                report = tick.result()
                if report["failed"]:
                    fail(f"reconcile could not look at {report['failed']} payments: {report}")

    def payments(self, query):
        status, answer = request(f"{self.place()['gateway']}/v1/back-office/payments?{query}", key=OPERATOR)
        if status != 200:
            fail(f"the list of payments: {status} {answer}")
        return answer["payments"]


def paid(house, number):
    """The life of an order's payment, a step at a time."""
    uuid = f"{house.policy}-{number}"
    order = {"uuid": uuid, "name": "Айгуль", "phone": "+7 (888) 000-11-22", "deliveryPrice": 250, "items": ITEMS}
    _, answer = request(house.place()["gateway"] + "/v1/orders", {"installId": f"install-{number}", "orders": [order]}, IMSHOP)
    order_id = answer["orders"][0]["id"]
    yield
    for _ in range(3):
        create = {"command": "create", "paymentMethodId": "mokka", "orderUuid": uuid, "orderId": order_id}
        status, answer = house.call("/v1/acquiring", create)
        yield
        payment = (answer or {}).get("paymentId")
        if payment:
            break
    else:
        return
    if house.chance(0.1):
        return  # The customer goes away; the attempt runs out.
    house.control(f"mokka/{payment}/decide", {"decision": "declined" if house.chance(0.1) else "approved", "callback": False})
    yield
    # Who notices: Mokka's callback, the customer's browser, IMSHOP, the schedule; or several of them.
    capture = {"command": "capture", "paymentMethodId": "mokka", "paymentId": payment}
    for _ in range(house.choose([0, 1, 2])):
        match house.choose(["callback", "return", "capture"]):
            case "callback":
                path = urllib.parse.urlsplit(house.mokka(payment)["callback_url"]).path
                house.call(path, {"order_id": payment, "decision": "approved"}, key=None)
            case "return":
                house.call(urllib.parse.urlsplit(house.mokka(payment)["redirect_url"]).path, key=None)
            case "capture":
                house.call("/v1/acquiring", capture)
        yield
    office = f"/v1/back-office/payments/{payment}"
    if house.policy == "on_shipment":
        act = house.choose(["finish", "finish", "finish", "cancel", "change"])
        house.call(f"{office}/{act}", CHANGED if act == "change" else {}, OPERATOR)
        yield
        house.call(f"{office}/finish", {}, OPERATOR)
        yield
    for part in range(house.choose([0, 0, 1, 2])):
        yield
        body = {} if house.chance(0.3) else {"amount": "100.00"}
        house.call(f"{office}/refunds", body, CASHIER, headers={"idempotency-key": f"refund-{part}"})


def thanked(house, number, accepted):
    """The life of a form with a code, a step at a time; `accepted` collects the phones of those who were thanked."""
    phone = f"9965{house.policy == 'on_hold':d}0{number:06}"
    form = {"formName": "callback", "installId": f"form-{phone}", "data": {"name": "Айгуль", "phone": f"+{phone}"}}
    for _ in range(3):
        house.call("/v1/forms/otp", form)
        yield
        sent = house.control(f"inbox?phone={phone}")
        if sent:
            break
    else:
        return
    if house.chance(0.3):
        house.call("/v1/forms", form | {"data": form["data"] | {"otpCode": "000"}})
        yield
    code = house.control(f"inbox?phone={phone}")[-1]["code"]
    for _ in range(house.choose([1, 2])):
        _, answer = house.call("/v1/forms", form | {"data": form["data"] | {"otpCode": code}})
        if (answer or {}).get("success"):
            accepted.add(f"+{phone}")
        yield


def live(house, accepted):
    """All lives side by side, a step of each in every round."""
    lives = [paid(house, number) for number in range(PAYMENTS)] + [thanked(house, number, accepted) for number in range(FORMS)]
    rounds = 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        while lives:
            if rounds % ROUNDS_OF_A_PHASE == 0:
                host = "old" if (rounds // ROUNDS_OF_A_PHASE) % 2 == 0 else "new"
                house.settle(host)
                print(f"       {len(lives)} lives under way, the tables are with the {host} release", flush=True)
                if rounds == ROUNDS_OF_A_PHASE * 2:
                    next_day(house)
            rounds += 1
            for _ in range(4):
                house.fail_sometimes()
            on = list(pool.map(lambda life: next(life, house) is None, lives))
            lives = [life for life, goes_on in zip(lives, on, strict=True) if goes_on]
            house.pass_time(20)
            house.tick()


def next_day(house):
    """Holds that nobody asked about are found; and parts are given back from the next day on."""
    for _ in range(6):
        house.pass_time(300)
        house.tick()
    house.pass_time(24 * 3600)


def come_to_rest(house):
    """Everything that time, the schedule and people still do."""
    house.no_more_faults()
    for look in range(80):
        if look == 30:
            house.settle("new" if house.host.release == "old" else "old")
        house.tick()
        for payment in house.payments("attention=true"):
            answer_for(house, payment["payment_id"])
        house.pass_time(600 if look < 40 else 3600)


def answer_for(house, payment):
    """A person looks into Mokka's cabinet whether a refund was made."""
    status, answer = request(f"{house.place()['gateway']}/v1/back-office/payments/{payment}", key=OPERATOR)
    made = len(house.mokka(payment)["returns"])
    refunds = answer["payment"]["refunds"]
    known = sum(refund["status"] == "made" for refund in refunds)
    for refund in refunds:
        if refund["status"] == "pending":
            path = f"/v1/back-office/payments/{payment}/refunds/{refund['refund']}/outcome"
            request(house.place()["gateway"] + path, {"made": made > known}, CASHIER)


def as_both_know(view):
    """A payment's view without what only the newer of the two releases knows."""
    status, answer = view
    payment = {name: value for name, value in answer.get("payment", {}).items() if name not in NEWER}
    return status, {**answer, "payment": payment}


def check(house, accepted):
    """Our books, as both releases read them, are Mokka's and IMSHOP's."""
    orders = {order["order_id"]: order for order in house.control("mokka")}
    told = {}
    for said in house.control("imshop"):
        if "paymentId" in said["body"]:
            told[said["body"]["paymentId"]] = said["body"]["paymentCaptured"]
    states = collections.Counter()
    for payment, mokka in orders.items():
        views = [request(f"{place['gateway']}/v1/back-office/payments/{payment}", key=OPERATOR) for place in (house.host, house.guest)]
        if as_both_know(views[0]) != as_both_know(views[1]):
            fail(f"{payment}: the releases read it differently:\n{views[0]}\n{views[1]}")
        status, answer = views[0]
        if status != 200:
            fail(f"{payment}: {status} {answer}")
        ours = answer["payment"]
        states[ours["state"]] += 1
        theirs = {"partially_refunded": "finished", "captured": "finished", "held": "hold"}.get(ours["state"], ours["state"])
        refunds = [refund["amount"] for refund in ours["refunds"] if refund["status"] == "made"]
        wrong = {
            "state": (theirs, mokka["status"]),
            "amount": (ours["amount"], mokka["amount"]),
            "finishes": (int(theirs in ("finished", "refunded")), mokka["finishes"]),
            "refunds": (refunds, [one["amount"] for one in mokka["returns"]]),
            "unknown": (ours["unknown"], False),
            "attention": (ours["attention"], False),
            "told": (ours["told"], True),
            "IMSHOP": (told.get(payment), ours["state"] in ("held", "captured", "partially_refunded")),
        }
        wrong = {name: pair for name, pair in wrong.items() if pair[0] != pair[1]}
        if wrong:
            fail(f"{payment} is other here than outside: {wrong}\n{json.dumps(answer, ensure_ascii=False, indent=2)}")
    saved = collections.Counter(form["form"]["data"]["phone"] for form in house.control("forms"))
    if lost := accepted - set(saved):
        fail(f"forms are lost: {sorted(lost)}")
    if double := [phone for phone, times in saved.items() if times > 1]:
        fail(f"the shop has forms twice: {double}")
    if letters := asked(f"{house.host['control']}/control/dead-letters"):
        fail(f"something was given up: {letters}")
    taken = ", ".join(f"{count} by the {release}" for release, count in sorted(house.taken.items()))
    print(f"ok     {house.policy}: {len(orders)} payments ({dict(sorted(states.items()))}), {len(accepted)} forms; calls: {taken}", flush=True)


def play(binaries, seed):
    dice = random.Random(seed)
    for policy in ("on_hold", "on_shipment"):
        with House(binaries, policy, dice) as house:
            accepted = set()
            live(house, accepted)
            come_to_rest(house)
            check(house, accepted)


def last_release():
    lines = RELEASES.read_text(encoding="utf-8").splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")][-1][1]


def git(*arguments):
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=False, capture_output=True)
    return done.stdout if done.returncode == 0 else None


def is_without_history():
    return (git("rev-parse", "--is-shallow-repository") or b"true").strip() == b"true"


def built(commit):
    """The sandbox of an earlier commit and the present one, with the dependencies in common."""
    name = (git("rev-parse", "--short=12", f"{commit}^{{commit}}") or b"").decode().strip()
    if not name:
        if is_without_history():
            print(f"upgrade: this checkout has no history, and so no {commit}: nothing was tried", flush=True)
            sys.exit(0)
        fail(f"there is no commit {commit}")
    tree = WORK / name / "tree"
    if not tree.exists():
        unpack(name, tree)
    build_sandbox(tree)
    build("--locked", "-p", "sandbox", "--bin", "sandbox")
    binaries = {"old": WORK / name / "sandbox", "new": WORK / "sandbox"}
    shutil.copy2(ROOT / "target/debug/sandbox", binaries["new"])
    if binaries["old"].read_bytes() == binaries["new"].read_bytes():
        print("upgrade: the present tree is that release", flush=True)
    return binaries


def unpack(commit, tree):
    """The files of a commit. Its packages get a version of their own: cargo tells packages in one target folder apart by that, not
    by where they are. They are built as the present ones are, so that both have the same dependencies' builds."""
    fresh = tree.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    subprocess.run(["tar", "-x", "-C", str(fresh)], input=git("archive", commit), check=True)
    manifest = fresh / "Cargo.toml"
    text, count = re.subn(r'(?m)^version = "([0-9.]+)"$', rf'version = "\1-at-{commit}"', manifest.read_text(encoding="utf-8"), count=1)
    if not count:
        fail(f"{commit}: Cargo.toml names no version")
    profiles = re.compile(r"(?m)^\[profile\.dev[^\[]*(?:^\[profile\.dev[^\[]*)*")
    present = profiles.search((ROOT / "Cargo.toml").read_text(encoding="utf-8"))[0]
    # Its own crates are compiled for this alone, and quicker than they would be optimised.
    present = re.sub(rf"(?m)^(?:{'|'.join(pathlib.PurePath(crate).name for crate in KIT)}) = .*\n", "", present)
    manifest.write_text(f"{profiles.sub('', text)}\n{present}", encoding="utf-8")
    # The present test kit chooses the features of what everybody uses; with others the dependencies would be built anew.
    manifest = fresh / "infra/sandbox/Cargo.toml"
    text = manifest.read_text(encoding="utf-8")
    kit = f'testkit = {{ path = "{without_code(tree.with_name("features")) / "infra/testkit"}" }}'
    manifest.write_text(re.sub(r"(?m)^testkit\.workspace.*\n", "", text).replace("[dependencies]", f"[dependencies]\n{kit}", 1), encoding="utf-8")
    fresh.rename(tree)


def without_code(folder):
    """The present test kit and what it is made of, as far as manifests say it: nothing of them to compile."""
    shutil.rmtree(folder, ignore_errors=True)
    for crate in KIT:
        source = folder / crate / "src/lib.rs"
        source.parent.mkdir(parents=True)
        source.write_text("//! Only the features of its dependencies.\n", encoding="utf-8")
        shutil.copy(ROOT / crate / "Cargo.toml", folder / crate)
    text = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    (folder / "Cargo.toml").write_text(re.sub(r"(?m)^members = .*$", f"members = {json.dumps(KIT)}", text, count=1), encoding="utf-8")
    return folder


def build_sandbox(tree):
    # What is compiled is shared with the present tree; the program goes elsewhere than the present one, which others may be starting.
    programs = tree.parent / "programs"
    environment = os.environ | {"CARGO_BUILD_BUILD_DIR": str(ROOT / "target"), "CARGO_TARGET_DIR": str(programs)}
    # Not locked: its own packages' versions are new to its lock file, and nothing else is.
    if subprocess.run(["cargo", "build", "-p", "sandbox", "--bin", "sandbox"], cwd=tree, env=environment, check=False).returncode:
        fail(f"the earlier release could not be built in {tree}")
    shutil.copy2(programs / "debug/sandbox", tree.parent / "sandbox")


def main():
    end_on_signals()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commit", nargs="?", default=last_release(), help="the earlier release")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeats a run")
    chosen = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    binaries = built(chosen.commit)
    print(f"upgrade: {chosen.commit} and the present tree, built in {time.monotonic() - began:.0f} s; --seed {chosen.seed}", flush=True)
    began = time.monotonic()
    play(binaries, chosen.seed)
    print(f"upgrade: nothing was lost, in {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
