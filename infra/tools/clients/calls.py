"""Calls every route of a sandbox once, by the client that openapi-python-client has made of infra/openapi.yaml, and reads every
answer by its models. Started by infra/tools/check-clients, which lets mypy read it beside the client first:

    calls.py DOCUMENT GATEWAY PROVIDERS
"""

import datetime
import io
import json
import pathlib
import re
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any, TypeVar

import attrs
import httpx
from imshop_webhooks_client import AuthenticatedClient, Client, models
from imshop_webhooks_client.api.back_office import (
    ask_limit,
    cancel_payment,
    approve_refund,
    change_payment,
    close_message,
    decide_refund,
    erase,
    export_books,
    export_forms,
    finish_payment,
    get_form,
    get_form_photo,
    get_order,
    get_payment,
    get_registration,
    get_totals,
    lift_codes,
    list_forms,
    list_orders,
    list_payments,
    list_runs,
    list_schedules,
    make_receipt,
    mark_form,
    refund_payment,
    register,
    reindex,
    resend_event,
    search_codes,
    search_forms,
    search_orders,
    settle_payment,
    withdraw_refund,
)
from imshop_webhooks_client.api.browser import come_back, come_back_without_token, landing_page, landing_page_without_token
from imshop_webhooks_client.api.cards import card_notification, card_notification_by_get
from imshop_webhooks_client.api.imshop import acquiring, create_orders, export_form, list_payment_methods, send_form_code
from imshop_webhooks_client.api.mokka import mokka_callback, mokka_registration_callback
from imshop_webhooks_client.api.shop import push_order
from imshop_webhooks_client.api.smspro import sms_reports
from imshop_webhooks_client.types import File, Response
from ruamel.yaml import YAML

# What the shop's answers and customers' forms hold is theirs to say.
OPEN = (models.OrdersAnswer, models.OrderResult, models.OrderResultItem, models.HandedInFields)
PHONE = "+996 770 00 11 22"
PIXEL = "R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
REPORT = (
    '<?xml version="1.0" encoding="UTF-8"?><report xmlns="http://Giper.mobi/schema/DeliveryReport"><dr>'
    "<id>0123456789abcdef0123456789abcdef</id><phone><number>996770001122</number><report>3</report>"
    "<sendTime>20261122100000</sendTime><rcvTime>20261122100004</rcvTime></phone></dr></report>"
)


T = TypeVar("T")


class Routes:
    """The document's operations, and which of them were called."""

    def __init__(self, document: pathlib.Path) -> None:
        paths = YAML(typ="safe").load(document)["paths"]
        self.uncalled: dict[str, tuple[str, re.Pattern[str]]] = {
            operation["operationId"]: (method.upper(), re.compile(re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(path))))
            for path, item in paths.items()
            for method, operation in item.items()
        }
        self.count = len(self.uncalled)

    def note(self, request: httpx.Request) -> None:
        for name, (method, path) in list(self.uncalled.items()):
            if method == request.method and path.fullmatch(request.url.path):
                del self.uncalled[name]


def normal(value: Any) -> Any:
    """An answer with its moments as such: the client writes them in another way than we."""
    if isinstance(value, dict):
        return {name: normal(one) for name, one in value.items()}
    if isinstance(value, list):
        return [normal(one) for one in value]
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT.*", value):
        return datetime.datetime.fromisoformat(value)
    return value


def leftovers(value: object) -> Iterator[str]:
    """The fields of an answer that its model does not have."""
    kind: Any = type(value)
    if attrs.has(kind):
        if not isinstance(value, OPEN):
            yield from (f"{kind.__name__}.{name}" for name in getattr(value, "additional_properties", {}))
        for field in attrs.fields(kind):
            yield from leftovers(getattr(value, field.name))
    elif isinstance(value, list):
        for one in value:
            yield from leftovers(one)


