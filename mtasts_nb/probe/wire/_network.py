"""Sockets with a deadline: every wait ends by itself, or at once when the probe is stopped.

All of the probe's traffic goes through one `Network`: it applies `ProbeSettings.routes`, does not connect to private
addresses, limits the number of connections to one server, and closes everything at the end.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar

from OpenSSL import SSL

from ...settings import ProbeSettings
from ...vocabulary import Status
from ._threads import Throttle

__all__ = ["Deadline", "Network", "StepError", "Stream", "address_problem"]

T = TypeVar("T")

# Not routed on the internet, beyond what `ipaddress` calls private: shared address space (RFC 6598), and the IPv6 forms
# that carry an IPv4 address. The documentation networks are no danger and belong to the lab.
_DOCUMENTATION = tuple(
    ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SHARED = ipaddress.IPv4Network("100.64.0.0/10")


# Errors of a socket by number: Windows has numbers of its own (WSAE…) for what POSIX calls by the same names.
def _numbers(*names: str) -> frozenset[int]:
    return frozenset(
        number
        for name in names
        for prefix in ("", "WSA")
        if (number := getattr(errno, prefix + name, None)) is not None
    )


# This machine has no way out.
_NO_WAY_OUT = _numbers(
    "ENETUNREACH", "EADDRNOTAVAIL", "EACCES", "EPERM", "EAFNOSUPPORT", "ENETDOWN", "EMFILE", "ENFILE"
)
_NO_ROUTE = _numbers("EHOSTUNREACH", "EHOSTDOWN")
_TIMED_OUT = _numbers("ETIMEDOUT")
_CONNECTING = _numbers("EINPROGRESS", "EWOULDBLOCK")


# Of the selectors, these two open no file of their own for each wait; Windows has only the second.
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


class StepError(Exception):
    """A step was not completed: it failed, or, if the cause is on our side, was not observed."""

    def __init__(self, reason: str, detail: str, *, observed: bool = True) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.status = Status.FAILED if observed else Status.NOT_OBSERVED


def address_problem(address: str) -> str:
    """Return why an address is not reachable on the internet; empty if it is.

    Examples
    --------
    >>> address_problem("127.0.0.1"), address_problem("192.0.2.7"), address_problem("::ffff:10.0.0.1")
    ('loopback address', '', 'private address')
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return address_problem(str(inner))
    if any(ip in net for net in _DOCUMENTATION if net.version == ip.version):
        return ""
    for test, word in (
        (ip.is_unspecified, "unspecified address"),
        (ip.is_loopback, "loopback address"),
        (ip.is_link_local, "link-local address"),
        (ip.is_multicast, "multicast address"),
        (ip.is_private or ip in _SHARED if ip.version == 4 else ip.is_private or ip.is_site_local, "private address"),
        (ip.is_reserved or not ip.is_global, "reserved address"),
    ):
        if test:
            return word
    return ""


class Deadline:
    """The time by which a step must be completed, never later than that of the whole probe."""

    __slots__ = ("at", "ours")

    def __init__(self, seconds: float, whole: Deadline | None = None) -> None:
        self.at = time.monotonic() + seconds
        #: Whether it is the deadline of the whole probe: then the other side is not to blame.
        self.ours = whole is None
        if whole is not None and whole.at < self.at:
            self.at, self.ours = whole.at, True

    def left(self) -> float:
        """Return the seconds left, not below 0."""
        return max(0.0, self.at - time.monotonic())

    def error(self, step: str) -> StepError:
        """Return what to raise when it has passed."""
        if self.ours:
            return StepError("deadline", f"the deadline of the whole probe passed: {step}", observed=False)
        return StepError("timeout", f"no answer in time: {step}")


