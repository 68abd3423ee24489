"""Kill a scoring run at random moments, go on with it each time, and compare the result with an uninterrupted run.

python scripts/kill_scoring.py --data quora_question_pairs.tsv.gz --kills 100

Prints how often it was killed, how many rows the last run did not have to score again, and how many bytes differ.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from textsiam import read_pairs


def main() -> None:
    """Score once in peace, once under fire."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the full pairs, tsv, gzipped or not")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    draw = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source = folder / "pairs.csv"
        read_pairs(args.data)[["id", "question1", "question2"]][: args.rows].to_csv(source, index=False)
        target, whole = folder / "scored.csv", folder / "whole.csv"
        command = [sys.executable, "-m", "textsiam", "score", str(source), "-o"]
        start = time.perf_counter()
        subprocess.run([*command, str(whole)], check=True, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        kills = finished = 0
        while kills < args.kills:
            process = subprocess.Popen([*command, str(target)], stderr=subprocess.PIPE, text=True)
            try:
                process.wait(draw.uniform(0, 1.3 * seconds))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
                continue
            if process.returncode:
                raise SystemExit(f"After {kills} kills: {process.stderr.read() if process.stderr else ''}")
            finished += 1
            compare(target, whole)
            target.unlink()
        last = subprocess.run([*command, str(target)], check=True, capture_output=True, text=True)
        compare(target, whole)
        print(f"{args.rows:,} rows, {kills} kills, {finished + 1} finished runs, all the same to the byte")
        print(last.stderr.strip().splitlines()[-1])


def compare(target: Path, whole: Path) -> None:
    """Stop where two files differ."""
    if target.read_bytes() != whole.read_bytes():
        raise SystemExit("The file differs from that of the uninterrupted run.")


if __name__ == "__main__":
    main()