def read(response: Response[Any], kind: type[T], status: int = 200) -> T:
    """What the client has read, which must be this and nothing less."""
    parsed, text = response.parsed, response.content.decode()
    assert response.status_code == status, f"expected {status}, got {response.status_code}: {text}"
    assert isinstance(parsed, kind), f"expected {kind.__name__}, got {parsed!r} of {text}"
    if isinstance(parsed, str):
        assert parsed == text, text
    else:
        model: Any = parsed
        assert normal(model.to_dict()) == normal(json.loads(text)), f"read {model!r} of {text}"
        assert not list(leftovers(parsed)), f"{list(leftovers(parsed))} of {text}"
    return parsed


class House:
    """A sandbox, and everyone who calls it."""

    def __init__(self, routes: Routes, gateway: str, providers: str) -> None:
        self.providers = providers
        noting: dict[str, Any] = {"event_hooks": {"request": [routes.note]}}

        def caller(key: str) -> AuthenticatedClient:
            return AuthenticatedClient(gateway, key, raise_on_unexpected_status=True, httpx_args=noting)

        self.imshop = caller("imshop-demo-key")
        self.shop = caller("shop-demo-key")
        self.cashier = caller("back-office-demo-cashier-key")
        self.trainee = caller("back-office-demo-trainee-key")
        self.anyone = Client(gateway, raise_on_unexpected_status=True, httpx_args=noting)

    def control(self, path: str, body: object = None) -> Any:
        """The sandbox's own controls."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.providers}/control/{path}", data), timeout=20) as answer:
            return json.load(answer)

    def begin(self, number: int) -> models.AcquiringCreated:
        """An attempt to pay the order of that number."""
        body = models.AcquiringCreate(
            command="create", payment_method_id="mokka", order_uuid=f"order-{number}", order_id=str(1000 + number)
        )
        created = read(acquiring.sync_detailed(client=self.imshop, body=body), models.AcquiringCreated)
        assert created.payment_id == f"{1000 + number}-1", created
        return created

    def approve(self, payment: str) -> None:
        """The customer pays, and Mokka calls back: by the client, to the address that we gave Mokka."""
        self.control(f"mokka/{payment}/decide", {"decision": "approved", "callback": False})
        order = self.control(f"mokka/{payment}")
        body = models.MokkaCheckoutCallback(order_id=payment, decision="approved", amount=order["amount"], term=3)
        read(mokka_callback.sync_detailed(payment, token(order["callback_url"]), client=self.anyone, body=body), models.Done)


def token(address: str) -> str:
    """The last segment of an address, which only the one has to whom it was given."""
    return urllib.parse.urlsplit(address).path.rpartition("/")[2]


def orders(house: House) -> None:
    """The documents' way from a cart to three orders, and a fourth that the shop pushes."""
    cart = models.PaymentsRequest(country="KG", items=[models.CartItem(configuration_id="kettle-1", quantity=1, price=4990)])
    ways = read(list_payment_methods.sync_detailed(client=house.imshop, body=cart), models.PaymentsAnswer)
    assert any(way.id == "mokka" for way in ways.payments), ways
    kettle = models.NewOrderItem(configuration_id="kettle-1", name="Чайник", quantity=1, price=4990)
    placed = [models.NewOrder(f"order-{number}", name="Айгуль", delivery_price=250, items=[kettle]) for number in (1, 2, 3)]
    body = models.OrdersRequest(placed, install_id="install-1")
    answer = read(create_orders.sync_detailed(client=house.imshop, body=body), models.OrdersAnswer)
    assert [order.id for order in answer.orders] == ["1001", "1002", "1003"], answer
    item = models.PushedItem("Чайник", 1, sku="kettle-1", price="4990.00")
    push = models.PushRequest("2009", "4990.00", public_id="S-2009", items=[item])
    read(push_order.sync_detailed("order-9", client=house.shop, body=push), models.Done)


