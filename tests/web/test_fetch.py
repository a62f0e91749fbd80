"""A server that misbehaves in every way, on loopback: each ends as one reason, soon, and with bounded bytes."""

from __future__ import annotations

import gzip
import io
import socket
import ssl
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from PIL import Image

from culturebench.web.client import Checks, Client
from culturebench.web.failed import Failed
from culturebench.web.picture import fetch_picture
from loopback import Request, Server
from web_rules import rules


def _picture(kind: str = "JPEG", side: int = 200) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((side, side), 60).convert("RGB").save(buffer, kind)
    return buffer.getvalue()


def _wide_png(side: int) -> bytes:
    """The first bytes of a PNG that says it has `side` x `side` pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return start + struct.pack(">I", 900_000) + b"IDAT"


PICTURE = _picture()
CODED_BOMB = gzip.compress(PICTURE + bytes(50_000_000))
FOREVER = 2_000  # pieces of an answer that never ends by itself


def _endless(first: bytes, pause: float = 0.0, piece: bytes = b"\0" * 65_536) -> Callable[[Request], None]:
    def answer(request: Request) -> None:
        request.close_connection = True
        request.send_response(200)
        request.send_header("Connection", "close")
        request.end_headers()
        request.wfile.write(first)
        for _ in range(FOREVER):
            request.wfile.write(piece)
            request.wfile.flush()
            time.sleep(pause)
        request.server.answered["the end of an endless answer"] += 1

    return answer


def _drip_headers(request: Request) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(FOREVER):
        request.wfile.write(b"s")
        time.sleep(0.05)


def _silent(request: Request) -> None:
    time.sleep(3)
    request.close_connection = True


def _cut_off(request: Request) -> None:
    request.close_connection = True
    request.send(PICTURE[:500], headers={"Content-Length": str(len(PICTURE))})


def _headers_without_end(request: Request) -> None:
    request.close_connection = True
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(FOREVER):
        request.wfile.write(b"X-%d: y\r\n" % number)


def _coded_bomb(request: Request) -> None:
    request.send(CODED_BOMB, headers={"Content-Encoding": "gzip"})


def _no_http(request: Request) -> None:
    request.close_connection = True
    request.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")


def _sends(body: bytes, **headers: str) -> Callable[[Request], None]:
    return lambda request: request.send(body, headers={name.replace("_", "-"): text for name, text in headers.items()})


MISBEHAVIOUR: dict[str, tuple[Callable[[Request], None], str]] = {
    "redirects to itself": (lambda request: request.redirect(request.path), "redirects"),
    "redirects to a file": (lambda request: request.redirect("file:///etc/passwd"), "scheme"),
    "redirects to this machine": (lambda request: request.redirect("http://127.0.0.1:9/"), "address"),
    "redirects to metadata": (lambda request: request.redirect("http://169.254.169.254/latest/"), "address"),
    "redirects to a mapped address": (lambda request: request.redirect("http://[::ffff:127.0.0.1]:9/"), "address"),
    "redirects to a password": (lambda request: request.redirect("http://me:word@127.0.0.1:9/"), "bad_url"),
    "redirects to nonsense": (lambda request: request.redirect("http://[::1:bad/"), "bad_url"),
    "announces too many bytes": (_sends(PICTURE, Content_Length="99999999"), "too_many_bytes"),
    "sends too many bytes": (_endless(PICTURE), "too_many_bytes"),
    "unpacks to too many bytes": (_coded_bomb, "too_many_bytes"),
    "too many pixels": (_sends(_wide_png(50_000) + bytes(5000)), "too_many_pixels"),
    "too many pixels without end": (_endless(_wide_png(50_000), 0.01, b"\0" * 512), "too_many_pixels"),
    "drips its body": (_endless(PICTURE[:100], 0.05, b"x"), "deadline"),
    "drips its headers": (_drip_headers, "deadline"),
    "says nothing": (_silent, "deadline"),
    "is cut off": (_cut_off, "cut_off"),
    "headers without end": (_headers_without_end, "connection"),
    "speaks another protocol": (_no_http, "connection"),
    "a page that says it is a picture": (_sends(b"<!DOCTYPE html><p>404", Content_Type="image/jpeg"), "html"),
    "a drawing that may hold scripts": (_sends(b"<svg onload='alert(1)'/>"), "unsupported_format"),
    "a program": (_sends(b"\x7fELF" + bytes(9000), Content_Type="image/png"), "not_an_image"),
    "a program without end": (_endless(b"\x7fELF", 0.01, bytes(512)), "not_an_image"),
    "nothing at all": (_sends(b""), "zero_byte"),
    "is not there": (lambda request: request.send(b"", 404), "http_404"),
    "is forbidden": (lambda request: request.send(b"", 403), "http_403"),
    "is broken": (lambda request: request.send(b"", 500), "http_500"),
    "is overloaded": (lambda request: request.send(b"", 503), "http_503"),
    "opts out": (_sends(PICTURE, X_Robots_Tag="noindex, noai"), "opted_out"),
    "opts pictures out": (_sends(PICTURE, X_Robots_Tag="NoImageAI"), "opted_out"),
    "opts out for us": (_sends(PICTURE, X_Robots_Tag="culturebench: noai"), "opted_out"),
    "opts out behind a date": (_sends(PICTURE, X_Robots_Tag="unavailable_after: 25 Jun 2030, noai"), "opted_out"),
    "reserves its rights": (_sends(PICTURE, TDM_Reservation="1"), "opted_out"),
}  # fmt: skip
UNREACHABLE = "robots_unreachable"
PASSING = {"cut_off", "connection", "http_500", "http_503"}


def _answer(path: str, request: Request) -> None:
    if path == "/robots.txt":
        request.send(b"User-agent: *\nDisallow: /private/\nDisallow: /*.secret$\n")
    elif path == "/redirected":
        request.redirect("/picture.jpg")
    elif path == "/headers":
        request.send(PICTURE, headers={"Set-Cookie": "who=you; Path=/", "Content-Type": "text/html"})
    elif path.removeprefix("/") in MISBEHAVIOUR:
        MISBEHAVIOUR[path.removeprefix("/")][0](request)
    else:
        request.send(PICTURE, headers={"X-Robots-Tag": "otherbot: noai, noindex", "TDM-Reservation": "0"})


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(_answer) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(rules(server.address, deadline=1.0)) as opened:
        yield opened


def reason(client: Client, url: str) -> str:
    with pytest.raises(Failed) as failed:
        fetch_picture(client, url)
    return failed.value.reason


def test_a_picture_comes_with_all_its_bytes(server: Server, client: Client) -> None:
    assert fetch_picture(client, f"{server.url}/picture.jpg") == PICTURE
    assert fetch_picture(client, f"{server.url}/redirected") == PICTURE


@pytest.mark.parametrize("name", MISBEHAVIOUR)
def test_a_server_that_misbehaves_gives_one_reason_and_no_bytes(name: str, server: Server, client: Client) -> None:
    path = f"/{name.replace(' ', '%20')}"
    assert reason(client, server.url + path) == MISBEHAVIOUR[name][1]
    times = server.asked.count(path)
    if MISBEHAVIOUR[name][1] in PASSING:
        assert times == client.rules.tries
    else:
        assert times == (client.rules.redirects + 1 if name == "redirects to itself" else 1)
    assert not server.answered["the end of an endless answer"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"])
def test_pixels_are_counted_in_every_format(kind: str) -> None:
    large = _picture(kind, 400)
    with Server(lambda path, request: request.send(large if path != "/robots.txt" else b"")) as server:
        with Client(rules(server.address, max_pixels=400 * 400)) as client:
            assert fetch_picture(client, f"{server.url}/x") == large
        with Client(rules(server.address, max_pixels=400 * 400 - 1)) as client:
            assert reason(client, f"{server.url}/x") == "too_many_pixels"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://127.0.0.1/x", "data:image/png;base64,AAAA", "gopher://127.0.0.1/_x", "/x.jpg", "",
        "http://", "http:///x", "http://[::1", "http://127.0.0.1:99999/", "http://127.0.0.1:port/", "javascript:",
        "http://user:word@example.org/", "http://\x00/", "http://a b/", "http://ex\u2100mple.org/", "http://.../",
        "http://127.0.0.1\\@example.org:1/", "http://[fe80::1%25lo]:1/", "http://[::ffff:a00:1]/", "HTTP://LOCALHOST:1/",
    ],
)  # fmt: skip
def test_a_url_that_leads_nowhere_public_is_a_failure_and_never_a_crash(url: str, client: Client) -> None:
    assert reason(client, url) in ("scheme", "bad_url", "address", "no_such_host")


def test_another_port_of_this_machine_is_never_asked(server: Server, client: Client) -> None:
    with Server(lambda _, request: request.send(b"secret")) as inner:
        assert reason(client, f"{inner.url}/x") == "address"
        assert reason(client, inner.url.replace("127.0.0.1", "localhost") + "/x") == "address"
        MISBEHAVIOUR["redirects inside"] = (lambda request: request.redirect(f"{inner.url}/x"), "address")
        try:
            assert reason(client, f"{server.url}/redirects inside") == "address"
        finally:
            del MISBEHAVIOUR["redirects inside"]
        assert inner.asked == []


def test_a_name_that_changes_its_address_after_the_check_gains_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resolver is scripted; connections and servers are real."""
    answers = iter(["127.0.0.1", "127.0.0.2", "127.0.0.2"])
    genuine, asked = socket.getaddrinfo, []

    def rebinding(host: str, port: int, *rest: object, **options: object) -> object:
        if host != "rebinding.example":
            return genuine(host, port, *rest, **options)
        asked.append(host)
        return genuine(next(answers), port, *rest, **options)

    port = server.server_address[1]
    with Client(rules(server.address)) as client:
        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        listening = socket.create_server(("127.0.0.2", port))
        listening.settimeout(0.2)
        url = f"http://rebinding.example:{port}"
        assert fetch_picture(client, f"{url}/picture.jpg") == PICTURE  # robots.txt and picture: one connection
        assert len(asked) == 1
        client._session.close()  # the next request has to connect anew
        assert reason(client, f"{url}/other.jpg") == "address"
        with listening, pytest.raises(TimeoutError):
            listening.accept()


