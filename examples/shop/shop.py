"""A shop's side of imshop-webhooks, as infra/docs/SHOP.md says: takes orders, events and forms, keeps books, prints what it does.

    python shop.py [PORT]       http://127.0.0.1:8080 without one; GET /books shows the books

The keys are those of the sandbox, worth nothing elsewhere. A real shop reads its own from where it keeps secrets, and has a file for its
books.
"""

import json, sqlite3, sys
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from standardwebhooks import Webhook, WebhookVerificationError

KEY = "shop-demo-key"
SECRETS = {
    "/orders": "whsec_b3JkZXJzLWRlbW8tc2lnbmluZy1rZXktb2YtdGhlLXNhbmRib3g=",
    "/events": "whsec_ZXZlbnRzLWRlbW8tc2lnbmluZy1rZXktb2YtdGhlLXNhbmRib3g=",
    "/forms": "whsec_Zm9ybXMtZGVtby1zaWduaW5nLWtleS1vZi10aGUtc2FuZGJveA==",
}
DOES = {"held": "pack the goods", "paid": "ship the goods", "failed": "keep them reserved", "canceled": "keep them reserved",
        "partially_refunded": "take a part back", "refunded": "take all back", "attention": "wait for a person", "attention_over": "go on"}
# An event that a person sends again may be older than what is known: it leads nothing back.
RANKS = {None: 0, "held": 1, "paid": 2, "partially_refunded": 3, "refunded": 4, "failed": 4, "canceled": 4}
books = sqlite3.connect(":memory:")
books.row_factory = sqlite3.Row
books.executescript("""
    CREATE TABLE messages (id TEXT PRIMARY KEY, answer TEXT);
    CREATE TABLE forms (id TEXT PRIMARY KEY, form TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, uuid TEXT UNIQUE, price TEXT, state TEXT DEFAULT 'open', attempt INTEGER DEFAULT 0);
    CREATE TABLE payments (id TEXT PRIMARY KEY, order_id TEXT, state TEXT, amount TEXT, refunded TEXT, attention INTEGER DEFAULT 0);
    INSERT INTO orders (id, uuid) VALUES (1000, 'before the first');""")


def take_order(_id, message):
    answers = []
    for order in message["orders"]:
        lines = sum(Decimal(str(item["price"])) * Decimal(str(item["quantity"])) for item in order["items"])
        price = f"{lines + Decimal(str(order.get('deliveryPrice', 0))):.2f}"
        # The same uuid is the same order, and keeps its id.
        books.execute("INSERT INTO orders (uuid, price) VALUES (?, ?) ON CONFLICT (uuid) DO UPDATE SET price = excluded.price",
                      (order["uuid"], price))
        id = books.execute("SELECT id FROM orders WHERE uuid = ?", (order["uuid"],)).fetchone()["id"]
        print(f"order {id}: {price}; reserve the goods", flush=True)
        answered = {"id": str(id), "price": price, "deliveryPrice": order.get("deliveryPrice", 0), "items": order["items"]}
        answers.append({"success": True, "uuid": order["uuid"], **answered})
    return {"orders": answers}


def take_event(_id, message):
    kind, data = message["type"].removeprefix("payment."), message["data"]
    known = (data["payment_id"], data["order_id"])
    books.execute("INSERT OR IGNORE INTO payments (id, order_id) VALUES (?, ?)", known)
    if kind in ("attention", "attention_over"):
        books.execute("UPDATE payments SET attention = ? WHERE id = ?", (kind == "attention", known[0]))
    elif RANKS[kind] >= RANKS[books.execute("SELECT state FROM payments WHERE id = ?", known[:1]).fetchone()["state"]]:
        said = (kind, data["amount"], data["refunded"], known[0])
        books.execute("UPDATE payments SET state = ?, amount = ?, refunded = ? WHERE id = ?", said)
        if data["latest"]:  # and no later attempt was heard of, whose events do not wait for these
            books.execute("UPDATE orders SET state = ?1, attempt = ?2 WHERE id = ?3 AND attempt <= ?2", (kind, data["attempt"], known[1]))
    does = DOES.get(kind, "nothing") if data["latest"] else "only book it: the customer pays by a later attempt"
    print(f"event {data['payment_id']} {kind}: {data['amount']} {data['currency']}, given back {data['refunded']}; {does}", flush=True)
    return {"success": True}


def take_form(id, message):
    books.execute("INSERT INTO forms VALUES (?, ?)", (id, json.dumps(message)))
    print(f"form {message['formName']}: saved", flush=True)
    return {"success": True, "message": "Заявка принята"}


class Shop(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        take = {"/orders": take_order, "/events": take_event, "/forms": take_form}.get(self.path)
        if not take:
            return self.answer(404, '{"success": false, "message": "nothing here"}')
        try:
            message = Webhook(SECRETS[self.path]).verify(body, dict(self.headers))
        except (WebhookVerificationError, ValueError):
            message = None
        if message is None or self.path == "/orders" and self.headers["Authorization"] != f"Bearer {KEY}":
            return self.answer(401, '{"success": false, "message": "not genuine"}')
        id = f"{self.path} {self.headers['webhook-id']}"
        with books:  # The id is stored together with what the message changes, or neither is.
            known = books.execute("SELECT answer FROM messages WHERE id = ?", (id,)).fetchone()
            answer = known["answer"] if known else json.dumps(take(id, message))
            books.execute("INSERT OR IGNORE INTO messages VALUES (?, ?)", (id, answer))
        self.answer(200, answer)

    def do_GET(self):
        rows = {table: books.execute(f"SELECT * FROM {table} WHERE id <> 1000") for table in ("orders", "payments", "forms")}
        self.answer(200, json.dumps({table: [dict(row) for row in found] for table, found in rows.items()}, ensure_ascii=False))

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        """Only what the shop does is printed."""


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8080), Shop).serve_forever()
