"""The bounded run of `make fuzz`: each seed, and the same mutations of the seeds every time."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz import targets
from tests.fuzz.mutations import mutated
from tests.fuzz.targets import CONTAINERS, CORPUS, TARGETS, Target, seeds

#: Executions, so that the whole file takes about ten seconds; one of these takes milliseconds.
_EXECUTIONS = 300
_FEWER = {"explain": 60, "snapshot": 40, "events": 60}


def test_every_target_has_seeds_and_every_folder_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    assert all(seeds(target) for target in TARGETS.values())
    assert sum(len(seed) for target in TARGETS.values() for seed in seeds(target)) < 200_000


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_breaks_a_promise(name: str) -> None:
    target: Target = TARGETS[name]
    for seed in seeds(target):
        target.run(seed)

    @settings(
        max_examples=_FEWER.get(name, _EXECUTIONS), derandomize=True, deadline=None, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(mutated(seeds(target)))
    def execute(data: bytes) -> None:
        target.run(data)

    execute()
    for batch in (targets._BATCHED, targets._BATCHED_LEAVES):
        batch.finish()


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_seed_of_a_container_leads_to_a_report(name: str) -> None:
    """Else the fuzzer would only try the doors."""
    leaves = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(targets._BATCHED_LEAVES, "take", leaves.append)
        for seed in seeds(TARGETS[name]):
            TARGETS[name].run(seed)
    assert any(b'"report-id"' in leaf for leaf in leaves)


def test_a_broken_promise_is_found() -> None:
    """The run fails where a reader raises: shown with a reader that does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(targets, "read_document", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            TARGETS["lenient"].run(seeds(TARGETS["lenient"])[0])
