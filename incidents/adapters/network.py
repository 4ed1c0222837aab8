"""Tells addresses inside the network from those outside, so that nobody can lead the service about in it."""

import asyncio
import socket
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import AddrInfoType, ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))
_METADATA = frozenset(  # where clouds tell a machine its own secrets, beside the link-local addresses
    map(ip_address, ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"))
)
_THIS_HOST = ip_network("0.0.0.0/8")  # a connection to it ends at this machine


class Whereabouts(StrEnum):
    OUTSIDE = "outside"
    INSIDE = "inside"  # this machine and private networks
    NOWHERE = "nowhere"  # what no target is: link-local, metadata of clouds, multicast, reserved


class Forbidden(OSError):
    """An address that may not be connected to; says why."""


async def is_inside(host: str) -> bool:
    """Whether `host` is an address inside, or a name of one as far as can be looked up."""
    found = _ip(host)
    if found is not None:
        return whereabouts(found) is not Whereabouts.OUTSIDE
    try:
        known = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return any(whereabouts(_address(str(entry[4][0]))) is not Whereabouts.OUTSIDE for entry in known)


class OutsideOnly(AbstractResolver):
    """Looks names up as usual, and knows none that leads inside: what is checked is what is connected to."""

    def __init__(self) -> None:
        self._all = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of `host`; OSError where one of them is inside."""
        found = await self._all.resolve(host, port, family)
        if any(whereabouts(_address(entry["host"])) is not Whereabouts.OUTSIDE for entry in found):
            raise Forbidden(f"{host} is inside this network")
        return found

    async def close(self) -> None:
        await self._all.close()


class Guard(AbstractResolver):
    """Checks every address of a name when it is looked up, and again the one that a socket is made for."""

    def __init__(self, names: AbstractResolver, *, inside: bool) -> None:
        self._names, self._inside = names, inside

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of `host`; Forbidden where any of them may not be connected to."""
        found = await self._names.resolve(host, port, family)
        for entry in found:
            self.check(entry["host"])
        return found

    def socket(self, info: AddrInfoType) -> socket.socket:
        """A socket for an address about to be connected to, however it was come by; Forbidden where it may not be."""
        self.check(str(info[4][0]))
        return new_socket(info)

    def check(self, address: str) -> None:
        match whereabouts(_address(address)):
            case Whereabouts.OUTSIDE:
                return
            case Whereabouts.INSIDE if self._inside:
                return
            case Whereabouts.INSIDE:
                raise Forbidden("it leads inside this network, and the connection does not say inside: true")
            case Whereabouts.NOWHERE:
                raise Forbidden("it leads to an address that no target may have, such as one of a cloud's metadata")

    async def close(self) -> None:
        """The resolver is whose who gave it."""


def whereabouts(address: IPv4Address | IPv6Address) -> Whereabouts:
    """Where `address` leads, seen through every form that carries an IPv4 address in an IPv6 one."""
    if address in _METADATA:
        return Whereabouts.NOWHERE
    if isinstance(address, IPv6Address) and (carried := _carried(address)) is not None:
        return whereabouts(carried)
    if address.is_loopback or (isinstance(address, IPv6Address) and address.is_site_local):
        return Whereabouts.INSIDE
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return Whereabouts.NOWHERE
    if address in _THIS_HOST:
        return Whereabouts.NOWHERE
    return Whereabouts.OUTSIDE if address.is_global else Whereabouts.INSIDE


def new_socket(info: AddrInfoType) -> socket.socket:
    """A socket that is not connected yet."""
    family, kind, protocol, _, _ = info
    return socket.socket(family, kind, protocol)


def _carried(address: IPv6Address) -> IPv4Address | None:
    if address.is_loopback or address.is_unspecified:
        return None
    if any(address in network for network in _TRANSLATED):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo is not None else None)


def _ip(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return _address(host)
    except ValueError:
        return None


def _address(text: str) -> IPv4Address | IPv6Address:
    return ip_address(text.partition("%")[0])
