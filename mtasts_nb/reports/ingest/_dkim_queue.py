"""The DKIM checks of all mails of one `load`, in an order and within budgets that strangers cannot turn against others.

Anyone can mail a report, and name any domain and selector in its signature. So nothing is asked of the DNS while mails
are read. Once all are known, the keys claimed on the most days come first: a reporter signs day after day, and a flood
of one night waits behind it. What was not checked because a budget was used up is noted as such, never as unsigned.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Final, NamedTuple

from ._dkim import MOST_WAIT, DnsFunc, Key, NotAsked, Signature, Verdict, author_domain, check, claims

__all__ = ["DkimCheck"]

#: Seconds for all mails together, and for those that claim one domain.
_DEADLINE: Final = 120.0
_DOMAIN_DEADLINE: Final = 30.0
#: In addition, for each signature: what a check of an ordinary mail takes, several times.
_PER_SIGNATURE: Final = 0.005
#: Key records asked for of one domain: far more than a reporter uses in years.
_MOST_SELECTORS: Final = 32
#: Mails that wait for their check, in bytes; the first of them in memory, the rest in a file without a name.
_IN_MEMORY: Final = 16 * 1024 * 1024
_MOST_WAITING: Final = 1024 * 1024 * 1024


class _Task(NamedTuple):
    """One signature to check."""

    mail: int
    position: int
    key: Key
    day: str
    offset: int
    size: int


class DkimCheck:
    """Takes mails, and checks all of them at the end; asks the DNS once per key.

    Parameters
    ----------
    dnsfunc : callable, optional
        Asked in place of the DNS; see `DnsFunc`.
    deadline, domain_deadline : float, optional
        Longest time in seconds, for all mails and for those that claim one domain.
    clock : callable, optional
        Seconds that only grow.
    """

    def __init__(
        self,
        dnsfunc: DnsFunc | None = None,
        *,
        deadline: float = _DEADLINE,
        domain_deadline: float = _DOMAIN_DEADLINE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = dnsfunc
        self._clock = clock
        self._left = deadline
        self._domain_left: defaultdict[str, float] = defaultdict(lambda: domain_deadline)
        #: By key its record, None where there is none, or in a text why it is not known.
        self._answers: dict[Key, bytes | str | None] = {}
        self._selectors: Counter[str] = Counter()
        self._begin()

    def _begin(self) -> None:
        self._waiting: tempfile.SpooledTemporaryFile[bytes] | None = None
        self._waiting_bytes = 0
        self._tasks: list[_Task] = []
        self._verdicts: list[list[Verdict]] = []
        self._authors: list[str | None] = []
        self._last: tuple[bytes, int] | None = None

    def take(self, mail: bytes, day: str) -> int:
        """Return the number of a mail, with which `verdicts` has its verdict; `day` is when it was received."""
        # Two reports of one mail come one after the other.
        if self._last is None or self._last[0] is not mail:
            number = len(self._verdicts)
            self._last = mail, number
            self._verdicts.append([])
            self._authors.append(author_domain(mail))
            claimed = claims(mail)
            if isinstance(claimed, Verdict):
                self._verdicts[number].append(claimed)
            elif self._waiting_bytes + len(mail) > _MOST_WAITING:
                self._verdicts[number].append(Verdict(Signature.NOT_CHECKED, None, "too many bytes of mails to check"))
            else:
                self._enqueue(number, mail, day, claimed)
        return self._last[1]

    def _enqueue(self, number: int, mail: bytes, day: str, claimed: list[Key | None]) -> None:
        if self._waiting is None:
            self._waiting = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by `close`
        self._waiting.seek(self._waiting_bytes)
        self._waiting.write(mail)
        for index, key in enumerate(claimed):
            if key is None:
                self._verdicts[number].append(Verdict(Signature.INVALID, None, "names no domain and selector"))
                continue
            self._tasks.append(_Task(number, index, key, day, self._waiting_bytes, len(mail)))
            self._left += _PER_SIGNATURE
            self._domain_left[key.domain] += _PER_SIGNATURE
        self._waiting_bytes += len(mail)

    def close(self) -> None:
        """Forget the mails that wait."""
        if self._waiting is not None:
            self._waiting.close()
        self._waiting = None

    def verdicts(self) -> list[Verdict]:
        """Check what waits, and return the verdict on each mail. What is used up and what the DNS answered is kept."""
        for task in self._in_order():
            self._verdicts[task.mail].append(self._verdict(task))
        best = [
            min(verdicts, key=lambda verdict: verdict.rank(author))
            for verdicts, author in zip(self._verdicts, self._authors, strict=True)
        ]
        self.close()
        self._begin()
        return best

    def _in_order(self) -> list[_Task]:
        """Return the tasks: keys claimed on most days first; of one key the smallest mail of each day, then the next."""
        days = Counter(key for key, _ in {(task.key, task.day) for task in self._tasks})
        turn: Counter[tuple[Key, str]] = Counter()
        turns = {}
        for task in sorted(self._tasks, key=lambda task: task.size):
            turns[task] = turn[task.key, task.day]
            turn[task.key, task.day] += 1
        return sorted(self._tasks, key=lambda task: (-days[task.key], task.key, turns[task], task.size, task))

    def _verdict(self, task: _Task) -> Verdict:
        assert self._waiting is not None, "a task has its mail in it"
        domain = task.key.domain
        for left, whose in ((self._left, "all DKIM checks"), (self._domain_left[domain], f"DKIM checks of {domain}")):
            if left <= 0:
                return Verdict(Signature.NOT_CHECKED, domain, f"the time for {whose} is used up")
        began = self._clock()
        self._waiting.seek(task.offset)
        verdict = check(self._waiting.read(task.size), task.position, task.key, lambda: self._record(task.key))
        took = self._clock() - began
        self._left -= took
        self._domain_left[domain] -= took
        return verdict

    def _record(self, key: Key) -> bytes | None:
        if key not in self._answers:
            self._answers[key] = self._answer(key)
        answer = self._answers[key]
        if isinstance(answer, str):
            raise NotAsked(answer)
        return answer

    def _answer(self, key: Key) -> bytes | str | None:
        if self._selectors[key.domain] >= _MOST_SELECTORS:
            return f"more than {_MOST_SELECTORS} keys of {key.domain} are claimed"
        self._selectors[key.domain] += 1
        try:
            return (self._ask or _resolver())(key.name, timeout=MOST_WAIT)
        except Exception as error:  # noqa: BLE001 - whatever a resolver raises: there is no answer
            return f"no answer from the DNS for the key of {key} ({type(error).__name__})"


def _resolver() -> DnsFunc:
    from dkim.dnsplug import get_txt

    ask: DnsFunc = get_txt
    return ask