def test_no_cookie_comes_back_and_the_owner_knows_whom_to_write_to(server: Server, client: Client) -> None:
    fetch_picture(client, f"{server.url}/headers")
    fetch_picture(client, f"{server.url}/after")
    sent = server.headers_of["/after"]
    assert "Cookie" not in sent and "Authorization" not in sent
    assert "CultureBench" in sent["User-Agent"] and "tests@example.org" in sent["User-Agent"]


def test_neither_a_proxy_nor_a_netrc_of_the_environment_is_used(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would resolve names itself, behind the check."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password word\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Server(lambda _, request: request.send(b"proxied")) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        with Client(rules(server.address)) as client:
            assert fetch_picture(client, f"{server.url}/picture.jpg") == PICTURE
        assert proxy.asked == []
    assert "Authorization" not in server.headers_of["/picture.jpg"]


def test_robots_txt_is_asked_once_a_host_and_what_it_forbids_never(server: Server, client: Client) -> None:
    assert reason(client, f"{server.url}/private/a.jpg") == "robots"
    assert reason(client, f"{server.url}/a.secret") == "robots"
    assert fetch_picture(client, f"{server.url}/public.jpg") == PICTURE
    assert server.asked == ["/robots.txt", "/public.jpg"]


@pytest.mark.parametrize("forbidden", ["/forbidden.jpg", "/forbidden/too"])
def test_a_redirect_does_not_lead_around_robots_txt(forbidden: str) -> None:
    def answer(path: str, request: Request) -> None:
        if path == "/robots.txt":
            request.send(b"User-agent: CultureBench\nDisallow: /forbidden\n")
        elif path == "/open":
            request.redirect(forbidden)
        else:
            request.send(PICTURE)

    with Server(answer) as server, Client(rules(server.address)) as client:
        assert reason(client, f"{server.url}/open") == "robots"
        assert forbidden not in server.asked


@pytest.mark.parametrize(("status", "expected"), [(404, ""), (403, ""), (500, UNREACHABLE), (503, UNREACHABLE)])
def test_without_robots_txt_all_is_allowed_and_with_one_that_cannot_be_had_nothing(status: int, expected: str) -> None:
    def answer(path: str, request: Request) -> None:
        request.send(b"", status) if path == "/robots.txt" else request.send(PICTURE)

    with Server(answer) as server, Client(rules(server.address)) as client:
        if expected:
            assert reason(client, f"{server.url}/a.jpg") == expected
        else:
            assert fetch_picture(client, f"{server.url}/a.jpg") == PICTURE


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("as_date", [False, True])
def test_a_host_that_asks_for_patience_gets_it(status: int, as_date: bool) -> None:
    times: list[float] = []

    def answer(path: str, request: Request) -> None:
        times.append(time.time())
        if len(times) == 1:
            text = formatdate(time.time() + 2, usegmt=True) if as_date else "1"
            request.send(b"", status, {"Retry-After": text})
        else:
            request.send(b"" if path == "/robots.txt" else PICTURE)

    with Server(answer) as server, Client(rules(server.address)) as client:
        assert fetch_picture(client, f"{server.url}/a.jpg") == PICTURE
    assert times[1] - times[0] >= 0.9


def test_a_pause_that_a_host_asked_for_does_not_count_as_its_slowness() -> None:
    def answer(path: str, request: Request) -> None:
        first = request.server.asked.count(path) == 1
        request.send(b"", 503, {"Retry-After": "2"}) if first and path != "/robots.txt" else request.send(PICTURE)

    with Server(answer) as server, Client(rules(server.address, deadline=1)) as client:
        assert fetch_picture(client, f"{server.url}/a.jpg") == PICTURE


def test_a_host_that_asks_for_too_much_patience_is_left_alone() -> None:
    def answer(path: str, request: Request) -> None:
        request.send(b"", 404) if path == "/robots.txt" else request.send(b"", 429, {"Retry-After": "86400"})

    with Server(answer) as server, Client(rules(server.address)) as client:
        assert [reason(client, f"{server.url}/{name}") for name in "ab"] == ["asked_to_wait", "asked_to_wait"]
        assert server.asked == ["/robots.txt", "/a"]


@pytest.mark.parametrize(
    "absurd", ["Fri, 31 Dec 99999999999 23:59:59 GMT", "Sat, 01 Jan 0001 00:00:00 +2359", "soon", "-1", "1e99", "²"]
)
def test_an_absurd_wish_for_patience_counts_as_none(absurd: str) -> None:
    def answer(path: str, request: Request) -> None:
        first = request.server.asked.count(path) == 1 and path != "/robots.txt"
        request.send(b"", 503, {"Retry-After": absurd}) if first else request.send(PICTURE)

    with Server(answer) as server, Client(rules(server.address)) as client:
        assert fetch_picture(client, f"{server.url}/a.jpg") == PICTURE


def test_an_error_of_the_server_may_pass() -> None:
    def answer(path: str, request: Request) -> None:
        request.send(b"", 502) if request.server.asked.count(path) < 3 else request.send(PICTURE)

    with Server(answer) as server, Client(rules(server.address, tries=3)) as client:
        assert fetch_picture(client, f"{server.url}/a.jpg") == PICTURE


def test_requests_to_one_host_keep_their_distance_and_the_one_that_it_wants() -> None:
    times: list[float] = []

    def answer(path: str, request: Request) -> None:
        times.append(time.monotonic())
        request.send(b"User-agent: *\nCrawl-delay: 0.3\n" if path == "/robots.txt" else PICTURE)

    with Server(answer) as server, Client(rules(server.address, interval=0.1)) as client:
        for number in range(3):
            fetch_picture(client, f"{server.url}/{number}")
    gaps = [after - before for before, after in pairwise(times)]
    assert gaps[0] >= 0.08 and min(gaps[1:]) >= 0.28


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    (folder / "cert.pem").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(private)
    return folder / "cert.pem", folder / "key.pem"


def test_a_certificate_that_nobody_signed_is_refused(tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*_certificate(tmp_path))
    with Server(_answer) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        with Client(rules(server.address)) as client, pytest.raises(Failed) as failed:
            client.get(f"https://{server.address}/picture.jpg", Checks(), 1000)
        assert failed.value.reason == "tls" and server.asked == []


def test_a_handshake_without_end_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with Client(rules(address, deadline=0.5)) as client, pytest.raises(Failed) as failed:
            client.get(f"https://{address}/a.jpg", Checks(), 1000)
    assert failed.value.reason == "deadline"
