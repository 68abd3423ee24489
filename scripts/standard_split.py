"""The standard split of the full pairs (Wang, Hamza and Florian 2017), by the ids in data/."""

from pathlib import Path

import pandas as pd

from textsiam.files.splits import Split, split_pairs

IDS = Path(__file__).resolve().parent.parent / "data" / "quora_split_ids.tsv.gz"


def standard_split(pairs: pd.DataFrame) -> Split:
    """Return train, dev and test of the full pairs."""
    return split_pairs(pairs, "ids", ids=IDS)
