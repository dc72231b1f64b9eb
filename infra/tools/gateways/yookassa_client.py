"""Drives the simulated YooKassa by the gateway's own Python client, and reads every answer and notification by its models.

    yookassa_client.py http://127.0.0.1:PORT
"""

import http.server
import json
import queue
import sys
import threading
import urllib.parse
import urllib.request

from yookassa import Configuration, Payment, Receipt, Refund, Settings
from yookassa.domain.common import SecurityHelper
from yookassa.domain.exceptions import (
    ApiError, BadRequestError, ForbiddenError, GoneError, InternalServerError, NotFoundError, ResponseProcessingError,
    TooManyRequestsError, UnauthorizedError,
)
from yookassa.domain.notification import WebhookNotificationFactory
from yookassa.domain.request import PaymentRequestBuilder

PROVIDERS = sys.argv[1]
SHOP, KEY = "506751", "test_demo_key"
ITEM = {
    "description": "Чайник", "quantity": "1.0", "amount": {"value": "100.00", "currency": "RUB"}, "vat_code": 4,
    "payment_mode": "full_prepayment", "payment_subject": "commodity",
}
heard = queue.Queue()


class Shop(http.server.BaseHTTPRequestHandler):
    """Takes notifications."""

    def do_POST(self):
        heard.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def control(path, body):
    request = urllib.request.Request(f"{PROVIDERS}/control/{path}", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def fill_in(url, **form):
    """What a browser sends from the page, and where it ends up: the shop's page need not answer."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    try:
        with urllib.request.build_opener(Stay).open(url, urllib.parse.urlencode(form).encode(), timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as answer:
        return answer.code


def expect(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: {found!r}, not {wanted!r}")


def expect_news(event, id):
    """The next notification, read by the client's factory."""
    said = heard.get(timeout=20)
    notification = WebhookNotificationFactory().create(said)
    expect("the event", (notification.event, notification.object.id), (event, id))


def expect_error(what, kind, code, call, *arguments):
    try:
        call(*arguments)
    except ApiError as error:
        expect(what, (type(error), error.content["type"], error.content["code"]), (kind, "error", code))
        return error.content
    return sys.exit(f"{what} is not refused")


def amount(value):
    return {"value": value, "currency": "RUB"}


def wish(value, capture, **more):
    return {
        "amount": amount(value), "capture": capture, "description": "Заказ 1001", "metadata": {"payment_id": "1001-1"},
        "confirmation": {"type": "redirect", "return_url": "https://shop.example/back"},
        "payment_method_data": {"type": "bank_card"},
    } | more


def pay(payment, number="5555555555554444"):
    """The customer pays on the page."""
    return fill_in(payment.confirmation.confirmation_url, action="pay", number=number, expiry="12/2099", csc="123")


def one_stage():
    payment = Payment.create(wish("100.00", True), "one-stage")
    expect("a new payment", (payment.status, payment.paid, payment.test), ("pending", False, True))
    expect("its account", payment.recipient.account_id, SHOP)
    expect("the same key", Payment.create(wish("100.00", True), "one-stage").id, payment.id)
    expect("the page", pay(payment), 303)
    paid = Payment.find_one(payment.id)
    expect("a paid payment", (paid.status, paid.paid, paid.refundable), ("succeeded", True, True))
    expect("its card", (paid.payment_method.type, paid.payment_method.card.last4), ("bank_card", "4444"))
    expect("its metadata", (paid.metadata["payment_id"], paid.metadata["cms_name"]), ("1001-1", "yookassa_sdk_python"))
    expect("its amount", str(paid.amount.value), "100.00")
    expect_news("payment.succeeded", payment.id)
    return paid


def refunds(payment):
    part = Refund.create({"payment_id": payment.id, "amount": amount("40.00")}, "part")
    expect("a part of a refund", (part.status, part.payment_id, str(part.amount.value)), ("succeeded", payment.id, "40.00"))
    rest = Refund.create({"payment_id": payment.id, "amount": amount("60.00")})
    expect("the refund as it is found", Refund.find_one(rest.id).status, "succeeded")
    shown = Payment.find_one(payment.id)
    expect("all of it", (str(shown.refunded_amount.value), shown.refundable), ("100.00", False))
    listed = Refund.list({"payment_id": payment.id})
    expect("the refunds", [refund.id for refund in listed.items], [rest.id, part.id])
    for refund in (part, rest):
        expect_news("refund.succeeded", refund.id)
    error = expect_error(
        "a third refund", BadRequestError, "invalid_request", Refund.create, {"payment_id": payment.id, "amount": amount("1.00")}
    )
    expect("its description", error["description"], "Payment is already completely refunded")


def two_stages():
    """A hold that is captured in part, with a receipt, and one that is let go."""
    builder = PaymentRequestBuilder()
    builder.set_amount(amount("200.00")).set_capture(False).set_description("Заказ 1002")
    builder.set_confirmation({"type": "redirect", "return_url": "https://shop.example/back", "locale": "ru_RU"})
    builder.set_payment_method_data({"type": "bank_card"}).set_metadata({"payment_id": "1002-1"})
    builder.set_receipt({"customer": {"email": "anna@example.com"}, "items": [ITEM | {"quantity": "2.0"}]})
    payment = Payment.create(builder.build())
    expect("a card with 3-D Secure", pay(payment, "5555555555554477"), 200)
    expect("the bank's page", fill_in(payment.confirmation.confirmation_url, action="confirm", code="1"), 303)
    held = Payment.find_one(payment.id)
    expect("a hold", (held.status, held.paid, held.expires_at is not None), ("waiting_for_capture", True, True))
    expect("3-D Secure", held.authorization_details.three_d_secure.applied, True)
    expect_news("payment.waiting_for_capture", payment.id)
    receipt = {"customer": {"email": "anna@example.com"}, "items": [ITEM]}
    captured = Payment.capture(payment.id, {"amount": amount("100.00"), "receipt": receipt})
    expect("the captured part", (captured.status, str(captured.amount.value)), ("succeeded", "100.00"))
    expect("its receipt", captured.receipt_registration, "pending")
    expect("its receipt later", Payment.find_one(payment.id).receipt_registration, "succeeded")
    expect_news("payment.succeeded", payment.id)

    second = Receipt.create({
        "type": "payment", "payment_id": payment.id, "customer": {"email": "anna@example.com"}, "send": True,
        "items": [ITEM | {"payment_mode": "full_payment"}], "settlements": [{"type": "prepayment", "amount": amount("100.00")}],
    })
    expect("the second receipt", Receipt.find_one(second.id).status, "succeeded")
    receipts = Receipt.list({"payment_id": payment.id}).items
    expect("the receipts", (len(receipts), receipts[0].id), (2, second.id))
    expect("the first receipt", (receipts[1].type, receipts[1].status, receipts[1].payment_id), ("payment", "succeeded", payment.id))
    expect("its line", (receipts[1].items[0].description, str(receipts[1].items[0].amount.value)), ("Чайник", "100.00"))

    back = {"customer": receipt["customer"], "items": [ITEM | {"amount": amount("40.00"), "payment_mode": "full_payment"}]}
    part = Refund.create({"payment_id": payment.id, "amount": amount("40.00"), "receipt": back})
    expect("a refund with a receipt", (part.status, part.receipt_registration), ("succeeded", "pending"))
    expect("its registration", Refund.find_one(part.id).receipt_registration, "succeeded")
    of_refund = Receipt.list({"refund_id": part.id}).items
    expect("its receipt", [(one.type, one.status, one.refund_id) for one in of_refund], [("refund", "succeeded", part.id)])
    expect("its sum", str(Receipt.find_one(of_refund[0].id).items[0].amount.value), "40.00")
    expect_news("refund.succeeded", part.id)
    more = {"payment_id": payment.id, "amount": amount("50.00"), "receipt": {"customer": receipt["customer"], "items": [
        ITEM | {"description": "Чашка", "amount": amount("50.00")},
    ]}}
    error = expect_error("a receipt of what was not sold", BadRequestError, "invalid_request", Refund.create, more)
    expect("its parameter", error["parameter"], "receipt.items")

    whole = Payment.create(wish("50.00", False))
    pay(whole)
    expect_news("payment.waiting_for_capture", whole.id)
    expect("a whole capture", Payment.capture(whole.id).status, "succeeded")
    expect_news("payment.succeeded", whole.id)

    left = Payment.create(wish("50.00", False))
    pay(left)
    expect_news("payment.waiting_for_capture", left.id)
    canceled = Payment.cancel(left.id)
    details = canceled.cancellation_details
    expect("a hold let go", (canceled.status, details.party, details.reason), ("canceled", "merchant", "canceled_by_merchant"))
    expect_news("payment.canceled", left.id)

    declined = Payment.create(wish("50.00", False))
    pay(declined, "5555555555554600")
    expect("a declined card", Payment.find_one(declined.id).cancellation_details.reason, "insufficient_funds")
    expect_news("payment.canceled", declined.id)


def in_the_banks_app():
    """SBP by a code, and SberPay by a link: both in the app of the customer's bank."""
    by_code = wish("100.00", True, payment_method_data={"type": "sbp"}, confirmation={"type": "qr"})
    payment = Payment.create(by_code)
    shown = payment.confirmation
    expect("the code", (payment.status, shown.type, shown.confirmation_data[:19]), ("pending", "qr", "https://qr.nspk.ru/"))
    control(f"yookassa/{payment.id}/decide", {"outcome": "paid"})
    paid = Payment.find_one(payment.id)
    method = paid.payment_method
    expect("a payment by SBP", (paid.status, method.type, len(method.sbp_operation_id)), ("succeeded", "sbp", 32))
    expect("the payer's bank", (len(method.payer_bank_details.bank_id), len(method.payer_bank_details.bic)), (12, 9))
    expect_news("payment.succeeded", payment.id)
    error = expect_error("SBP of two stages", BadRequestError, "invalid_request", Payment.create, by_code | {"capture": False})
    expect("its parameter", error["parameter"], "capture")

    by_link = {"type": "mobile_application", "return_url": "shop.example://back"}
    payment = Payment.create(wish("100.00", False, payment_method_data={"type": "sberbank"}, confirmation=by_link))
    expect("the app's link", payment.confirmation.confirmation_url[:10], "sberpay://")
    control(f"yookassa/{payment.id}/decide", {"outcome": "paid"})
    held = Payment.find_one(payment.id)
    expect("a payment by SberPay", (held.status, held.payment_method.type), ("waiting_for_capture", "sberbank"))
    expect_news("payment.waiting_for_capture", payment.id)
    Payment.cancel(payment.id)
    expect_news("payment.canceled", payment.id)


def lists():
    first = Payment.list({"limit": 2})
    following = Payment.list({"limit": 100, "cursor": first.next_cursor})
    every = [payment.id for payment in (*first.items, *following.items)]
    expect("each payment once", len(set(every)), len(every))
    expect("all of them", len(every), 7)
    since = first.items[-1].created_at
    expect("those since the second", len(Payment.list({"created_at.gte": since}).items) >= 2, True)
    expect("those with money", {payment.status for payment in Payment.list({"status": "succeeded"}).items}, {"succeeded"})


def errors():
    expect_error("no amount", BadRequestError, "invalid_request", Payment.create, wish("400000.00", True))
    expect_error("a saved card", ForbiddenError, "forbidden", Payment.create, wish("100.00", True, save_payment_method=True))
    expect_error("a payment of another shop", NotFoundError, "not_found", Payment.find_one, "215d8da0-000f-50be-b000-0003308c89be")
    error = expect_error("the key of another body", BadRequestError, "invalid_request", Payment.create, wish("1.00", True), "one-stage")
    expect("its description", error["description"], "Idempotence key duplicated")
    for status, kind, code in (
        (410, GoneError, "invalid_request"), (429, TooManyRequestsError, "too_many_requests"),
        (500, InternalServerError, "internal_server_error"),
    ):
        control("faults", {"system": "yookassa", "method": "get", "fault": f"status:{status}"})
        expect_error(f"status {status}", kind, code, Payment.list)
    control("faults", {"system": "yookassa", "method": "create", "fault": "status:202"})
    try:
        Payment.create(wish("100.00", True), "later")
        sys.exit("202 is no answer")
    except ResponseProcessingError as error:
        expect("202", (error.content["type"], error.content["retry_after"]), ("processing", 1800))
    expect("the same call later", Payment.create(wish("100.00", True), "later").status, "pending")
    Configuration.configure(SHOP, "test_other_key", api_url=f"{PROVIDERS}/yookassa/v3")
    error = expect_error("another key", UnauthorizedError, "invalid_credentials", Settings.get_account_settings)
    expect("its parameter", error["parameter"], "Authorization")


def main():
    server = http.server.HTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    control("yookassa/notifications", {"url": f"http://127.0.0.1:{server.server_port}/"})
    Configuration.configure(SHOP, KEY, api_url=f"{PROVIDERS}/yookassa/v3")
    me = Settings.get_account_settings()
    expect("the account", (me.account_id, me.status, me.test), (SHOP, "enabled", True))
    expect("its methods", me.payment_methods, ["bank_card", "yoo_money", "sbp", "sberbank"])
    expect("no address of YooKassa's", SecurityHelper().is_ip_trusted("127.0.0.1"), False)
    refunds(one_stage())
    two_stages()
    in_the_banks_app()
    lists()
    errors()
    expect("notifications beside these", heard.qsize(), 0)
    print("ok     yookassa: payments by card, SBP and SberPay, captures, refunds, receipts, lists, notifications and errors")


if __name__ == "__main__":
    main()
