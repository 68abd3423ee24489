"""Compare the speed of training with that of Keras's own ``fit``, of the same network on the same pairs.

python scripts/bench_training.py --data quora_question_pairs.tsv.gz --out docs/bench

Keras gets all pairs padded to 30 tokens, as usual; textsiam trains as ``DuplicateClassifier.fit`` does, in batches of
like length whose distinct tokens are projected once, on TensorFlow and, where it is installed, on JAX. The sides take
turns, each in a process of its own that trains one epoch to compile and times the next one, from its first batch to the
end of its last: TensorFlow sometimes takes some 5 seconds to clear up after an epoch of any length. A figure is the
median of the rounds, a ratio the median of the rounds' ratios. Writes training.json and training.md.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import date
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from bench_systems import STEPS, keras_inputs
from machine import processor

PLAIN = f"Keras fit, padded to {STEPS}"
SIDES = {PLAIN: "tensorflow", "textsiam on TensorFlow": "tensorflow", "textsiam on JAX": "jax"}  # name → backend
BATCHES, ROUNDS = 60, 3


def one_side(side: str, data: Path) -> float:
    """Return the pairs a second that a side trains, measured in this process."""
    import keras

    from textsiam import DuplicateClassifier
    from textsiam.files.pairs import read_pairs
    from textsiam.inference.model import BUNDLED
    from textsiam.training.batches import PairArrays, PairBatches
    from textsiam.training.network import build_siamese, compile_siamese
    from textsiam.training.optimizer import LazyAdam

    classifier = DuplicateClassifier.load(BUNDLED)
    model, size = classifier.model_, classifier.batch_size
    pairs = read_pairs(data).sample(BATCHES * size, random_state=0)
    steps = STEPS if side == PLAIN else model.preprocessor.max_length + 1
    inputs = keras_inputs(model, pairs["question1"].tolist(), pairs["question2"].tolist(), steps)
    labels = pairs["is_duplicate"].to_numpy(np.float32)
    network = build_siamese(
        model.architecture,
        model.network.weights["embedding.embeddings"],
        dropout=classifier.dropout,
        distinct=side != PLAIN,
    )
    optimizer = keras.optimizers.Adam if side == PLAIN else LazyAdam
    compile_siamese(network, model.architecture, optimizer(classifier.learning_rate))
    if side == PLAIN:
        what: dict[str, Any] = {"x": inputs, "y": labels[:, None], "batch_size": size}
    else:
        what = {"x": PairBatches(PairArrays(*inputs.values(), labels), size, seed=0), "shuffle": False}
    times: list[float] = []
    clock = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda *_, **__: times.append(time.perf_counter()),
        on_train_batch_end=lambda *_, **__: times.append(time.perf_counter()),
    )
    network.fit(**what, epochs=2, callbacks=[clock], verbose=0)
    return len(pairs) / (times[-1] - times[len(times) // 2])


def in_process(side: str, data: Path) -> float:
    """Return what ``one_side`` returns in a process of its own."""
    environment = {**os.environ, "KERAS_BACKEND": SIDES[side], "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, __file__, "--data", str(data), "--side", side]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{done.stderr}\n{side} failed.")
    return float(done.stdout.split()[-1])


def main() -> None:
    """Measure all sides in turns, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="pairs, tsv or csv, gzipped or not")
    parser.add_argument("--out", type=Path, help="folder for training.json and training.md")
    parser.add_argument("--side", choices=SIDES, help="measure one side in this process and print its pairs/s")
    args = parser.parse_args()
    if args.side:
        print(one_side(args.side, args.data))
        return
    if args.out is None:
        parser.error("name a folder with --out")
    sides = [side for side, backend in SIDES.items() if find_spec(backend)]
    rates: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(ROUNDS):
        for side in sides[:: -1 if number % 2 else 1]:
            rates[side].append(in_process(side, args.data))
            print(f"{side}: {rates[side][-1]:,.0f} pairs/s", flush=True)
    plain = np.array(rates[PLAIN])
    lines = [
        f"{date.today()}, {processor()}, Keras {version('keras')}, TensorFlow {version('tensorflow')}; the network and "
        f"the batch size of the bundled model, {BATCHES} batches an epoch.",
        "",
        "| side | pairs/s, median (range) | times Keras's fit, median (range) |",
        "|---|---|---|",
    ]
    for side, values in rates.items():
        ratios = np.array(values) / plain
        lines.append(
            f"| {side} | {np.median(values):,.0f} ({min(values):,.0f} – {max(values):,.0f}) | "
            f"{np.median(ratios):.2f} ({ratios.min():.2f} – {ratios.max():.2f}) |"
        )
    lines += [
        "",
        f"Each side was measured {ROUNDS} times, in turns. TensorFlow traces the network anew for every new width.",
    ]
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "training.json").write_text(json.dumps(rates, indent=2) + "\n")
    (args.out / "training.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
