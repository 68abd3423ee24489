"""Train and measure the models of docs/results/quora.md, on the full Quora Question Pairs.

python scripts/results.py --data quora_question_pairs.tsv.gz --vectors glove.6B.50d.txt --out results

Each run trains on its split's train pairs, decides everything on dev and reports dev; test is read with --test only.
Runs with an encoder's vectors need --encoder-vectors as well, which scripts/encoder_vectors.py writes, those with a
teacher --taught, which scripts/teacher.py writes. A run whose model folder is there is not trained again, an
interrupted one goes on after its last epoch. --seeds 0 1 2 trains three of each and adds their mean to the table.
"""

import argparse
import itertools
import json
import logging
import platform
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from machine import processor
from standard_split import standard_split

from textsiam import DuplicateClassifier, __version__
from textsiam.evaluation.model import evaluate_model
from textsiam.files.pairs import read_pairs
from textsiam.files.splits import Split, split_pairs
from textsiam.inference.model import Model, load_model
from textsiam.siamese.checkpoints import discard
from textsiam.training.parameters import SELF_TRAINED
from textsiam.training.presets import preset


@dataclass(frozen=True)
class Run:
    """One row of the table: a split, the classifier's parameters, and where its word vectors come from."""

    split: str
    parameters: dict[str, Any]
    sources: tuple[str, ...] = ("glove", SELF_TRAINED)  # "glove" and "encoder" stand for files
    taught: bool = False  # learns from the probabilities in the file "taught" as well, at last of train pairs alone


BILSTM = {**preset("clean"), "encoder": "bilstm", "units": 128, "max_vocabulary": 50_000, "contrasts": 0.0}
RUNS = {
    "fast": Run("standard", preset("fast"), ("encoder",), taught=True),
    "accurate": Run("standard", preset("accurate"), ("glove", "encoder"), taught=True),
    "clean": Run("standard", preset("clean")),
    "bilstm": Run("standard", BILSTM),
    "bilstm-random": Run("random", BILSTM),
    "bilstm-minilm-random": Run("random", BILSTM, ("glove", "encoder", SELF_TRAINED)),
    "singh2019": Run("standard", preset("singh2019"), sources=("glove",)),
    "singh2019-random": Run("random", preset("singh2019"), sources=("glove",)),
}
# The last passes of what is taught: train pairs are of the kind that dev and test are, mined ones are not.
LAST_PASSES: dict[str, Any] = {"warm_start": True, "epochs": 5, "learning_rate": 2e-3}
SPLITS = {
    "standard": standard_split,
    "random": lambda pairs: split_pairs(pairs, "random", fractions=(0.64, 0.16, 0.2), seed=42),
}
FIGURES = ("accuracy", "f1", "roc_auc", "average_precision", "log_loss", "ece")


def train(run: Run, split: Split, files: dict[str, Path | None], folder: Path, seed: int = 0) -> Model:
    """Train one run, save its model folder, and return the model.

    What has a teacher learns from all pairs first, kept in a hidden folder, and then further from train pairs alone.

    Args:
        run: what to train.
        split: the pairs to train on and to decide on.
        files: the files of vectors, by the name that the run has for them.
        folder: to write; an interrupted training goes on after its last epoch.
        seed: of everything random.
    """
    wanted = [*run.sources, *(["taught"] if run.taught else [])]
    missing = [source for source in wanted if source != SELF_TRAINED and files[source] is None]
    if missing:
        raise SystemExit(f"{folder.name} needs files: {', '.join(missing)}; see --help.")
    vectors = [str(files.get(source, source)) for source in run.sources]
    classifier = DuplicateClassifier(**run.parameters, vectors=vectors, random_state=seed, verbose=2)
    dev = (split.dev, split.dev["is_duplicate"])
    pairs = with_teacher(split.train, files["taught"]) if run.taught else split.train
    checkpoints = folder.with_name(f".{folder.name}.checkpoints")
    first = folder.with_name(f".{folder.name}.first") if run.taught else folder
    if not first.exists():
        classifier.fit(pairs, pairs["is_duplicate"], dev, checkpoints=checkpoints, resume=True)
        classifier.save(first)
        discard(checkpoints)
    if run.taught:
        pairs = pairs[: len(split.train)]
        classifier = DuplicateClassifier.load(first).set_params(**LAST_PASSES)
        classifier.fit(pairs, pairs["is_duplicate"], dev).save(folder)
    return classifier.model_


