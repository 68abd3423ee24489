"""Measure speed and accuracy, textsiam's and others', all in one run: the figures of docs/bench and the README's chart.

pip install -r scripts/bench-requirements.txt
python scripts/bench.py --data quora_question_pairs.tsv.gz --out docs/bench

Sides that are compared take turns; a figure is the median of the rounds, a ratio the median of the rounds' ratios.
Whatever is timed runs twice each time, and the second run counts. Writes bench.json, bench.md, bench.svg and bench.png.
Runs on Linux.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}

import bench_systems as others
import numpy as np
import pandas as pd
from bench_report import KERAS, MINILM, Results, write_report
from standard_split import standard_split
from threadpoolctl import threadpool_limits

from textsiam import load_model, read_pairs, score_file, similarity
from textsiam.files.opening import open_table
from textsiam.inference.lstm import by_beginning, product_rows, shared_beginnings
from textsiam.scoring.rows import CHUNK
from textsiam.siamese.measures import vector_similarities
from textsiam.siamese.thresholds import choose_threshold
from textsiam.text.lexical import Lexicon, lexical_similarities

ROWS, BLOCK = 1024, 2048  # questions of a step of the encoder; pairs compared together
STAGES = ("text", "encoder", "pairs", "file")
# A child's peak memory begins with that of the process that starts it: a small one does.
LAUNCHER = """import json, os, subprocess, sys, time
start = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), time.perf_counter() - start, usage.ru_maxrss / 1024]))
"""


@dataclass(frozen=True)
class Sizes:
    """How much is measured: pairs a round of each side, rounds, calls, processes, pairs to measure and choose on."""

    pairs: int
    minilm: int = 1_000
    tfidf: int = 10_000
    profile: int = 20_000
    rounds: int = 5
    calls: int = 3_000
    keras_calls: int = 300
    starts: int = 7
    dev: int = 10_000
    training: int = 100_000
    tuning: int = 4_000


QUICK = Sizes(2_000, 64, 512, 2_000, 2, 200, 20, 1, 400, 2_000, 400)


@dataclass
class System:
    """A point of the chart; ``pairs`` are scored a round, a threshold of None is chosen on training pairs."""

    score: others.Scorer
    pairs: int
    threshold: float | None = None
    accuracy: float = float("nan")


class Done(float):
    """The moment when a side had done its work, where that is not when it returns."""


def in_turns(
    sides: dict[str, Callable[[], Any]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, np.ndarray]:
    """Return the seconds that each side took in each round; every other round goes backwards.

    A side runs twice and the second time counts: a virtual machine may lose free memory to its host within seconds, and
    what it takes to get it back (2 ms a MB, measured) says nothing about a side, but would count against who waited.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds):
        for name in list(sides)[:: -1 if number % 2 else 1]:
            sides[name]()
            start = clock()
            result = sides[name]()
            seconds[name].append((result if isinstance(result, Done) else clock()) - start)
    return {name: np.array(values) for name, values in seconds.items()}


def keras_predict(network: Any, inputs: dict[str, np.ndarray]) -> Done:
    """Predict with Keras; return when the last batch was done, as TensorFlow sometimes takes seconds to clear up."""
    import keras

    ends: list[float] = []
    clock = keras.callbacks.LambdaCallback(on_predict_end=lambda *_: ends.append(time.perf_counter()))
    network.predict(inputs, batch_size=others.BATCH, callbacks=[clock], verbose=0)
    return Done(ends[0])


