"""Tells addresses inside the network from those outside, so that a calendar cannot lead the service about in it."""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult


async def is_inside(host: str) -> bool:
    """Whether `host` is an address inside, or a name of one as far as can be looked up."""
    found = _ip(host)
    if found is not None:
        return _inside(found)
    try:
        known = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return any(_inside(ip_address(str(entry[4][0]).partition("%")[0])) for entry in known)


class OutsideOnly(AbstractResolver):
    """Looks names up as usual, and knows none that leads inside: what is checked is what is connected to."""

    def __init__(self) -> None:
        self._all = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of `host`; OSError where one of them is inside."""
        found = await self._all.resolve(host, port, family)
        if any(_inside(ip_address(entry["host"].partition("%")[0])) for entry in found):
            raise OSError(f"{host} is inside this network")
        return found

    async def close(self) -> None:
        await self._all.close()


def _ip(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _inside(address: IPv4Address | IPv6Address) -> bool:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return not (mapped or address).is_global
