// The list of ways to pay, as it would be written for Node with the AWS SDK: the key is checked, the cart is read, the store is asked
// for the instalments of the day once in an instance, the list is answered. It knows one way to pay where payments knows rules, so
// that what is measured is the platform more than the program.
//
// Lambda's own runtime for Node is not to be had outside of it; this loop asks the runtime API as that does, with less around it.
import http from "node:http";
import { timingSafeEqual } from "node:crypto";
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const store = new DynamoDBClient({ endpoint: process.env.DYNAMODB_ENDPOINT, region: process.env.AWS_REGION });
const key = Buffer.from(process.env.IMSHOP_KEY);
const plans = new Map();

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
    const request = http.request({ host, port, path, method, agent, headers }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(parts).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

function answer(statusCode, body) {
  return { statusCode, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

function authorized(headers) {
  const given = Buffer.from((headers.Authorization ?? "").replace(/^Bearer /, ""));
  return given.length === key.length && timingSafeEqual(given, key);
}

async function plan(amount) {
  const id = `schedule#${amount}`;
  if (!plans.has(id)) {
    const found = await store.send(new GetItemCommand({ TableName: process.env.QUOTES_TABLE, Key: { pk: { S: id } } }));
    plans.set(id, found.Item?.text?.S ?? "");
  }
  return plans.get(id);
}

async function handle(event) {
  if (!authorized(event.headers)) {
    return answer(401, { error: "the key is not valid" });
  }
  const cart = JSON.parse(event.body);
  const amount = (cart.items ?? []).reduce((sum, item) => sum + (item.subtotal ?? 0), 0);
  const payments = [{ id: "card", title: "Картой" }];
  if (amount >= 1000 && amount <= 150000) {
    payments.push({ id: "mokka", title: "Частями", widget: await plan(amount) });
  }
  return answer(200, { payments });
}

for (;;) {
  const next = await call("GET", "/2018-06-01/runtime/invocation/next");
  const id = next.headers["lambda-runtime-aws-request-id"];
  const answered = await handle(JSON.parse(next.body));
  await call("POST", `/2018-06-01/runtime/invocation/${id}/response`, JSON.stringify(answered));
}