def payments(house: House) -> None:
    """One that is captured and given back, one that is let go, one that stays open."""
    created, _, _ = house.begin(1), house.begin(2), house.begin(3)
    mine = match[1] if (match := re.search(r"/1001-1/([0-9a-f]{32})/success", created.success_regex)) else ""
    capture = models.AcquiringCapture(command="capture", payment_method_id="mokka", payment_id="1001-1")
    read(acquiring.sync_detailed(client=house.imshop, body=capture), models.AcquiringPending)
    house.control("faults", {"system": "imshop", "method": "payment_status", "fault": "status:404", "times": 1})
    house.approve("1001-1")
    # What IMSHOP did not take is a person's, once the stream has brought it there. (The other payment's word must not meet the fault.)
    for _ in range(100):
        shown = read(get_payment.sync_detailed("1001-1", client=house.cashier), models.PaymentAnswer)
        if shown.payment.untold:
            break
        time.sleep(0.1)
    assert shown.payment.untold, shown
    house.approve("1002-1")
    read(acquiring.sync_detailed(client=house.imshop, body=capture), models.AcquiringPaid)
    read(come_back.sync_detailed("1001-1", mine, client=house.anyone), str, 303)
    page = landing_page.sync_detailed("1001-1", mine, models.LandingPageResult.SUCCESS, client=house.anyone)
    assert read(page, str).startswith("<!doctype html>")
    # Those of earlier releases' attempts, which this one is not.
    read(come_back_without_token.sync_detailed("1001-1", client=house.anyone), models.Refusal, 404)
    old = models.LandingPageWithoutTokenResult.FAILED
    read(landing_page_without_token.sync_detailed("1001-1", old, client=house.anyone), models.Refusal, 404)

    office = house.cashier
    order = read(get_order.sync_detailed("1001", client=office), models.OrderAnswer)
    view = order.payments[0].provider_view
    assert isinstance(view, models.ProviderState) and view.state == "hold", order
    less = models.ChangeAmount("4000.00", [models.CartLine("Чайник", "4000.00", 1, sku="kettle-1")])
    changed = read(change_payment.sync_detailed("1001-1", client=office, body=less), models.PaymentAnswer)
    assert changed.payment.amount == "4000.00", changed
    form = models.FinishForm(models.FinishFormBody(check_number="ФД-17"), File(io.BytesIO(b"%PDF-1.7"), "check.pdf", "application/pdf"))
    finished = read(finish_payment.sync_detailed("1001-1", client=office, body=form), models.PaymentAnswer)
    assert (finished.payment.state, finished.payment.check_number) == (models.State.CAPTURED, "ФД-17"), finished
    refused = read(finish_payment.sync_detailed("1003-1", client=office, body=models.FinishRequest()), models.PaymentRefusal, 409)
    assert refused.code == "not_held", refused
    receipt = read(make_receipt.sync_detailed("1001-1", client=office), models.PaymentRefusal, 409)
    assert receipt.code == "no_second_receipt", receipt
    canceled = read(cancel_payment.sync_detailed("1002-1", client=office), models.PaymentAnswer)
    assert canceled.payment.state == models.State.CANCELED, canceled
    settled = read(settle_payment.sync_detailed("1002-1", client=office), models.SettledAnswer)
    assert settled.payment.state == models.State.CANCELED, settled
    page_of = list_payments.sync_detailed(client=office, state=models.State.CAPTURED, since=datetime.date(2026, 1, 1))
    assert [one.payment_id for one in read(page_of, models.PaymentList).payments] == ["1001-1"]

    for wanted in (models.OrdersByPayment("1001-1"), models.OrdersByUuid(shown.payment.order_uuid)):
        found = read(search_orders.sync_detailed(client=office, body=wanted), models.FoundOrders)
        assert [one.payment_id for one in found.orders[0].payments] == ["1001-1"], found

    recorded = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=3))).date()
    days = [recorded + datetime.timedelta(days=days) for days in range(-1, 3)]
    lists = [read(list_orders.sync_detailed(client=office, day=day), models.FoundOrders) for day in days]
    assert shown.payment.order_uuid in [order.order_uuid for one in lists for order in one.orders], lists
    done = read(reindex.sync_detailed(client=office, body=models.ReindexRequest()), models.ReindexAnswer)
    assert (done.success, done.indexed) == (True, 0) and done.seen, done
    bounded = list_payments.sync_detailed(client=office, state=models.State.CAPTURED, until=datetime.date(2100, 1, 1), min_="1.00")
    assert [one.payment_id for one in read(bounded, models.PaymentList).payments] == ["1001-1"]

    closing = models.CloseRequest(models.ImshopAddress.PAYMENT_STATUS)
    number = shown.payment.untold[0].message
    closed = read(close_message.sync_detailed("1001-1", number, client=office, body=closing), models.PaymentAnswer)
    assert not closed.payment.untold, closed
    # The stream brings the capture to the shop as well; then it hears it once more.
    for _ in range(100):
        heard = read(get_payment.sync_detailed("1001-1", client=office), models.PaymentAnswer).payment.events
        if heard and all(event.told_at for event in heard):
            break
        time.sleep(0.1)
    assert heard and heard[-1].type_ == models.EventType.PAYMENT_PAID, heard
    resent = read(resend_event.sync_detailed("1001-1", heard[-1].number, client=office), models.ResendAnswer)
    assert (resent.success, resent.shop_status) == (True, 200), resent
    changes = list_payments.sync_detailed(client=office, changed_since=datetime.date(2026, 1, 1))
    assert "1001-1" in [one.payment_id for one in read(changes, models.PaymentList).payments]

    early = models.RefundRequest(300, reason=models.RefundReason.DEFECT, when=models.RefundRequestWhen.EARLIEST)
    asked = refund_payment.sync_detailed("1001-1", client=office, idempotency_key="return-16", body=early)
    scheduled = read(asked, models.UnknownAnswer, 202)
    assert scheduled.refund and scheduled.refund.status == models.RefundStatus.SCHEDULED, scheduled
    withdrawn = read(withdraw_refund.sync_detailed("1001-1", scheduled.refund.refund, client=office), models.PaymentAnswer)
    assert withdrawn.refund and withdrawn.refund.status == models.RefundStatus.WITHDRAWN, withdrawn

    house.control("clock", {"advance_s": 172_800})
    house.control("faults", {"system": "mokka", "method": "return", "fault": "answer_lost", "times": 1})
    part = models.RefundRequest("300.00")
    asked = refund_payment.sync_detailed("1001-1", client=office, idempotency_key="return-17", body=part)
    refund = read(asked, models.UnknownAnswer, 202).refund
    assert refund and refund.status == models.RefundStatus.PENDING, refund
    made = models.OutcomeRequest(True)
    decided = read(decide_refund.sync_detailed("1001-1", refund.refund, client=office, body=made), models.PaymentAnswer)
    assert decided.payment.refunded == "300.00", decided

    above = models.RefundRequest("500.01")
    asked = refund_payment.sync_detailed("1001-1", client=house.trainee, idempotency_key="return-18", body=above)
    unapproved = read(asked, models.UnknownAnswer, 202)
    assert unapproved.refund and unapproved.refund.status == models.RefundStatus.AWAITS_APPROVAL, unapproved
    approved = read(approve_refund.sync_detailed("1001-1", unapproved.refund.refund, client=office), models.PaymentAnswer)
    assert approved.refund and approved.refund.approved_by == "back-office:cashier", approved

    house.control("tick", {})
    assert "reconcile" in [run.name for run in read(list_runs.sync_detailed(client=office), models.RunsAnswer).runs]
    first, last = datetime.date(2026, 1, 1), datetime.date(2036, 12, 31)
    table = read(export_books.sync_detailed(client=office, from_=first, to=last), str)
    assert [line for line in table.splitlines() if '"refund","1001"' in line and '"300.00"' in line], table
    [total] = read(get_totals.sync_detailed(client=office, from_=first, to=last), models.TotalsAnswer).totals
    assert (total.provider, total.refunded.count, total.refunded.sum_) == ("mokka", 2, "800.01"), total


