"""The fleet as a generator: exact numbers, repeatable, without heavy imports, careful with what lies there already."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtasts_nb.errors import LabError
from tests.fleet.archives import iter_reports, write_flat, write_sample
from tests.fleet.pack import gzipped, mbox
from tests.fleet.roster import senders
from tests.fleet.sample import main
from tests.fleet.shapes import SHAPES
from tests.fleet.world import INCIDENTS, DomainState, Timeline, world


def test_a_flat_archive_has_exactly_as_many_reports_as_asked_for(tmp_path: Path) -> None:
    done = write_flat(tmp_path, reports=700, days=20)
    files = sorted(tmp_path.iterdir())
    assert (done.reports, done.files, len(files)) == (700, 700, 700)
    assert done.size == sum(file.stat().st_size for file in files)
    reports = [json.loads(gzip.decompress(file.read_bytes())) for file in files]
    identities = {(r["organization-name"], r["report-id"], json.dumps(r["date-range"])) for r in reports}
    assert len(identities) == 700
    assert len({r["organization-name"] for r in reports}) > 16  # more senders than the eight
    assert max(file.stat().st_size for file in files) < 4096


def test_a_flat_archive_is_repeatable_and_grows_at_its_end(tmp_path: Path) -> None:
    for name, reports, seed in (("few", 60, 1), ("more", 90, 1), ("other", 60, 2)):
        write_flat(tmp_path / name, reports=reports, seed=seed, days=15)
    few, more, other = ({f.name: f.read_bytes() for f in (tmp_path / n).iterdir()} for n in ("few", "more", "other"))
    assert few.items() < more.items()
    assert few != other


def test_a_report_of_the_fleet_does_not_depend_on_how_many_days_follow() -> None:
    week, fortnight = list(iter_reports(days=7)), [json.dumps(report) for report in iter_reports(days=14)]
    assert week
    assert all(json.dumps(report) in fortnight for report in week)


def test_the_world_lasts_beyond_its_last_change() -> None:
    last = max(report["date-range"]["start-datetime"] for report in iter_reports(days=150))
    assert last.startswith("2026-11-30")


@pytest.mark.parametrize("write", [lambda p: write_flat(p, reports=3), write_sample], ids=["flat", "sample"])
def test_what_is_not_ours_is_left_alone(tmp_path: Path, write: object) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    with pytest.raises(LabError, match="new"):
        write(tmp_path)  # type: ignore[operator]
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_replacing_a_sample_keeps_what_somebody_put_beside_it(tmp_path: Path) -> None:
    write_sample(tmp_path, days=3)
    (tmp_path / "notes.txt").write_text("mine")
    write_sample(tmp_path, days=2, seed=3)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_neither_pandas_nor_the_rest_is_loaded() -> None:
    code = (
        "import sys; import tests.fleet.sample as s; "
        "heavy = {'pandas', 'numpy', 'pyarrow', 'matplotlib', 'dns', 'httpcore', 'aiosmtpd', 'mtasts_nb.reports'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "flat"), "--reports", "12", "--seed", "4", "--days", "9"]) == 0
    assert "12 reports in 12 files" in capsys.readouterr().out
    assert main([str(tmp_path / "flat"), "--size", "12"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main([str(tmp_path / "mixed"), "--days", "5"]) == 0
    assert (tmp_path / "mixed" / "truth.csv").exists()
    with pytest.raises(SystemExit) as refused:
        main([str(tmp_path / "none"), "--reports", "0"])
    assert refused.value.code == 2
    assert not (tmp_path / "none").exists()


def test_each_sender_has_a_shape_and_invented_names() -> None:
    eight = senders()
    assert len({sender.slug for sender in eight}) == len({sender.domain for sender in eight}) == 8
    assert {sender.shape for sender in eight} == set(SHAPES)
    assert all(sender.domain.endswith(".example") for sender in eight)


def test_every_incident_of_the_world_has_a_story() -> None:
    found = set()
    for timeline in world().values():
        for state in timeline.states:
            found |= {f.incident for f in (*state.mx_faults, *state.dane_faults)}
            found |= {state.fetch_fault.incident} if state.fetch_fault else set()
            found |= {state.moved} - {""}
    assert found == set(INCIDENTS)


def test_ids_change_with_every_policy_and_never_come_back() -> None:
    """RFC 8461 §3.1: the id tells one policy from the next."""
    for timeline in world().values():
        ids = [state.record_id for state in timeline.states if state.record_id]
        runs = [this for before, this in zip([None, *ids], ids, strict=False) if before != this]
        assert len(runs) == len(set(runs)) >= 4
        assert all(len(found) <= 32 and found.isalnum() for found in runs)


def test_changes_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="order"):
        Timeline.of("nordwind.example", DomainState(), {"2026-02-02": {}, "2026-01-01": {}})


@given(st.binary(max_size=2000), st.integers(1, 9))
def test_gzip_members_are_whole_and_bear_no_time(data: bytes, level: int) -> None:
    packed = gzipped(data, level)
    assert gzip.decompress(packed) == zlib.decompress(packed, 31) == data
    assert packed[3:10] == bytes(6) + b"\xff"


def test_a_line_of_a_mail_that_begins_with_from_does_not_split_the_mbox() -> None:
    """RFC 4155, appendix A: such lines are quoted."""
    assert mbox([(20_000, "Subject: x\n\nFrom Thursday on\n")]).count(b"\nFrom ") == 0
