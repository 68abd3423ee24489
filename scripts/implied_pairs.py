"""Count held-out pairs whose labels follow from train pairs: if a and b ask the same, and b and c, so do a and c.

python scripts/implied_pairs.py --data quora_question_pairs.tsv.gz

Prints the table of docs/results/experiments.md.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from results import SPLITS
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from textsiam import read_pairs


def implied(train: pd.DataFrame, part: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return which pairs of a part follow from train pairs as duplicates, and which as different ones: bool (n,)."""
    questions = pd.concat([train["question1"], train["question2"], part["question1"], part["question2"]])
    codes, names = pd.factorize(questions)
    first, second, held_first, held_second = np.split(codes, np.cumsum([len(train), len(train), len(part)]))
    same = train["is_duplicate"].to_numpy() == 1
    edges = coo_array((np.ones(same.sum()), (first[same], second[same])), shape=(len(names), len(names)))
    group = connected_components(edges, directed=False)[1]

    def keys(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        ends = np.sort([group[one], group[other]], axis=0).astype(np.int64)
        return ends[0] * len(names) + ends[1]

    duplicate = group[held_first] == group[held_second]
    different = np.isin(keys(held_first, held_second), keys(first[~same], second[~same])) & ~duplicate
    return duplicate, different


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the full pairs, tsv, gzipped or not")
    pairs = read_pairs(parser.parse_args().data)
    print("| part | pairs | follow as duplicates | of these labelled so | follow as different | of these labelled so |")
    print("|---|---|---|---|---|---|")
    for name, split in SPLITS.items():
        parts = split(pairs)
        for which in ("dev", "test"):
            part = getattr(parts, which)
            labels = part["is_duplicate"].to_numpy()
            duplicate, different = implied(parts.train, part)
            figures = (
                len(part),
                duplicate.sum(),
                labels[duplicate].sum(),
                different.sum(),
                (labels[different] == 0).sum(),
            )
            print(f"| {name} {which} | {' | '.join(f'{figure:,}' for figure in figures)} |")


if __name__ == "__main__":
    main()
