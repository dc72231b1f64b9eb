"""The https:// in front of what serves plain http here: the shop's own domain before the API, and the outside systems."""

import contextlib
import datetime
import http.client
import http.server
import ssl
import threading
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

# What belongs to one connection, and is not passed on.
HOP_BY_HOP = {"connection", "host", "keep-alive", "transfer-encoding"}


def certificate(folder):
    """A certificate for localhost of a day, which is its own authority; the path of it together with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "imshop-webhooks e2e")])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "localhost.pem"
    pem = serialization.Encoding.PEM
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()) + made.public_bytes(pem)
    )
    return path


class Passing(http.server.BaseHTTPRequestHandler):
    """Passes a request on to the server's target, and its answer back."""

    protocol_version = "HTTP/1.1"

    def handle_one_request(self):
        # A client that goes away is none of our business.
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            super().handle_one_request()

    def pass_on(self):
        target = urllib.parse.urlsplit(self.server.target)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        upstream = http.client.HTTPConnection(target.netloc, timeout=60)
        try:
            upstream.request(self.command, target.path + self.path, body, headers)
            answer = upstream.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            # A system that hangs up does so to its caller.
            self.close_connection = True
            return
        finally:
            upstream.close()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = pass_on

    def log_message(self, *_):
        pass


class Front(http.server.ThreadingHTTPServer):
    """Serves https://localhost:PORT for the http address `target`, which may be set later, until the end of the program."""

    daemon_threads = True

    def __init__(self, pem, target=""):
        super().__init__(("127.0.0.1", 0), Passing)
        self.target = target
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        """Its address, without a slash at the end."""
        return f"https://localhost:{self.server_port}"