class Network:
    """The way out for one probe.

    Parameters
    ----------
    settings : ProbeSettings
        Routes, time limits, and whether private addresses may be contacted.
    throttle : Throttle, optional
        Shared by the probes of one run.
    """

    def __init__(self, settings: ProbeSettings, throttle: Throttle | None = None) -> None:
        self.settings = settings
        self.whole = Deadline(settings.deadline)
        self._throttle = throttle or Throttle(per_server=4)
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        # One byte in this pair, never read, ends every wait of every thread at once.
        self._stop_receiver, self._stop_sender = socket.socketpair()
        self._stopped = False

    def step(self, times: float = 1.0) -> Deadline:
        """Return the deadline of a step that begins now, `times` as long as `settings.timeout`."""
        return Deadline(times * self.settings.timeout, self.whole)

    def stop(self) -> None:
        """End all waits immediately, and all later ones."""
        with self._lock:
            if not self._stopped:
                self._stopped = True
                self._stop_sender.send(b"!")

    def close(self) -> None:
        """Close everything. No thread may still be waiting."""
        with self._lock:
            self._stopped = True
            for sock in (*self._sockets, self._stop_receiver, self._stop_sender):
                sock.close()
            self._sockets.clear()

    def _open(self, family: int, kind: int) -> socket.socket:
        with self._lock:
            if self._stopped:
                raise self._stop_error()
            try:
                sock = socket.socket(family, kind)
            except OSError as error:
                raise StepError("no-way-out", f"this machine: {error.strerror or error}", observed=False) from error
            sock.settimeout(0)
            self._sockets.add(sock)
        return sock

    def discard(self, sock: socket.socket) -> None:
        """Close one socket."""
        with self._lock:
            self._sockets.discard(sock)
        sock.close()

    def wait(self, deadline: Deadline, step: str, *, read: tuple[socket.socket, ...] = (),
             write: tuple[socket.socket, ...] = (), until: float | None = None) -> list[int]:  # fmt: skip
        """Wait until a socket is ready; return the file numbers of those that are.

        Parameters
        ----------
        deadline : Deadline
            When to give up with `StepError`.
        step : str
            What is being waited for, for the error.
        read, write : tuple of socket
            What to watch.
        until : float, optional
            A time (monotonic seconds) before the deadline at which to return an empty list.
        """
        if self._stopped:
            raise self._stop_error()
        end = deadline.at if until is None else min(deadline.at, until)
        with _Selector() as selector:
            for sock in (self._stop_receiver, *read):
                selector.register(sock, selectors.EVENT_READ)
            for sock in write:
                selector.register(sock, selectors.EVENT_WRITE)
            # At least a millisecond, so that a wait of less does not become a busy loop.
            ready = [key.fd for key, _ in selector.select(max(0.001, end - time.monotonic()))]
        if self._stop_receiver.fileno() in ready:
            raise self._stop_error()
        if not ready and deadline.left() <= 0:
            raise deadline.error(step)
        return ready

    @staticmethod
    def _stop_error() -> StepError:
        return StepError("stopped", "the probe was stopped", observed=False)

    def route(self, address: str, port: int, *, trusted: bool = False) -> tuple[int, tuple[str, int]]:
        """Return the address family and the endpoint for an address; raise if it must not be contacted.

        A resolver that the user configured is `trusted`: most have private addresses.
        """
        target = self.settings.routes.get((address, port))
        if target is None:
            problem = address_problem(address)
            if problem and not trusted and not self.settings.allow_private:
                raise StepError("private-address", f"{address} is not contacted: {problem}", observed=False)
            target = (address, port)
        family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
        return family, target

    @contextmanager
    def turn(self, address: str, port: int) -> Iterator[None]:
        """Wait until another connection to a server is allowed, and count this one until the end."""
        slot = self._throttle.of(address, port)
        while not slot.acquire(timeout=min(0.1, self.whole.left())):
            if self._stopped:
                raise self._stop_error()
            if self.whole.left() <= 0:
                raise self.whole.error("waiting for other connections to the server")
        try:
            yield
        finally:
            slot.release()

    def datagrams(self, address: str, port: int, *, trusted: bool = False) -> socket.socket:
        """Return a UDP socket that takes answers from one server only."""
        family, target = self.route(address, port, trusted=trusted)
        sock = self._open(family, socket.SOCK_DGRAM)
        try:
            sock.connect(target)
        except OSError as error:
            self.discard(sock)
            raise _as_step_error(error, "sending") from error
        return sock

    def connect(self, address: str, port: int, *, trusted: bool = False) -> Stream:
        """Return a TCP connection."""
        family, target = self.route(address, port, trusted=trusted)
        deadline = self.step()
        sock = self._open(family, socket.SOCK_STREAM)
        try:
            code = sock.connect_ex(target)
            if code in _NO_ROUTE:  # at once: from this machine's own routing table, no packet was sent
                code = errno.ENETUNREACH
            if code in _CONNECTING:
                self.wait(deadline, "connecting", write=(sock,))
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise OSError(code, os.strerror(code))  # noqa: TRY301
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            self.discard(sock)
            raise _as_step_error(error, "connecting") from error
        except BaseException:
            self.discard(sock)
            raise
        return Stream(self, sock)


