"""The look behind `DomainProbe`: its phases, without a kernel and without a widget."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import mtasts_nb as sts
from mtasts_nb.probe import Probe
from mtasts_nb.widgets._domain_probe import Phase, ProbeRun, Stop

SETTINGS = sts.ProbeSettings(deadline=20.0)


class Looker:
    """A look that ends when it is told to."""

    def __init__(self, result: Probe | BaseException) -> None:
        self.result = result
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.stops = 0

    def __call__(self, domain: str, settings: sts.ProbeSettings, begun: Callable[[Stop], None]) -> Probe:
        begun(self._stop)
        self.begun.set()
        assert self.go_on.wait(20)
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result

    def _stop(self) -> None:
        self.stops += 1
        self.go_on.set()


def test_idle_running_done(seen: Probe) -> None:
    look, now = Looker(seen), [100.0]
    run = ProbeRun(SETTINGS, prober=look, clock=lambda: now[0])
    phases = []
    run.on_change = lambda: phases.append(run.phase)
    assert (run.phase, run.probe, run.share) == (Phase.IDLE, None, 0.0)
    assert run.start(" nordwind.example ")
    assert look.begun.wait(20)
    now[0] = 105.0
    assert run.progress == "Probing nordwind.example: 5 seconds so far, 20 seconds at most."
    assert run.share == 0.25
    now[0] = 900.0
    assert run.share == 1.0, "never more than all of the time"
    assert not run.start("suedwind.example"), "one look at a time"
    look.go_on.set()
    assert run.wait(20)
    assert run.probe is seen
    assert phases == [Phase.RUNNING, Phase.DONE]
    assert run.message.startswith("Probed nordwind.example in ")
    assert run.share == 0.0


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (ValueError("'x y' is not a domain name."), "'x y' is not a domain name."),
        (OSError(24, "Too many open files"), "OSError: [Errno 24] Too many open files"),
        (RuntimeError("a\nb\x1b[31m"), "RuntimeError: a b\\x1b[31m"),
    ],
    ids=["value", "system", "hostile"],
)
def test_a_failing_look_leaves_its_message_and_the_look_before(seen: Probe, failure: Exception, message: str) -> None:
    look = Looker(failure)
    look.go_on.set()
    run = ProbeRun(SETTINGS, seen, prober=look)
    assert run.phase is Phase.DONE
    assert run.run("suedwind.example") is None
    assert (run.phase, run.message) == (Phase.FAILED, message)
    assert run.probe is seen
    look.result = seen
    assert run.run("nordwind.example") is seen, "and one can try again"


def test_stopped_early_keeps_the_look_before_and_not_what_was_cut_short(seen: Probe) -> None:
    look = Looker(seen)
    run = ProbeRun(SETTINGS, prober=look)
    run.stop()
    assert run.phase is Phase.IDLE, "nothing to stop"
    run.start("nordwind.example")
    assert look.begun.wait(20)
    run.stop()
    assert run.wait(20)
    assert (run.phase, run.probe, look.stops) == (Phase.STOPPED, None, 1)
    assert run.message == "The probe of nordwind.example was stopped."


def test_stopped_before_it_can_be_stopped(seen: Probe) -> None:
    """The button may be quicker than the first step."""
    stopped = []
    run = ProbeRun(SETTINGS, seen)

    def look(domain: str, settings: sts.ProbeSettings, begun: Callable[[Stop], None]) -> Probe:
        run.stop()
        begun(lambda: stopped.append(domain))
        return seen

    run._prober = look
    assert run.run("nordwind.example") is None
    assert stopped == ["nordwind.example"]
    assert run.phase is Phase.STOPPED


def test_the_stop_button_of_the_notebook_is_passed_on() -> None:
    look = Looker(KeyboardInterrupt())
    look.go_on.set()
    run = ProbeRun(SETTINGS, prober=look)
    with pytest.raises(KeyboardInterrupt):
        run.run("nordwind.example")
    assert run.phase is Phase.STOPPED


def test_no_domain_is_said_before_anything_is_asked() -> None:
    run = ProbeRun(SETTINGS)
    assert run.run("  ") is None
    assert run.message.startswith("give a domain: the part after the @")


def test_a_real_look_is_ended_at_once() -> None:
    with sts.lab.Lab("policy-host-silent", timeout=60.0) as lab:
        run = ProbeRun(lab.settings)
        handed = threading.Event()
        plain = run._can_stop
        run._can_stop = lambda stop: (plain(stop), handed.set())  # type: ignore[method-assign]
        run.start("nordwind.example")
        assert handed.wait(20)
        run.stop()
        assert run.wait(20), "long before the 60 seconds of its step"
    assert run.phase is Phase.STOPPED


def test_saved_and_read_again(seen: Probe, tmp_path: Path) -> None:
    run = ProbeRun(SETTINGS, seen)
    file = tmp_path / "domain.json"
    assert str(file) in run.save(f" {file} ")
    assert sts.load_probe(file) == seen
    assert "domain-2.json" in run.save(file), "no file is replaced"
    with pytest.raises(OSError, match="no-such-folder"):
        run.save(tmp_path / "no-such-folder" / "x.json")
    with pytest.raises(ValueError, match="nothing to save"):
        ProbeRun(SETTINGS).save(file)