def cards(house: House) -> None:
    """What a card gateway announces, of nothing of ours."""
    notification = models.CardNotification(type_="notification", event="payout.succeeded")
    read(card_notification.sync_detailed("yookassa", client=house.anyone, body=notification), models.Done)
    read(card_notification_by_get.sync_detailed("yookassa", client=house.anyone), models.Done)


def customers(house: House) -> None:
    """What Mokka says of people."""
    office = house.cashier
    limit = read(ask_limit.sync_detailed(client=office, body=models.LimitRequest("+7 888 000-11-22")), models.LimitAnswer)
    assert limit.currency == models.Currency.RUB, limit
    person = models.Person(first_name="Айгуль", surname="Садыкова", birth_date=datetime.date(1990, 5, 17))
    known = models.AdditionalData(channel=models.Channel.APP, returning_customer=True)
    body = models.RegistrationRequest("https://shop.example/welcome", person=person, additional_data=known)
    registered = read(register.sync_detailed(client=office, body=body), models.RegistrationCreated)
    address = house.control(f"mokka/registrations/{registered.registration_id}")["callback_url"]
    approved = models.MokkaRegistrationCallback(models.MokkaRegistrationCallbackDecision.APPROVED, amount="5000.00")
    told = mokka_registration_callback.sync_detailed(
        registered.registration_id, token(address), client=house.anyone, body=approved
    )
    read(told, models.Done)
    shown = read(get_registration.sync_detailed(registered.registration_id, client=office), models.Registration)
    assert (shown.decision, shown.limit) == (models.RegistrationDecision.APPROVED, "5000.00"), shown
    plans = read(list_schedules.sync_detailed(client=office, body=models.ScheduleRequest("5240.00")), models.ScheduleList)
    assert plans.schedules and plans.schedules[0].payments, plans