def _as_step_error(error: OSError, step: str) -> StepError:
    number = error.errno or 0
    name = errno.errorcode.get(number, type(error).__name__)
    if number in _NO_WAY_OUT:
        return StepError("no-way-out", f"no way out from this machine: {name}", observed=False)
    if isinstance(error, ConnectionRefusedError):
        return StepError("refused", "connection refused")
    if isinstance(error, TimeoutError) or number in _TIMED_OUT:
        return StepError("timeout", f"no answer in time: {step}")
    if number in _NO_ROUTE:
        return StepError("unreachable", "no route to the host")
    if isinstance(error, ConnectionError):
        return StepError("closed", f"connection reset: {step}")
    return StepError("closed", f"{step}: {name}")


class Stream:
    """A TCP connection, plain at first, TLS after `start_tls`."""

    def __init__(self, network: Network, sock: socket.socket) -> None:
        self._network = network
        self._sock = sock
        self._tls: SSL.Connection | None = None
        self._closed = False

    @property
    def tls(self) -> SSL.Connection | None:
        """The TLS connection, once there is one."""
        return self._tls

    def send(self, payload: bytes, deadline: Deadline, step: str) -> None:
        """Send everything."""
        view = memoryview(payload)
        send = self._tls.send if self._tls else self._sock.send
        while view:
            view = view[self._repeat(partial(send, view), deadline, step, sends=True) :]

    def receive(self, size: int, deadline: Deadline, step: str) -> bytes:
        """Return up to `size` bytes; none once the other side has closed the connection."""

        def receive() -> bytes:
            try:
                return self._tls.recv(size) if self._tls else self._sock.recv(size)
            except SSL.ZeroReturnError:
                return b""

        return self._repeat(receive, deadline, step)

    def start_tls(self, context: SSL.Context, name: str, deadline: Deadline) -> SSL.Connection:
        """Do the handshake, with `name` as SNI; return the TLS connection."""
        tls = SSL.Connection(context, self._sock)
        tls.set_tlsext_host_name(name.encode("ascii"))
        tls.set_connect_state()
        self._repeat(tls.do_handshake, deadline, "the TLS handshake")
        self._tls = tls
        return tls

    def _repeat(self, call: Callable[[], T], deadline: Deadline, step: str, *, sends: bool = False) -> T:
        """Return the result of a call that does not block, once the socket is ready for it."""
        while True:
            if self._closed:
                raise StepError("closed", f"the connection is closed: {step}")
            if deadline.left() <= 0:  # a server that never ends is always ready: the clock is checked first
                raise deadline.error(step)
            try:
                return call()
            except (BlockingIOError, SSL.WantReadError, SSL.WantWriteError) as error:
                writes = sends if isinstance(error, BlockingIOError) else isinstance(error, SSL.WantWriteError)
            except (SSL.Error, OSError) as error:
                raise _broken(error, step) from error
            watched = (self._sock,)
            self._network.wait(deadline, step, read=() if writes else watched, write=watched if writes else ())

    def close(self) -> None:
        """Close it, once, without waiting for the other side to do the same."""
        if self._closed:
            # OpenSSL keeps the file number only, which may belong to another connection by now.
            return
        self._closed = True
        if self._tls is not None:
            with suppress(SSL.Error, OSError):
                self._tls.shutdown()
        self._network.discard(self._sock)


def _broken(error: Exception, step: str) -> StepError:
    """Return the error of a connection that broke: closed by the other side, or a TLS alert."""
    if isinstance(error, SSL.SysCallError):
        return StepError("closed", f"the connection was closed: {step}")
    if isinstance(error, SSL.Error):
        # OpenSSL's queue: (library, function, reason). An early end is a SysCallError: pyOpenSSL goes by OpenSSL's code.
        queue = error.args[0] if error.args and isinstance(error.args[0], list | tuple) else []
        text = "; ".join(str(entry[-1]) for entry in queue if entry)
        return StepError("tls", f"{step}: {text or 'TLS error'}")
    return _as_step_error(error, step) if isinstance(error, OSError) else StepError("closed", str(error))
