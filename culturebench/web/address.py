"""Which addresses may be connected to: public ones, whatever a name resolves to."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection, Iterator
from typing import Final

from culturebench.web.failed import Failed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: What `is_global` calls public, in some versions of Python or rightly, and must not be connected to.
_CLOSED: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "168.63.129.16/32",  # Azure's metadata service
        "192.0.0.0/24",  # IETF protocol assignments; Oracle's metadata service among them
        "192.88.99.0/24",  # relays of 6to4
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
    )
)
#: Prefixes behind which a translator reaches an IPv4 address, its last 32 bits (RFC 6052, RFC 8215).
_NAT64: Final = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))


def is_public(address: Address) -> bool:
    """Whether the address is on the open internet, and whichever IPv4 address lies in an IPv6 one is so, too."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = list(_embedded(address))
        if inner:
            return all(is_public(one) for one in inner)
        if address.is_site_local or address.scope_id:
            return False
    unusable = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local
    return address.is_global and not unusable and not any(address in network for network in _CLOSED)


def resolve(host: str, port: int, allowed: Collection[str]) -> list[tuple[str, int]]:
    """The public addresses of a host as (address, port), resolved once; `Failed` when there are none.

    `allowed` holds `address:port` of servers that tests run on this machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        passing = error.errno == socket.EAI_AGAIN
        raise Failed("no_such_host", "the host's name does not resolve", passing=passing) from None
    except (UnicodeError, ValueError):
        raise Failed("bad_url", "the host is no name") from None
    numbers = dict.fromkeys(str(place[4][0]) for place in found)
    public = [number for number in numbers if _may_connect(number, port, allowed)]
    if not public:
        raise Failed("address", "the host's address is not a public one")
    return [(number, port) for number in public]


def _may_connect(number: str, port: int, allowed: Collection[str]) -> bool:
    return f"{number}:{port}" in allowed or is_public(ipaddress.ip_address(number))


def _embedded(address: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if any(address in network for network in _NAT64):
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