def forms(house: House) -> None:
    """A form with a code and one with a photo, up to their erasure."""
    office = house.cashier
    data = models.FormData.from_dict({"name": "Айгуль", "phone": PHONE})
    wanted = models.FormByName(data, "callback", install_id="install-1")
    read(send_form_code.sync_detailed(client=house.imshop, body=wanted), models.FormTaken)
    sms = house.control("inbox?phone=996770001122")[-1]
    data.otp_code = "000000" if sms["code"] != "000000" else "000001"
    read(export_form.sync_detailed(client=house.imshop, body=wanted), models.FormCodeFailed)
    data.otp_code = sms["code"]
    handed_in = models.FormById(data, "callback", install_id="install-1")
    read(export_form.sync_detailed(client=house.imshop, body=handed_in), models.FormTaken)
    report = File(io.BytesIO(REPORT.encode()))
    read(sms_reports.sync_detailed("smspro-demo-report-secret", client=house.anyone, body=report), models.Done)
    fields = models.FormData.from_dict({"phone": PHONE, "photo": f"data:image/gif;base64,{PIXEL}"})
    pictured = models.FormByName(fields, "feedback", install_id="install-1")
    read(export_form.sync_detailed(client=house.imshop, body=pictured), models.FormTaken)

    listed = read(list_forms.sync_detailed(client=office, form="feedback"), models.FormList)
    [form] = listed.forms
    shown = read(get_form.sync_detailed(form.submission_id, client=office), models.HandedInAnswer)
    assert shown.form == form and form.photos[0].media_type == "image/gif", shown
    read(get_form_photo.sync_detailed(form.submission_id, 1, client=office), models.PhotoLink)
    table = export_forms.sync_detailed(client=office, form="feedback")
    assert form.submission_id in read(table, str)
    codes = read(search_codes.sync_detailed(client=office, body=models.CodesRequest(PHONE)), models.CodesAnswer)
    assert len(codes.sent_at) >= len(codes.codes), codes
    lifted = read(lift_codes.sync_detailed(client=office, body=models.CodesRequest(PHONE)), models.LiftAnswer)
    assert lifted.digest == codes.digest, lifted
    found = read(search_forms.sync_detailed(client=office, body=models.FormSearch(PHONE)), models.FormList)
    assert form.submission_id in [one.submission_id for one in found.forms], found
    marked = read(mark_form.sync_detailed(form.submission_id, client=office, body=models.DoneRequest(True)), models.HandedInAnswer)
    assert marked.form.done_by == "cashier", marked
    erased = read(erase.sync_detailed(client=office, body=models.PersonErasure(PHONE)), models.Erased)
    assert erased.photos == 1, erased


def main(document: str, gateway: str, providers: str) -> None:
    routes = Routes(pathlib.Path(document))
    house = House(routes, gateway, providers)
    for story in (orders, payments, cards, customers, forms):
        story(house)
    assert not routes.uncalled, f"not called: {', '.join(routes.uncalled)}"
    print(f"{routes.count} routes were called by the generated client, and every answer was read")


if __name__ == "__main__":
    main(*sys.argv[1:])
