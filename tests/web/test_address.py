"""Only public addresses are connected to."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from culturebench.web.address import is_public, resolve
from culturebench.web.failed import Failed


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "169.254.0.1", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192",
        "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
        "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1",
        "::127.0.0.1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
        "2002:7f00:1::", "2002:a9fe:a9fe::", "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::1",
        "2001:0:7f00:1::", "100::1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_on_the_open_internet_is_refused(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "208.80.154.224", "2620:0:861:ed1a::1", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"]
)
def test_a_public_address_is_accepted_also_behind_a_translator(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "::1", "::ffff:7f00:1"]
)
def test_this_machine_is_refused_under_each_of_its_names(host: str) -> None:
    with pytest.raises(Failed) as refused:
        resolve(host, 80, ())
    assert refused.value.reason == "address"


def test_an_allowance_is_for_one_address_and_port_only() -> None:
    assert resolve("127.0.0.1", 8000, {"127.0.0.1:8000"}) == [("127.0.0.1", 8000)]
    for host, port in (("127.0.0.1", 8001), ("127.0.0.2", 8000)):
        with pytest.raises(Failed):
            resolve(host, port, {"127.0.0.1:8000"})


def test_of_several_addresses_only_the_public_ones_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, port)) for number in ("10.0.0.1", "1.1.1.1")]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert resolve("two.example", 443, ()) == [("1.1.1.1", 443)]


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 300, "xn--" + "z" * 70, "bad host", ""])
def test_a_host_without_an_address_is_a_failure_and_not_a_crash(host: str) -> None:
    with pytest.raises(Failed) as failed:
        resolve(host, 80, ())
    assert failed.value.reason in ("no_such_host", "bad_url", "address")
