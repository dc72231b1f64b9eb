// Drives the simulated YooKassa by the npm package @a2seven/yoo-checkout.
//
//     yoo-checkout.js http://127.0.0.1:PORT
"use strict";

const assert = require("node:assert/strict");
const { YooCheckout } = require("@a2seven/yoo-checkout");

const providers = process.argv[2];
// Without `getShop`: this client calls /me by an OAuth token alone, which a shop with a key of its own does not have.
const shop = new YooCheckout({ shopId: "506751", secretKey: "test_demo_key" });
shop.root = `${providers}/yookassa/v3`;

const amount = (value) => ({ value, currency: "RUB" });
const wish = (value, capture) => ({
  amount: amount(value),
  capture,
  description: "Заказ 1001",
  metadata: { payment_id: "1001-1" },
  confirmation: { type: "redirect", return_url: "https://shop.example/back" },
  payment_method_data: { type: "bank_card" },
});

async function control(path, body) {
  const answer = await fetch(`${providers}/control/${path}`, { method: "POST", body: JSON.stringify(body) });
  assert.equal(answer.status, 200, path);
  return answer.json();
}

const decide = (payment, outcome) => control(`yookassa/${payment.id}/decide`, { outcome, notify: false });

async function refused(call, status, code) {
  await assert.rejects(call, (error) => {
    assert.equal(error.response.status, status);
    assert.equal(error.response.data.type, "error");
    assert.equal(error.response.data.code, code);
    return true;
  });
}

async function main() {
  const oneStage = await shop.createPayment(wish("100.00", true), "npm-one");
  assert.deepEqual([oneStage.status, oneStage.paid], ["pending", false]);
  assert.ok(oneStage.confirmation.confirmation_url.startsWith(`${providers}/yookassa/page/`));
  assert.equal((await shop.createPayment(wish("100.00", true), "npm-one")).id, oneStage.id);
  await decide(oneStage, "paid");
  const paid = await shop.getPayment(oneStage.id);
  assert.deepEqual([paid.status, paid.refundable, paid.payment_method.card.last4], ["succeeded", true, "4444"]);

  const part = await shop.createRefund({ payment_id: paid.id, amount: amount("30.00") });
  const rest = await shop.createRefund({ payment_id: paid.id, amount: amount("70.00") });
  assert.equal((await shop.getRefund(part.id)).status, "succeeded");
  assert.deepEqual((await shop.getRefundList({ payment_id: paid.id })).items.map(({ id }) => id), [rest.id, part.id]);
  assert.equal((await shop.getPayment(paid.id)).refunded_amount.value, "100.00");

  const item = (price, mode) => ({
    description: "Чайник", quantity: "1.00", amount: amount(price), vat_code: 4, payment_mode: mode,
  });
  const customer = { phone: "79000000000" };
  const receiptOf = (price) => ({ customer, items: [item(price, "full_prepayment")] });
  const twoStages = await shop.createPayment({ ...wish("200.00", false), receipt: receiptOf("200.00") });
  await decide(twoStages, "paid");
  assert.equal((await shop.getPayment(twoStages.id)).status, "waiting_for_capture");
  const captured = await shop.capturePayment(twoStages.id, { amount: amount("150.00"), receipt: receiptOf("150.00") });
  assert.deepEqual([captured.status, captured.amount.value], ["succeeded", "150.00"]);
  const whole = await shop.createPayment(wish("200.00", false));
  await decide(whole, "paid");
  assert.equal((await shop.capturePayment(whole.id, { amount: amount("200.00") })).amount.value, "200.00");
  const left = await shop.createPayment(wish("200.00", false));
  await decide(left, "paid");
  assert.equal((await shop.cancelPayment(left.id)).cancellation_details.reason, "canceled_by_merchant");

  const receipt = await shop.createReceipt({
    type: "payment",
    payment_id: captured.id,
    customer,
    send: true,
    items: [item("150.00", "full_payment")],
    settlements: [{ type: "prepayment", amount: amount("150.00") }],
  });
  assert.equal((await shop.getReceipt(receipt.id)).status, "succeeded");
  assert.equal((await shop.getReceiptList({ payment_id: captured.id })).items.length, 2);
  const refunded = await shop.createRefund({
    payment_id: captured.id,
    amount: amount("50.00"),
    receipt: { customer, items: [item("50.00", "full_payment")] },
  });
  assert.equal((await shop.getRefund(refunded.id)).receipt_registration, "succeeded");
  const [back] = (await shop.getReceiptList({ refund_id: refunded.id })).items;
  assert.deepEqual([back.type, back.status, back.items[0].amount.value], ["refund", "succeeded", "50.00"]);

  const sbp = { ...wish("100.00", true), confirmation: { type: "qr" }, payment_method_data: { type: "sbp" } };
  const byCode = await shop.createPayment(sbp);
  assert.ok(byCode.confirmation.confirmation_data.startsWith("https://qr.nspk.ru/"));
  await decide(byCode, "paid");
  const bySbp = await shop.getPayment(byCode.id);
  assert.deepEqual([bySbp.status, bySbp.payment_method.type], ["succeeded", "sbp"]);
  assert.equal(bySbp.payment_method.payer_bank_details.bank_id.length, 12);
  await refused(() => shop.createPayment({ ...sbp, capture: false }), 400, "invalid_request");

  const since = { value: oneStage.created_at, mode: "gte" };
  const listed = await shop.getPaymentList({ created_at: since, limit: 3 });
  assert.equal(listed.items.length, 3);
  const following = await shop.getPaymentList({ created_at: since, limit: 100, cursor: listed.next_cursor });
  assert.ok(following.items.some(({ id }) => id === oneStage.id));

  await refused(() => shop.createPayment(wish("0.10", true)), 400, "invalid_request");
  await refused(() => shop.createPayment(wish("100.01", true), "npm-one"), 400, "invalid_request");
  await refused(() => shop.createPayment({ ...wish("10.00", true), save_payment_method: true }), 403, "forbidden");
  await refused(() => shop.getPayment("215d8da0-000f-50be-b000-0003308c89be"), 404, "not_found");
  await refused(() => shop.cancelPayment(captured.id), 400, "invalid_request");
  for (const [status, code] of [[429, "too_many_requests"], [500, "internal_server_error"]]) {
    await control("faults", { system: "yookassa", method: "get", fault: `status:${status}` });
    await refused(() => shop.getPayment(paid.id), status, code);
  }
  shop.secretKey = "test_other_key";
  await refused(() => shop.getPayment(paid.id), 401, "invalid_credentials");
  console.log("ok     @a2seven/yoo-checkout: payments by card and SBP, captures, refunds, receipts, lists and errors");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
