"""Holding out a part: every label in its share, every row once."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from textsiam.errors import TextsiamError
from textsiam.siamese.holding_out import hold_out


@given(st.lists(st.integers(0, 5), min_size=2, max_size=200), st.integers(0, 99), st.integers(1, 3))
def test_every_row_is_kept_or_held_out_and_both_parts_have_some(labels, seed, least):
    kept, held = hold_out(labels, seed, least=least)
    assert sorted([*kept, *held]) == list(range(len(labels)))
    assert len(kept)
    assert len(held)
    again = hold_out(labels, seed, least=least)
    assert [list(part) for part in again] == [list(kept), list(held)]


@given(st.lists(st.integers(10, 60), min_size=1, max_size=5), st.integers(0, 99))
def test_each_label_gives_its_tenth(sizes, seed):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    _, held = hold_out(np.random.default_rng(seed).permutation(labels), seed)
    assert len(held) == sum(size // 10 for size in sizes)
    counts = np.bincount(np.random.default_rng(seed).permutation(labels)[held], minlength=len(sizes))
    assert counts.tolist() == [size // 10 for size in sizes]


def test_labels_may_be_texts_and_another_seed_draws_others():
    labels = ["cat"] * 50 + ["dog"] * 50
    draws = {tuple(hold_out(labels, seed)[1]) for seed in range(10)}
    assert len(draws) == 10
    assert all(sum(row < 50 for row in held) == 5 for held in draws)


def test_one_row_cannot_be_parted():
    with pytest.raises(TextsiamError, match="two or more; got 1"):
        hold_out([1], 0)
