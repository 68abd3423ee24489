"""Draw the sample of Quora Question Pairs that the repository holds, from the full file.

python scripts/make_sample.py --file quora_duplicate_questions.tsv
"""

import argparse
import gzip
from pathlib import Path

import pandas as pd
from get_quora import DATA, read_quora, write_tsv

from textsiam.errors import TextsiamError
from textsiam.files.splits import split_pairs

IDS = "quora_split_ids.tsv.gz"
TRAIN_PAIRS = 20_000
DEV_PAIRS = 2_000


def main() -> None:
    """Draw train and dev, write them and the ids of the standard split."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, required=True, help="the full data set, .tsv or .tsv.gz")
    parser.add_argument("--ids", type=Path, default=DATA / IDS, help="the standard split, .tsv or .tsv.gz")
    parser.add_argument("--out", type=Path, default=DATA, help="folder to write to (default: %(default)s)")
    args = parser.parse_args()
    try:
        split = split_pairs(read_quora(args.file), "ids", ids=args.ids)
        args.out.mkdir(parents=True, exist_ok=True)
        for name, pairs, size in (("train", split.train, TRAIN_PAIRS), ("dev", split.dev, DEV_PAIRS)):
            sample = draw(pairs, size)
            write_tsv(sample, args.out / f"quora_sample_{name}.tsv.gz")
            print(f"{name}: {len(sample):,} pairs, {sample['is_duplicate'].mean():.2%} duplicates")
        ids = args.ids.read_bytes()
        ids = gzip.decompress(ids) if args.ids.suffix == ".gz" else ids
        (args.out / IDS).write_bytes(gzip.compress(ids, mtime=0))
    except (TextsiamError, OSError) as error:
        raise SystemExit(f"{error}") from error


def draw(pairs: pd.DataFrame, size: int) -> pd.DataFrame:
    """Draw pairs uniformly, stratified by label, in the order of their ids."""
    share = size / len(pairs)
    return split_pairs(pairs, "random", fractions=(1 - share, share, 0)).dev.sort_values("id", key=pd.to_numeric)


if __name__ == "__main__":
    main()
