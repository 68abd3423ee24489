"""Lists of pairs: what is read, drawn and streamed."""

import tracemalloc

import numpy as np
import pytest

from textsiam.images.data.pairs import PairList, read_pair_list


@pytest.fixture
def album(tmp_path, saved):
    """Nine pictures whose every pixel is their number."""
    for number in range(9):
        saved(tmp_path / "shots" / f"{number}.png", np.full((4, 3), number, np.uint8))
    return tmp_path


def listed(folder, rows, header="path_a,path_b,same", name="pairs.csv"):
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def numbers(paths):
    return [int(path.stem) for path in paths]


def test_pairs_are_streamed_in_order(album):
    path = listed(
        album, [f"shots/{a}.png,shots/{b}.png,{same}" for a, b, same in [(0, 1, 1), (2, 3, 0), (0, 8, "True")]]
    )
    pairs = read_pair_list(path)
    assert isinstance(pairs, PairList)
    assert (numbers(pairs.paths_a), numbers(pairs.paths_b)) == ([0, 2, 0], [1, 3, 8])
    assert pairs.same.tolist() == [1, 0, 1]
    assert pairs.same.dtype == np.int8
    batches = list(pairs.batches(2, size=(4, 3), channels=1))
    assert [len(same) for _, _, same in batches] == [2, 1]
    for side, expected in ((0, [0, 2, 0]), (1, [1, 3, 8])):
        found = np.concatenate([batch[side] for batch in batches])
        assert found.dtype == np.uint8
        assert found.shape == (3, 4, 3, 1)
        assert found[:, 0, 0, 0].tolist() == expected
        assert (found == found[:, :1, :1]).all()
    (a, b, _), *_ = pairs.batches(3, size=(8, 8), channels=3)
    assert a.shape == b.shape == (3, 8, 8, 3)


def test_pairs_are_shuffled_by_seed_and_epoch(album):
    path = listed(album, [f"shots/{n % 9}.png,shots/{n // 9}.png,{n % 2}" for n in range(81)])
    pairs = read_pair_list(path)

    def order(**chance):
        batches = list(pairs.batches(10, size=(4, 3), channels=1, **chance))
        assert len(batches) == 9
        a, b, same = (np.concatenate(column) for column in zip(*batches, strict=True))
        return (a[:, 0, 0, 0] + 9 * b[:, 0, 0, 0].astype(int)).tolist(), same.tolist()

    plain, _ = order()
    one, same = order(seed=1)
    assert plain == list(range(81))
    assert sorted(one) == plain
    assert same == [number % 2 for number in one]
    assert order(seed=1) == (one, same)
    assert len({tuple(order(**chance)[0]) for chance in ({"seed": 1}, {"seed": 2}, {"seed": 1, "epoch": 1})}) == 3


def test_pairs_are_never_all_in_memory(album, saved):
    for number in range(9):
        saved(album / "shots" / f"{number}.png", np.full((100, 100), number, np.uint8))
    pairs = read_pair_list(listed(album, [f"shots/{n % 9}.png,shots/{n % 7}.png,{n % 2}" for n in range(2000)]))
    tracemalloc.start()
    for _ in pairs.batches(20, size=(100, 100), channels=1):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000  # all of them are 40 MB, a batch 0.4 MB


@pytest.mark.parametrize("header", ["path_a,path_b", "path_a,path_b,same"])
def test_positives_only_draw_as_many_negatives(album, header):
    kin = [(0, 1), (1, 2), (3, 4), (5, 6), (5, 7), (8, 8)]  # four families: 0 1 2, 3 4, 5 6 7, 8
    path = listed(
        album, [f"shots/{a}.png,shots/../shots/{b}.png" + ",1" * header.endswith("same") for a, b in kin], header
    )
    family = {0: 0, 1: 0, 2: 0, 3: 1, 4: 1, 5: 2, 6: 2, 7: 2, 8: 3}
    met = set()
    for seed in range(60):
        pairs = read_pair_list(path, seed=seed)
        a, b = numbers(pairs.paths_a), numbers(pairs.paths_b)
        assert pairs.same.tolist() == [1, 0] * 6
        assert list(zip(a[::2], b[::2], strict=True)) == kin
        assert a[1::2] == a[::2]
        assert all(family[one] != family[other] for one, other in zip(a[1::2], b[1::2], strict=True))
        met |= set(zip(a[1::2], b[1::2], strict=True))
    ends = {b for _, b in kin}
    assert met == {(a, b) for a, _ in kin for b in ends if family[a] != family[b]}
    again = read_pair_list(path, seed=59)
    assert (again.paths_a, again.paths_b) == (pairs.paths_a, pairs.paths_b)


def test_bad_lists_are_refused(album, refused):
    good = "shots/0.png,shots/1.png"
    assert "no column 'path_b'; it has: path_a, other" in refused(read_pair_list, listed(album, [good], "path_a,other"))
    message = refused(read_pair_list, listed(album, [f"{good},1", "shots/0.png,shots/99.png,0"]))
    assert "row 2" in message
    assert "99.png, named in path_b" in message
    assert "row 1 has '2'" in refused(read_pair_list, listed(album, [f"{good},2"]))
    assert "no pair that is the same" in refused(read_pair_list, listed(album, [f"{good},0"]))
    joined = listed(album, [good, "shots/1.png,shots/2.png"], "path_a,path_b")
    assert "join all pictures" in refused(read_pair_list, joined)
    assert "0 rows" in refused(read_pair_list, listed(album, []))
    assert "gone.csv" in refused(read_pair_list, album / "gone.csv")
    assert "is an address" in refused(read_pair_list, "https://example.org/pairs.csv")
    for picture in ("https://example.org/a.png", "a" * 5000, "a\0b", "", "shots"):
        assert "row 1" in refused(read_pair_list, listed(album, [f"{picture},shots/1.png,1"]))
    pairs = read_pair_list(listed(album, [f"{good},1", "shots/0.png,shots/3.png,0"]))
    assert "not 0" in refused(lambda: next(pairs.batches(0, size=(4, 3), channels=1)))
    (album / "shots" / "3.png").write_bytes(b"damaged")
    assert "3.png is no png" in refused(lambda: list(pairs.batches(2, size=(4, 3), channels=1)))
