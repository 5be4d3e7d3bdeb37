"""Sockets with a deadline: every wait ends by itself, or at once when the probe is stopped.

All of the probe's traffic goes through one `Network`: it leads addresses by `ProbeSettings.routes`, keeps away from
private ones, holds the number of connections to one server down, and closes everything at the end.
"""

from __future__ import annotations

import errno
import ipaddress
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from OpenSSL import SSL

from ..settings import ProbeSettings

__all__ = ["Deadline", "Network", "StepError", "Stream", "Throttle", "address_problem"]

# Not routed on the internet, beyond what `ipaddress` calls private: shared address space (RFC 6598), and the IPv6 forms
# that carry an IPv4 address. The documentation networks are no danger and belong to the lab.
_DOCUMENTATION = tuple(
    ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SHARED = ipaddress.IPv4Network("100.64.0.0/10")

# What a socket says when this machine has no way out: our lack, not theirs.
_NO_WAY_OUT = frozenset({errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EACCES, errno.EPERM, errno.EAFNOSUPPORT,
                         errno.ENETDOWN, errno.EMFILE, errno.ENFILE})  # fmt: skip


class StepError(Exception):
    """A step did not get to its end. `observed` is False where the cause is on our side."""

    def __init__(self, reason: str, detail: str, *, observed: bool = True) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.observed = observed


def address_problem(address: str) -> str:
    """Return why an address is not one of the internet's, or nothing.

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
    """A moment by which a step has to be done, never later than that of the whole probe."""

    __slots__ = ("at", "ours")

    def __init__(self, seconds: float, whole: Deadline | None = None) -> None:
        self.at = time.monotonic() + seconds
        #: Whether it is the probe's own end that cuts the step short: then the other side is not to blame.
        self.ours = whole is None
        if whole is not None and whole.at < self.at:
            self.at, self.ours = whole.at, True

    def left(self) -> float:
        """Return the seconds left, not below 0."""
        return max(0.0, self.at - time.monotonic())

    def error(self, step: str) -> StepError:
        """Return what to raise when it has passed."""
        if self.ours:
            return StepError("deadline", f"the time for the whole probe ran out in {step}", observed=False)
        return StepError("timeout", f"no answer in time: {step}")


class Throttle:
    """At most so many connections to one server at once, over all probes of a run."""

    def __init__(self, per_server: int) -> None:
        self._per_server = per_server
        self._lock = threading.Lock()
        self._servers: dict[tuple[str, int], threading.Semaphore] = {}

    def of(self, address: str, port: int) -> threading.Semaphore:
        """Return the semaphore of a server."""
        with self._lock:
            return self._servers.setdefault((address, port), threading.Semaphore(self._per_server))


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
        # One byte in this pair, never read, wakes every wait of every thread at once.
        self._bell, self._rope = socket.socketpair()
        self._stopped = False

    def step(self, times: float = 1.0) -> Deadline:
        """Return the deadline of a step that begins now; some steps are given more than one `settings.timeout`."""
        return Deadline(times * self.settings.timeout, self.whole)

    def stop(self) -> None:
        """Make every wait, present and to come, end at once."""
        with self._lock:
            if not self._stopped:
                self._stopped = True
                self._rope.send(b"!")

    def close(self) -> None:
        """Close all that is open. No thread may be waiting any more."""
        with self._lock:
            self._stopped = True
            for sock in (*self._sockets, self._bell, self._rope):
                sock.close()
            self._sockets.clear()

    def open_sockets(self) -> int:
        """Return how many sockets are open."""
        with self._lock:
            return len(self._sockets)

    def _open(self, family: int, kind: int) -> socket.socket:
        with self._lock:
            if self._stopped:
                raise StepError("stopped", "the probe was stopped", observed=False)
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
            A moment (monotonic seconds) before the deadline at which to come back with an empty list.
        """
        if self._stopped:
            raise StepError("stopped", "the probe was stopped", observed=False)
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        for sock in read:
            poll.register(sock, select.POLLIN)
        for sock in write:
            poll.register(sock, select.POLLOUT)
        end = deadline.at if until is None else min(deadline.at, until)
        # Rounded up: a wait of half a millisecond must not become a busy loop.
        ready = [number for number, _ in poll.poll(max(0, int((end - time.monotonic()) * 1000) + 1))]
        if self._bell.fileno() in ready:
            raise StepError("stopped", "the probe was stopped", observed=False)
        if not ready and deadline.left() <= 0:
            raise deadline.error(step)
        return ready

    def route(self, address: str, port: int, *, trusted: bool = False) -> tuple[int, tuple[str, int]]:
        """Return the address family, and where to connect for an address; raise where it must not be contacted.

        A resolver that the user configured is `trusted`: those are private addresses more often than not.
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
        """Wait for a free place at a server, and hold it."""
        place = self._throttle.of(address, port)
        while not place.acquire(timeout=min(0.1, self.whole.left())):
            if self._stopped:
                raise StepError("stopped", "the probe was stopped", observed=False)
            if self.whole.left() <= 0:
                raise self.whole.error("waiting for a place at the server")
        try:
            yield
        finally:
            place.release()

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
            if code == errno.EHOSTUNREACH:  # at once: this machine's own table of routes says so
                code = errno.ENETUNREACH
            if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
                raise OSError(code, errno.errorcode.get(code, "error"))  # noqa: TRY301
            if code:
                self.wait(deadline, "connecting", write=(sock,))
                if code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    raise OSError(code, errno.errorcode.get(code, "error"))  # noqa: TRY301
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            self.discard(sock)
            raise _as_step_error(error, "connecting") from error
        except BaseException:
            self.discard(sock)
            raise
        return Stream(self, sock)


def _as_step_error(error: OSError, step: str) -> StepError:
    code = error.errno
    if code in _NO_WAY_OUT:
        return StepError(
            "no-way-out", f"no way out from this machine: {errno.errorcode.get(code or 0)}", observed=False
        )
    if code == errno.ECONNREFUSED:
        return StepError("refused", "connection refused")
    if code == errno.ETIMEDOUT:
        return StepError("timeout", f"no answer in time: {step}")
    if code in (errno.EHOSTUNREACH, errno.EHOSTDOWN):
        return StepError("unreachable", "no route to the host")
    if code in (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ENOTCONN, errno.ESHUTDOWN):
        return StepError("closed", f"connection reset: {step}")
    return StepError("closed", f"{step}: {errno.errorcode.get(code or 0, 'error')}")


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
        """Send all of it."""
        view = memoryview(payload)
        while view:
            if self._closed:
                raise StepError("closed", f"the connection is closed: {step}")
            try:
                sent = self._tls.send(view) if self._tls else self._sock.send(view)
            except (BlockingIOError, SSL.WantWriteError):
                self._network.wait(deadline, step, write=(self._sock,))
            except SSL.WantReadError:
                self._network.wait(deadline, step, read=(self._sock,))
            except (SSL.Error, OSError) as error:
                raise _broken(error, step) from error
            else:
                view = view[sent:]

    def receive(self, size: int, deadline: Deadline, step: str) -> bytes:
        """Return up to `size` bytes; nothing once the other side has closed."""
        while True:
            if self._closed:
                raise StepError("closed", f"the connection is closed: {step}")
            if deadline.left() <= 0:  # an endless drip is always ready: look at the clock before the socket
                raise deadline.error(step)
            try:
                return self._tls.recv(size) if self._tls else self._sock.recv(size)
            except (BlockingIOError, SSL.WantReadError):
                self._network.wait(deadline, step, read=(self._sock,))
            except SSL.WantWriteError:
                self._network.wait(deadline, step, write=(self._sock,))
            except SSL.ZeroReturnError:
                return b""
            except (SSL.Error, OSError) as error:
                raise _broken(error, step) from error

    def start_tls(self, context: SSL.Context, name: str, deadline: Deadline) -> SSL.Connection:
        """Do the handshake, with `name` as SNI; return the TLS connection."""
        tls = SSL.Connection(context, self._sock)
        tls.set_tlsext_host_name(name.encode("ascii"))
        tls.set_connect_state()
        while True:
            if deadline.left() <= 0:
                raise deadline.error("the TLS handshake")
            try:
                tls.do_handshake()
            except SSL.WantReadError:
                self._network.wait(deadline, "the TLS handshake", read=(self._sock,))
            except SSL.WantWriteError:
                self._network.wait(deadline, "the TLS handshake", write=(self._sock,))
            except (SSL.Error, OSError) as error:
                raise _broken(error, "the TLS handshake") from error
            else:
                self._tls = tls
                return tls

    def close(self) -> None:
        """Close it, once, without waiting for the other side's goodbye."""
        if self._closed:
            # OpenSSL keeps the bare file number, which may be another connection's by now.
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
        # OpenSSL's queue: (library, function, reason); the reason is what a person can look up.
        queue = error.args[0] if error.args and isinstance(error.args[0], list | tuple) else []
        words = "; ".join(str(entry[-1]) for entry in queue if entry)
        if "unexpected eof" in words:
            return StepError("closed", f"the connection was closed: {step}")
        return StepError("tls", f"{step}: {words or 'TLS error'}")
    return _as_step_error(error, step) if isinstance(error, OSError) else StepError("closed", str(error))
