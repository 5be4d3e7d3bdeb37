"""postfix-mta-sts-resolver, led into a lab: reads one lab per line of JSON, writes what it decides.

A process of its own, for it leaves sockets open. Everything that decides is the peer's own code; only its resolver's
port, its connections' targets and its trusted root are the lab's.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import ssl
import sys

import aiodns
import aiohttp
from aiohttp.abc import AbstractResolver
from postfix_mta_sts_resolver import resolver as peer

SESSION = aiohttp.ClientSession


class Routed(AbstractResolver):
    """Resolves host names by the lab's DNS, to the loopback ports that serve their addresses."""

    def __init__(self, lab):
        self.routes = {(address, port): tuple(target) for address, port, target in lab["routes"]}
        self.dns = resolver(lab)

    async def resolve(self, host, port=0, family=socket.AF_INET):
        targets = []
        for rdtype in ("A", "AAAA"):
            try:
                answers = await self.dns.query(host, rdtype)
            except aiodns.error.DNSError:
                continue
            for answer in answers:
                if (address := getattr(answer, "host", None)) and (target := self.routes.get((address, port))):
                    targets.append(
                        {"hostname": host, "host": target[0], "port": target[1], "family": socket.AF_INET,
                         "proto": 0, "flags": 0}
                    )  # fmt: skip
        if not targets:
            raise OSError(f"{host} has no address that can be reached")
        return targets

    async def close(self):
        pass


def resolver(lab):
    return aiodns.DNSResolver(
        nameservers=["127.0.0.1"], udp_port=lab["dns"], tcp_port=lab["dns"], timeout=lab["timeout"], tries=1
    )


async def decide(lab):
    trust = ssl.create_default_context(cafile=lab["roots"])

    def session(**options):
        options.pop("loop")
        return SESSION(connector=aiohttp.TCPConnector(resolver=Routed(lab), ssl=trust), **options)

    peer.aiohttp.ClientSession = session
    sender = peer.STSResolver(timeout=lab["timeout"], loop=asyncio.get_running_loop())
    sender._resolver = resolver(lab)
    status, policy = await sender.resolve(lab["domain"])
    return {"status": status.name, "mode": policy[1]["mode"] if policy else None}


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    for line in sys.stdin:
        print(json.dumps(asyncio.run(decide(json.loads(line)))), flush=True)
