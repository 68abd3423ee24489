"""Get the full Quora Question Pairs and write the standard train, dev and test sets.

python scripts/get_quora.py                                          # downloads it
python scripts/get_quora.py --file quora_duplicate_questions.tsv     # takes a local copy
"""

import argparse
import hashlib
import http.client
import urllib.request
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from textsiam.errors import TextsiamError
from textsiam.files.pairs import read_pairs
from textsiam.files.splits import SIDES, split_pairs
from textsiam.training.data import check_labels

URL = "http://qim.fs.quoracdn.net/quora_duplicate_questions.tsv"
DATA = Path(__file__).resolve().parent.parent / "data"
COLUMNS = ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"]
MIN_ROWS = 390_000
DUPLICATES = (0.36, 0.38)


def main() -> None:
    """Fetch or take the file, check it, split it, write the three sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, help="a local copy, .tsv or .tsv.gz, instead of the download")
    parser.add_argument("--out", type=Path, default=DATA / "full", help="folder to write to (default: %(default)s)")
    args = parser.parse_args()
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        file = args.file or download(URL, args.out / URL.rpartition("/")[2])
        pairs = read_quora(file)
        print(f"{file}: {len(pairs):,} pairs, sha256 {hashlib.sha256(file.read_bytes()).hexdigest()}")
        split = split_pairs(pairs, "ids", ids=DATA / "quora_split_ids.tsv.gz")
        for side in SIDES:
            write_tsv(getattr(split, side), args.out / f"{side}.tsv.gz")
            print(f"{args.out / side}.tsv.gz: {split.sizes[side]:,} pairs")
    except (TextsiamError, OSError) as error:
        raise SystemExit(f"{error}") from error


def download(url: str, file: Path) -> Path:
    """Fetch a file to a temporary name beside its own, then rename it; one that is there is kept."""
    if file.exists():
        return file
    part = file.with_name(file.name + ".part")
    try:
        with urllib.request.urlopen(url, timeout=60) as response, part.open("wb") as out:
            expected = int(response.headers.get("Content-Length", 0))
            with tqdm(total=expected or None, unit="B", unit_scale=True, desc=file.name) as progress:
                while chunk := response.read(1 << 20):
                    out.write(chunk)
                    progress.update(len(chunk))
    except (OSError, http.client.HTTPException) as error:
        raise TextsiamError(f"{url} could not be fetched: {error}. Get it by hand and name it with --file.") from error
    if expected and part.stat().st_size != expected:
        raise TextsiamError(f"{url} broke off: {part.stat().st_size} of {expected} bytes came. Run this again.")
    return part.rename(file)


def read_quora(file: Path) -> pd.DataFrame:
    """Read the full data set and demand that it is the one."""
    pairs = read_pairs(file)
    share = check_labels(pairs["is_duplicate"], f"The labels of {file}").mean()
    if list(pairs.columns) != COLUMNS:
        raise TextsiamError(f"{file} must have the columns {', '.join(COLUMNS)}; it has: {', '.join(pairs.columns)}.")
    if len(pairs) < MIN_ROWS:
        raise TextsiamError(f"{file} must have at least {MIN_ROWS:,} pairs; it has {len(pairs):,}. Fetch it again.")
    if not DUPLICATES[0] <= share <= DUPLICATES[1]:
        low, high = DUPLICATES
        raise TextsiamError(f"{file} must have {low} to {high} duplicates; it has {share:.3f}. Is it the full file?")
    return pairs


def write_tsv(pairs: pd.DataFrame, file: Path) -> None:
    """Write a .tsv.gz that is the same to the byte in every run."""
    pairs.to_csv(file, sep="\t", index=False, lineterminator="\n", compression={"method": "gzip", "mtime": 0})


if __name__ == "__main__":
    main()
