"""Sums on codes are the sums that pandas gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from mtasts_nb.reports import sum_groups
from mtasts_nb.store._sums import Groups

TEXTS = st.one_of(st.none(), st.sampled_from(["", "a", "b", "ä", "\x00"]), st.text(max_size=2))
ROWS = st.lists(st.tuples(TEXTS, st.one_of(st.none(), st.integers(0, 2**40)), st.integers(-5, 2**53)), max_size=30)


@given(st.lists(ROWS, min_size=1, max_size=4))
def test_sums_of_several_files(files: list[list[tuple[str | None, int | None, int]]]) -> None:
    groups = Groups(["policy_domain", "policy_max_age"])
    for rows in files:
        domain = pa.array([row[0] for row in rows], pa.string()).dictionary_encode()
        age = pa.array([row[1] for row in rows], pa.int64())
        groups.add({"policy_domain": domain, "policy_max_age": age}, [np.array([row[2] for row in rows], np.int64)])
    every = [row for rows in files for row in rows]
    keys = pd.DataFrame(
        {
            "policy_domain": pd.array([row[0] for row in every], dtype="str"),
            "policy_max_age": pd.array([row[1] for row in every], dtype="Int64"),
        }
    )
    expected = sum_groups(keys, np.array([row[2] for row in every], np.int64), "failed")
    pd.testing.assert_frame_equal(groups.frame(["failed"]), expected, check_categorical=False)


def test_a_sum_above_what_a_float_holds_is_exact() -> None:
    groups = Groups(["policy_domain"])
    groups.add({"policy_domain": "a.example"}, [np.array([2**60, 1, 1], np.int64)])
    assert groups.frame(["failed"])["failed"].tolist() == [2**60 + 2]


def test_many_keys_do_not_overflow() -> None:
    """Seven keys with a thousand values each are more combinations than int64 has numbers."""
    keys = [f"key{number}" for number in range(7)]
    values = pa.array([str(number) for number in range(1000)]).dictionary_encode()
    groups = Groups(keys)
    groups.add(dict.fromkeys(keys, values), [np.ones(1000, np.int64)])
    groups.add(dict.fromkeys(keys, values), [np.ones(1000, np.int64)])
    assert groups.frame(["n"])["n"].tolist() == [2] * 1000


def test_parts_of_other_processes_are_merged() -> None:
    left, right = Groups(["policy_domain"]), Groups(["policy_domain"])
    left.add({"policy_domain": pa.array(["a", "b"])}, [np.array([1, 2])])
    right.add({"policy_domain": pa.array(["b", "c", None])}, [np.array([3, 4, 5])])
    left.merge(*right.parts())
    assert left.frame(["n"]).astype("object").to_numpy().tolist()[:3] == [["a", 1], ["b", 5], ["c", 4]]
    assert left.frame(["n"])["n"].sum() == 15
