"""The probe against checkdmarc on the same domain, on the real ports: in a network namespace of its own.

checkdmarc knows no routes, so the lab has to be where the internet is: a namespace whose loopback device carries the
lab's documentation addresses, with relays from the real ports to the lab's, and a resolv.conf that names its resolver.
Run by itself inside the namespace, this module prints the seconds of both as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from mtasts_nb.lab import Lab
from mtasts_nb.probe import probe

from .setting import Figure, Setting

DOMAIN = "nordwind.example"
_ROUNDS = 5
_UNSHARE = ("unshare", "--user", "--map-root-user", "--net", "--mount")
# The parts of checkdmarc that look at what the probe looks at: MX hosts with STARTTLS, MTA-STS, TLS reporting. Its SPF,
# DMARC and BIMI checks are left out.
_PEER = """
import json, logging, sys, time
logging.disable(logging.CRITICAL)
import checkdmarc.mta_sts, checkdmarc.smtp, checkdmarc.smtp_tls_reporting
domain, rounds = sys.argv[1], int(sys.argv[2])
times = []
for _ in range(rounds):
    for name in dir(checkdmarc.smtp):  # its caches would make every look but the first a look-up in memory
        cache = getattr(checkdmarc.smtp, name)
        if name.endswith("CACHE") and hasattr(cache, "clear"):
            cache.clear()
    begun = time.perf_counter()
    how = {"nameservers": ["192.0.2.53"], "timeout": 5.0}
    mx = checkdmarc.smtp.get_mx_hosts(domain, check_mx_tls=True, **how)
    sts = checkdmarc.mta_sts.check_mta_sts(domain, **how)
    reporting = checkdmarc.smtp_tls_reporting.check_smtp_tls_reporting(domain, **how)
    times.append(time.perf_counter() - begun)
print(json.dumps({"seconds": times, "mta_sts": sts.get("valid"), "reporting": reporting.get("valid"),
                  "starttls": [host.get("starttls") for host in mx["hosts"]]}))
"""


def race(setting: Setting, round_trip: float) -> Iterator[Figure]:
    """Yield how many times faster the probe is; a figure without a bar, and the reason, where it cannot be run."""
    name = "probe, times faster than checkdmarc on the same domain (3 MX hosts)"
    if setting.peer is None:
        yield Figure(f"{name}: not run, no peers", float("nan"), "x")
        return
    command = [*_UNSHARE, sys.executable, "-m", __name__, setting.peer.python, str(round_trip)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1:]
        yield Figure(f"{name}: not run, {' '.join(said)}", float("nan"), "x")
        return
    times = json.loads(done.stdout.splitlines()[-1])
    ours, theirs = statistics.median(times["ours"]), statistics.median(times["theirs"])
    yield Figure(
        name,
        theirs / ours,
        "x",
        3,
        at_least=True,
        beside=f"{ours:.2f} s, every address, against {theirs:.2f} s, one address of each host; "
        f"its verdicts: MTA-STS {times['mta_sts']}, STARTTLS {times['starttls']}",
    )


async def _relay(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while piece := await source.read(65536):
            sink.write(piece)
            await sink.drain()
    except OSError:
        pass
    finally:
        sink.close()


class _Datagrams(asyncio.DatagramProtocol):
    """Passes each datagram on from a socket of its own, and the answer back."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        outer = self._transport

        class Back(asyncio.DatagramProtocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self.transport = transport
                transport.sendto(data)  # type: ignore[attr-defined]

            def datagram_received(self, data: bytes, _addr: object) -> None:
                outer.sendto(data, addr)  # type: ignore[attr-defined]
                self.transport.close()

        loop = asyncio.get_running_loop()
        self._last = loop.create_task(loop.create_datagram_endpoint(Back, remote_addr=self._target))


async def _serve(routes: dict[tuple[str, int], tuple[str, int]], ready: threading.Event) -> None:
    loop = asyncio.get_running_loop()
    for (address, port), target in routes.items():

        async def talk(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: tuple[str, int] = target
        ) -> None:
            inner_reader, inner_writer = await asyncio.open_connection(*to)
            await asyncio.gather(_relay(reader, inner_writer), _relay(inner_reader, writer))

        await asyncio.start_server(talk, address, port)
        if port == 53:
            await loop.create_datagram_endpoint(lambda to=target: _Datagrams(to), local_addr=(address, port))
    ready.set()
    await asyncio.Event().wait()


def _inside(python: str, round_trip: float) -> dict[str, object]:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with Lab(variant="three-mx", latency=round_trip) as lab, tempfile.TemporaryDirectory() as folder:
        settings = lab.settings
        for address in sorted({address for address, _ in settings.routes}):
            nodad = ["nodad"] if ":" in address else []
            subprocess.run(["ip", "address", "add", address, "dev", "lo", *nodad], check=True)
        resolv = Path(folder, "resolv.conf")
        resolv.write_text("".join(f"nameserver {server}\n" for server in settings.nameservers))
        subprocess.run(["mount", "--bind", str(resolv), "/etc/resolv.conf"], check=True)
        ready = threading.Event()
        relays = threading.Thread(target=lambda: asyncio.run(_serve(dict(settings.routes), ready)), daemon=True)
        relays.start()
        assert ready.wait(10)
        # The same way for both: by the real addresses and ports, through the relays.
        direct = replace(settings, routes={})
        ours = []
        for _ in range(_ROUNDS):
            begun = perf_counter()
            assert probe(DOMAIN, direct).findings.codes == ()
            ours.append(perf_counter() - begun)
        roots = str(settings.trust_roots)
        environment = {**os.environ, "SSL_CERT_FILE": roots, "REQUESTS_CA_BUNDLE": roots}
        peer = [python, "-c", _PEER, DOMAIN, str(_ROUNDS)]
        done = subprocess.run(peer, capture_output=True, text=True, env=environment, timeout=240, check=False)
        if done.returncode:
            raise SystemExit(done.stderr.strip().splitlines()[-1])
        theirs = json.loads(done.stdout.splitlines()[-1])
        return {"ours": ours, "theirs": theirs["seconds"], "mta_sts": theirs["mta_sts"], "starttls": theirs["starttls"]}


if __name__ == "__main__":
    print(json.dumps(_inside(sys.argv[1], float(sys.argv[2]))))
