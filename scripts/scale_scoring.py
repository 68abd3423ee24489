"""Memory and throughput of `textsiam score` as tables grow, on the local engine and on Dask.

python scripts/scale_scoring.py --data quora_question_pairs.tsv.gz --out docs/bench

The tables repeat the pairs. A run that takes longer than --seconds is stopped; what it had brought to the disk counts.
Writes scoring.md. Needs the dask extra.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from itertools import cycle, islice
from pathlib import Path

import psutil
from machine import processor

from textsiam import __version__, load_model, read_pairs

ENGINES = {
    "local": [],
    "dask, 1 worker": ["--engine", "dask", "--workers", "1"],
    "dask, 2 workers": ["--engine", "dask", "--workers", "2"],
}
IN_MEMORY = 100_000  # pairs


@dataclass(frozen=True)
class Measured:
    """One run: rows scored in so many seconds, most bytes resident in one process and in all of them together."""

    rows: int
    seconds: float
    one_process: int
    together: int


def write_table(lines: list[bytes], header: bytes, rows: int, path: Path) -> None:
    """Write a table of so many rows, over and over those given."""
    with path.open("wb") as file:
        file.write(header)
        file.writelines(islice(cycle(lines), rows))


def run(source: Path, options: list[str], folder: Path, limit: float) -> Measured:
    """Score a table in a process of its own and watch its memory and that of its children."""
    target = folder / "scored.csv"
    command = [sys.executable, "-m", "textsiam", "score", str(source), "-o", str(target), "--force", *options]
    start, began = time.perf_counter(), time.time()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    watched = psutil.Process(process.pid)
    one = together = 0
    while process.poll() is None:
        sizes = []
        for member in [watched, *children(watched)]:
            try:
                sizes.append(member.memory_info().rss)
            except psutil.NoSuchProcess:
                continue
        one, together = max(one, *sizes, 0), max(together, sum(sizes))
        time.sleep(0.1)
        if time.perf_counter() - start > limit:
            process.send_signal(signal.SIGINT)
            break
    stopped = process.returncode is None
    seconds = time.perf_counter() - start
    said = process.communicate()[1]
    if stopped:
        rows, when = so_far(target)
        return Measured(rows, when - began, one, together)
    if process.returncode:
        raise SystemExit(said)
    return Measured(int(said.split(" rows")[0].split()[-1]), seconds, one, together)


def children(process: psutil.Process) -> list[psutil.Process]:
    """Return all descendants of a process; none when it has gone."""
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def so_far(target: Path) -> tuple[int, float]:
    """Return how many rows a stopped run had scored and brought to the disk, and when it last did so."""
    index = target.with_name(f"{target.name}.part") / "_parts.jsonl"
    if index.exists():
        rows = sum(json.loads(line)["summary"]["rows"] for line in index.read_text().splitlines())
        return rows, index.stat().st_mtime
    journal = target.with_name(f"{target.name}.journal")
    return json.loads(journal.read_text())["step"]["summary"]["rows"], journal.stat().st_mtime


def main() -> None:
    """Measure, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the full pairs, tsv, gzipped or not")
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--seconds", type=float, default=240, help="limit of a run")
    parser.add_argument("--out", type=Path, default=Path("docs/bench"))
    args = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it may be ignored, by children too
    pairs = read_pairs(args.data)[["id", "question1", "question2"]]
    model = load_model()
    first, second = (pairs[name].tolist()[:IN_MEMORY] for name in ("question1", "question2"))

    def in_memory() -> float:
        start = time.perf_counter()
        model.probabilities(first, second)
        return len(first) / (time.perf_counter() - start)

    lines = [
        f"Measured on {date.today()} on {processor()} with textsiam {__version__}, by `scripts/scale_scoring.py`: the "
        f"whole command, its start included. A run is stopped after {args.seconds:g} seconds; what it had brought to "
        "the disk by then counts, up to the time when it did. Memory is resident memory at its highest, in MB.",
        "",
        "| rows | engine | rows scored | pairs/s | µs a row | share of the in-memory rate | largest process | all |",
        "|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        pairs.to_csv(folder / "pairs.csv", index=False)
        header, *rows = (folder / "pairs.csv").read_bytes().splitlines(keepends=True)
        for size in args.rows:
            source = folder / f"{size}.csv"
            write_table(rows, header, size, source)
            for number, (engine, options) in enumerate(ENGINES.items()):
                memory_rate = in_memory()
                place = folder / f"{size}-{number}"
                place.mkdir()
                found = run(source, options, place, args.seconds)
                rate = found.rows / found.seconds
                share = f"{rate / memory_rate:.0%} of {memory_rate:,.0f}"
                memory = f"{found.one_process / 1e6:.0f} | {found.together / 1e6:.0f}"
                lines.append(
                    f"| {size:,} | {engine} | {found.rows:,} | {rate:,.0f} | {1e6 / rate:.1f} | {share} | {memory} |"
                )
                print(lines[-1], flush=True)
            source.unlink()
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "scoring.md").write_text("# Scoring tables of any size\n\n" + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
