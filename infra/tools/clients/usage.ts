// What a program in TypeScript relies on; compiled by infra/tools/check-clients against the types made of infra/openapi.yaml, and
// never run. What must not compile stands below `@ts-expect-error`.
import type { components, operations, paths } from "./types";

type Schemas = components["schemas"];

export const create: paths["/v1/acquiring"]["post"]["requestBody"]["content"]["application/json"] = {
  command: "create",
  paymentMethodId: "mokka",
  orderUuid: "order-1",
  orderId: 1001,
};

/** Every answer to a command is told apart by its fields. */
export function shown(answer: Schemas["AcquiringAnswer"]): string {
  if ("paymentUrl" in answer) return answer.paymentUrl;
  if ("sbpPayload" in answer) return answer.sbpPayload;
  if ("pending" in answer) return answer.paymentId;
  if ("error" in answer) return answer.error;
  const paid: true = answer.paymentCaptured;
  return `${answer.paymentId} ${paid}`;
}

/** A state that is not named here does not compile. */
export function over(state: Schemas["State"]): boolean {
  switch (state) {
    case "creating":
    case "pending":
    case "held":
    case "finishing":
    case "captured":
    case "partially_refunded":
      return false;
    case "refunded":
    case "declined":
    case "canceled":
    case "expired":
      return true;
  }
}

export function views(order: Schemas["OrderAnswer"]): string[] {
  return order.payments.map(({ amount, provider_view: view, refunds }) => {
    const given: string[] = refunds.map((refund) => refund.amount);
    return "state" in view ? `${view.state} ${view.amount ?? amount} ${given}` : view.error;
  });
}

export const longer: Schemas["ChangeRequest"] = { valid_till: "2026-12-01T00:00:00Z" };
// @ts-expect-error an amount is text
export const rounded: Schemas["RefundRequest"] = { amount: 300.1 };
// @ts-expect-error a refund has a key of its own
export const unnamed: operations["refundPayment"]["parameters"]["header"] = {};
// @ts-expect-error a form has a name
export const nameless: Schemas["FormRequest"] = { data: {} };
// @ts-expect-error an amount goes with the goods it is for
export const bare: Schemas["ChangeRequest"] = { amount: "300.00" };