def with_teacher(train: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Return train pairs, labelled by the mean of label and teacher, and the teacher's further pairs.

    The cross-entropy with that mean is the mean of the two (Hinton, Vinyals and Dean 2015, at temperature 1).
    """
    taught = pd.read_csv(file, sep="\t", keep_default_na=False)
    pairs = ["question1", "question2"]
    if not np.array_equal(taught[pairs].to_numpy()[: len(train)], train[pairs].to_numpy()):
        raise SystemExit(f"{file} does not begin with the train pairs; make it anew with scripts/teacher.py.")
    labels = taught["is_duplicate"].to_numpy(copy=True)
    labels[: len(train)] = (labels[: len(train)] + train["is_duplicate"].to_numpy()) / 2
    return taught.assign(is_duplicate=labels)


def measure(model: Model, part: pd.DataFrame) -> dict[str, Any]:
    """Return the figures of a part of the pairs, with the rate of scoring it."""
    question1, question2 = part["question1"].tolist(), part["question2"].tolist()
    start = time.perf_counter()
    probabilities = model.probabilities(question1, question2)
    seconds = time.perf_counter() - start
    evaluation = evaluate_model(model, question1, question2, part["is_duplicate"], probabilities=probabilities)
    figures = evaluation.figures.to_dict()
    return {**figures, "pairs_per_second": round(len(part) / seconds)}


def table(results: dict[str, dict[str, Any]]) -> str:
    """Return the Markdown table of the results by name of the folder, the seeds of a run followed by their mean."""
    lines = [
        f"Measured on {date.today()}: textsiam {__version__}, Keras {keras.__version__} on {keras.backend.backend()}, "
        f"NumPy {np.__version__}, Python {platform.python_version()}, {processor()}.",
        "",
        "| run | split | part | rows | accuracy | F1 | ROC AUC | average precision | log loss | ECE | minutes |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(folder.split(".")[0] for folder in results):
        seeds = {folder: result for folder, result in results.items() if folder.split(".")[0] == name}
        for part in ("dev", "test"):
            measured = {
                folder: {**result[part], "minutes": result["minutes"]}
                for folder, result in seeds.items()
                if part in result
            }
            rows = pd.DataFrame(measured).T
            if len(rows) > 1:
                rows.loc[f"{name}, mean of {len(rows)}"] = rows[[*FIGURES, "rows", "minutes"]].mean()
            for title, row in rows.iterrows():
                values = " | ".join(f"{row[key]:.4f}" for key in FIGURES)
                head = f"{title} | {RUNS[name].split} | {part} | {row['rows']:,.0f}"
                lines.append(f"| {head} | {values} | {row['minutes']:.0f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Train what is missing, measure, write results.json and results.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the full pairs, tsv, gzipped or not")
    parser.add_argument("--vectors", type=Path, required=True, help="GloVe 6B.50d, text, gzipped or not")
    parser.add_argument("--encoder-vectors", type=Path, help="what scripts/encoder_vectors.py wrote")
    parser.add_argument("--taught", type=Path, help="what scripts/teacher.py label wrote")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for models and results")
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=list(RUNS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="folders of others than 0 are named RUN.SEED")
    parser.add_argument("--test", action="store_true", help="report the test pairs too: once, when all is decided")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    args.out.mkdir(parents=True, exist_ok=True)
    pairs = read_pairs(args.data)
    file = args.out / "results.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    for name, seed in itertools.product(args.runs, args.seeds):
        folder = args.out / (f"{name}.{seed}" if seed else name)
        split = SPLITS[RUNS[name].split](pairs)
        if not folder.exists():
            files = {"glove": args.vectors, "encoder": args.encoder_vectors, "taught": args.taught}
            train(RUNS[name], split, files, folder, seed)
        model = load_model(folder)
        training = model.bundle.config["training"]
        trained_with = training["parameters"]
        wanted = (RUNS[name].parameters | (LAST_PASSES if RUNS[name].taught else {})).items()
        changed = [key for key, value in wanted if json.dumps(value) != json.dumps(trained_with.get(key))]
        if changed:
            raise SystemExit(f"{folder} was trained with other parameters ({', '.join(changed)}). Remove it first.")
        result = results.setdefault(folder.name, {})
        result["minutes"] = training["minutes"] + training.get("before", {}).get("minutes", 0)
        for part in ("dev", "test") if args.test else ("dev",):
            if part not in result:
                result[part] = measure(model, getattr(split, part))
        file.write_text(json.dumps(results, indent=2) + "\n")
        (args.out / "results.md").write_text(table(results))
        print((args.out / "results.md").read_text())


if __name__ == "__main__":
    main()