def launch(*arguments: str) -> tuple[float, float]:
    """Run Python with these arguments; return the seconds from start to end and the peak memory in MB."""
    command = [sys.executable, "-c", LAUNCHER, sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    code, seconds, megabytes = json.loads(done.stdout)
    if code:
        raise SystemExit(f"{done.stderr}\nThis failed: python {' '.join(arguments)}")
    return seconds, megabytes


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this thread on one core, with one BLAS thread."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        with threadpool_limits(1):
            yield
    finally:
        os.sched_setaffinity(0, cores)


def run(steps: Iterable[Any]) -> None:
    """Go through the steps and keep nothing, as results kept would cost fresh memory."""
    deque(steps, maxlen=0)


def columns(table: pd.DataFrame, rows: int | None = None) -> tuple[list[str], list[str]]:
    """Return the first and the second questions of the first rows."""
    return table["question1"][:rows].tolist(), table["question2"][:rows].tolist()


def measure_accuracy(systems: dict[str, System], tuning: pd.DataFrame, dev: pd.DataFrame) -> None:
    """Fill in the accuracies on dev; thresholds are chosen on training pairs, half of them duplicates as in dev."""
    for system in systems.values():
        if system.threshold is None:
            system.threshold = choose_threshold(system.score(*columns(tuning)), tuning["is_duplicate"]).value
        system.accuracy = float(np.mean((system.score(*columns(dev)) >= system.threshold) == dev["is_duplicate"]))


def measure_throughput(
    model: Any, network: Any, systems: dict[str, System], pairs: pd.DataFrame, size: Sizes, folder: Path
) -> dict[str, list[float]]:
    """Return the pairs/s of every side in every round."""
    source, scored = folder / "pairs.csv", folder / "scored.csv"
    pairs[["id", "question1", "question2"]].to_csv(source, index=False)
    inputs = others.keras_inputs(model, *columns(pairs))
    sides: dict[str, Callable[[], Any]] = {}
    for name, system in systems.items():
        sides[name] = partial(system.score, *columns(pairs, system.pairs))
    sides[KERAS] = lambda: keras_predict(network, inputs)  # ids ready-made
    sides["score_file"] = lambda: score_file(source, scored, model=model, overwrite=True)
    sides["textsiam score"] = lambda: launch("-m", "textsiam", "score", str(source), "-o", str(scored), "--force")
    seconds = in_turns(sides, size.rounds)
    counts = {name: min(systems[name].pairs, len(pairs)) if name in systems else len(pairs) for name in sides}
    return {name: (counts[name] / values).tolist() for name, values in seconds.items()}


def measure_latency(model: Any, network: Any, pairs: pd.DataFrame, size: Sizes) -> dict[str, list[float]]:
    """Return p50 and p99, in ms, of one warm pair; the pairs are distinct, the Keras sides get their ids ready-made."""
    question1, question2 = columns(pairs)
    inputs = others.keras_inputs(model, *columns(pairs, size.keras_calls))
    ready = [{name: value[i : i + 1] for name, value in inputs.items()} for i in range(size.keras_calls)]
    calls: dict[str, tuple[Callable[[int], Any], int]] = {
        "textsiam": (lambda i: similarity(question1[i], question2[i], model=model), size.calls),
        KERAS: (lambda i: network.predict(ready[i], verbose=0), size.keras_calls),
        "Keras model(x)": (lambda i: network(ready[i]), size.keras_calls),
    }
    milliseconds: dict[str, list[float]] = {name: [] for name in calls}
    for part in range(size.rounds):
        for name, (call, count) in calls.items():
            call(0)
            for i in range(part, count, size.rounds):
                start = time.perf_counter()
                call(i)
                milliseconds[name].append(1e3 * (time.perf_counter() - start))
    return {name: np.percentile(values, (50, 99)).tolist() for name, values in milliseconds.items()}


def measure_starts(starts: int) -> dict[str, list[tuple[float, float]]]:
    """Return seconds and peak MB of each fresh process that answers one pair, by side."""
    place = f"import sys; sys.path.insert(0, {os.fspath(Path(__file__).resolve().parent)!r})"
    codes = {
        "textsiam": f"from textsiam import is_duplicate; print(is_duplicate{others.FIRST})",
        "Keras": f"{place}; from bench_systems import keras_first; keras_first()",
    }
    rounds = [{name: launch("-c", code) for name, code in codes.items()} for _ in range(starts + 1)]
    return {name: [values[name] for values in rounds[1:]] for name in codes}


def encoder_steps(ids: np.ndarray, lengths: np.ndarray, direction: int) -> Iterator[tuple[int, np.ndarray]]:
    """Give how many states each step of the encoder multiplies, and the tokens that it takes in."""
    sequences = ids.copy()
    for row, length in zip(sequences, lengths, strict=True) if direction else ():
        row[:length] = row[:length][::-1]
    order = by_beginning(sequences, lengths)
    for start in range(0, len(order), ROWS):
        rows = order[start : start + ROWS]
        new, _ = shared_beginnings(sequences[rows, : lengths[rows].max()], lengths[rows])
        for step, multiplied in enumerate(product_rows(new.sum(axis=0))):
            yield multiplied, sequences[rows[new[:, step]], step]


def read_whole(path: Path) -> None:
    """Read a table piece by piece, as scoring does."""
    with open_table(path) as table:
        run(table.chunks(CHUNK))


def profile(model: Any, pairs: pd.DataFrame, rounds: int, folder: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Time the parts of scoring a CSV on one core, each on its own with the same data, by the process's time.

    Returns:
        Microseconds a pair by part; ``one core`` and ``all cores``: µs a pair of scoring in memory, ``encoder`` and
        ``product``: GFLOP/s of the encoder and of one plain matrix product, ``share`` of the two. Counted are the
        recurrent products, which the first step does without; words are projected before, once in a model's life.
    """
    source, scored = folder / "profile.csv", folder / "profiled.csv"
    pairs[["id", "question1", "question2"]].to_csv(source, index=False)
    question1, question2 = columns(pairs)
    numbers = {text: number for number, text in enumerate(dict.fromkeys(question1 + question2))}
    texts = list(numbers)
    ids, lengths = model.preprocessor.encode_padded(texts)

    shape, network, weights = model.architecture, model.network, model.network.weights
    units, directions = shape.units, 2 if shape.encoder == "bilstm" else 1
    projected = weights["embedding.embeddings"] @ weights["forward.kernel"][:, :units]
    steps = [tokens for number in range(directions) for tokens in encoder_steps(ids, lengths, number)]
    active = [multiplied for multiplied, _ in steps if multiplied]
    state, gates = np.ones((ROWS, units), np.float32), np.empty((4, ROWS, units), np.float32)
    plain_gates = np.empty((ROWS, 4 * units), np.float32)
    recurrent = weights["forward.recurrent_kernel"]
    blocks = np.ascontiguousarray(recurrent.reshape(units, 4, units).swapaxes(0, 1))  # a block a gate
    work = 8 * units * units * sum(active)
    products = work // (8 * units * units * ROWS) + 1

    vectors = network.encode(ids, lengths).vectors
    first, second = (np.array([numbers[text] for text in texts]) for texts in (question1, question2))
    order = np.argsort(np.maximum(lengths[first], lengths[second]), kind="stable")
    couples = [(first[r], second[r]) for r in (order[i : i + BLOCK] for i in range(0, len(order), BLOCK))]
    cut = [[ids[side, : max(lengths[a].max(), lengths[b].max())] for side in (a, b)] for a, b in couples]
    lexicon = Lexicon.of(weights)
    lexical = [lexical_similarities(shape.lexical, *pair, lexicon) for pair in cut]

    instant = copy(model)  # what is left of scoring a file when the answers take no time
    instant.probabilities = lambda first, _: np.full(len(first), 0.5)

    sides: dict[str, Callable[[], Any]] = {
        "encoder: gathering": lambda: run(projected[tokens] for _, tokens in steps for _ in range(4)),
        "encoder: matrix products": lambda: run(np.matmul(state[:k], blocks, out=gates[:, :k]) for k in active),
        "pairs: lexical measures": lambda: run(lexical_similarities(shape.lexical, *pair, lexicon) for pair in cut),
        "pairs: vector measures": lambda: run(
            vector_similarities(shape.vector, vectors[a], vectors[b], np) for a, b in couples
        ),
        "file: CSV reading": lambda: read_whole(source),
    }
    wholes: dict[str, Callable[[], Any]] = {
        "text": lambda: model.preprocessor.encode_padded(texts),
        "encoder": lambda: network.encode(ids, lengths),
        "product": lambda: run(np.matmul(state, recurrent, out=plain_gates) for _ in range(products)),
        "score": lambda: run(
            network.score(vectors[a], vectors[b], x) for (a, b), x in zip(couples, lexical, strict=True)
        ),
        "memory": lambda: model.probabilities(question1, question2),
        "file": lambda: score_file(source, scored, model=instant, overwrite=True),
    }
    with one_core():
        seconds = in_turns(sides | wholes, rounds, time.process_time)
    part = {name: float(np.median(values)) / len(pairs) * 1e6 for name, values in seconds.items()}
    whole = {name: part.pop(name) for name in wholes}
    part["text: normalising, tokens, ids, padding"] = whole["text"]
    inside = sum(value for name, value in part.items() if name.startswith("encoder"))
    part["encoder: the rest (gates, elementwise, sorting)"] = whole["encoder"] - inside
    part["pairs: head, with the gathering of vectors"] = whole["score"] - part["pairs: vector measures"]
    inside = sum(value for name, value in part.items() if not name.startswith("file"))
    part["pairs: the rest (pairing, equal questions, calibration)"] = whole["memory"] - inside
    part["file: CSV writing, with the journal"] = whole["file"] - part["file: CSV reading"]
    cores = in_turns({"all": wholes["memory"]}, rounds)["all"]
    plain = products * 8 * units * units * ROWS / seconds["product"]
    figures = {
        "one core": whole["memory"],
        "all cores": np.median(cores) / len(pairs) * 1e6,
        "encoder": np.median(work / seconds["encoder"]) / 1e9,
        "product": np.median(plain) / 1e9,
        "share": np.median(work / seconds["encoder"] / plain),
    }
    part = dict(sorted(part.items(), key=lambda item: STAGES.index(item[0].partition(":")[0])))
    return part, {name: float(value) for name, value in figures.items()}


def build_systems(
    model: Any, network: Any, extra: dict[str, Path], training: pd.DataFrame, size: Sizes
) -> dict[str, System]:
    """Return every point of the chart, those left out whose packages are missing."""
    systems = {"textsiam": System(model.probabilities, size.pairs, model.threshold)}
    for name, folder in extra.items():
        further = load_model(folder)
        systems[name] = System(further.probabilities, size.pairs, further.threshold)
    systems[KERAS] = System(others.keras_scorer(model, network), size.pairs, model.threshold)
    labels = training["is_duplicate"]
    systems["TF-IDF + logistic regression"] = System(others.tfidf_scorer(*columns(training), labels), size.tfidf)
    for name, make, pairs in (
        ("RapidFuzz token_set_ratio", others.rapidfuzz_scorer, size.pairs),
        (MINILM, others.minilm_scorer, size.minilm),
    ):
        try:
            systems[name] = System(make(), pairs)
        except ImportError as error:
            print(f"{name} is skipped: {error}. pip install -r scripts/bench-requirements.txt", file=sys.stderr)
    return systems


def main() -> None:
    """Measure everything, print the tables, write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the full pairs, tsv, gzipped or not")
    parser.add_argument("--out", type=Path, default=Path("docs/bench"), help="folder for the results")
    parser.add_argument("--model", type=Path, help="model folder; default: the model that comes with textsiam")
    parser.add_argument("--models", nargs="+", default=[], metavar="NAME=DIR", help="further models for the chart")
    parser.add_argument("--pairs", type=int, default=100_000, help="pairs scored a round")
    parser.add_argument("--quick", action="store_true", help="a few pairs, to try the script; the figures mean little")
    args = parser.parse_args()
    size = QUICK if args.quick else Sizes(args.pairs)
    if args.model is not None:
        os.environ["TEXTSIAM_MODEL"] = str(args.model.resolve())  # for the processes that are started, too
    args.out.mkdir(parents=True, exist_ok=True)

    split = standard_split(read_pairs(args.data))
    drawn = split.train.sample(frac=1, random_state=0)
    training, drawn = drawn[: size.training], drawn[size.training :]
    tuning = pd.concat([drawn[drawn["is_duplicate"] == label][: size.tuning // 2] for label in (0, 1)])
    pairs = split.train.sample(min(size.pairs, len(split.train)), random_state=1)
    model = load_model()
    network = others.keras_network(model)
    extra = {name: Path(folder) for name, _, folder in (text.partition("=") for text in args.models)}

    def say(text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr)

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        say("fresh processes")
        starts = measure_starts(size.starts)
        say("parts of scoring")
        parts, speed = profile(model, pairs[: size.profile], size.rounds, folder)
        say("single pairs")
        waits = measure_latency(model, network, pairs, size)
        say("training TF-IDF, loading the others")
        systems = build_systems(model, network, extra, training, size)
        say("throughput")
        rates = measure_throughput(model, network, systems, pairs, size, folder)
        say("accuracy on dev")
        measure_accuracy(systems, tuning, split.dev[: size.dev])
    accuracies = {name: system.accuracy for name, system in systems.items()}
    results = Results(asdict(size), rates, accuracies, ["textsiam", *extra], parts, speed, waits, starts)
    print(write_report(results, args.out))


if __name__ == "__main__":
    main()
