"""Try changes of the recipe, one at a time, and append what each is worth on dev to docs/results/experiments.md.

python scripts/experiments.py --data quora_question_pairs.tsv.gz --vectors glove.6B.50d.txt --names base frozen

An experiment is a preset with changes. Test pairs are never read here; ``results.py --test`` reports them once, for the
models that are chosen. A run that was stopped goes on after its last epoch; one that is in the table is not made again.
"""

import argparse
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import keras
from machine import processor
from results import SPLITS, Run, measure, train

from textsiam.files.pairs import read_pairs
from textsiam.inference.model import load_model
from textsiam.training.presets import preset

TABLE = Path(__file__).resolve().parent.parent / "docs" / "results" / "experiments.md"
COLUMNS = (
    "date, experiment, split, train pairs, epochs, seed, dev accuracy, ROC AUC, log loss, minutes, pairs/s, MB, on"
)
HEAD = f"\n## Runs\n\n| {COLUMNS.replace(', ', ' | ')} |\n|{'---|' * len(COLUMNS.split(', '))}\n"
GLOVE_SELF, ENCODER_SELF, ALL = ("glove", "self"), ("encoder", "self"), ("glove", "encoder", "self")
ALIGNED = preset("accurate")["measures"]


class Change(NamedTuple):
    """What an experiment changes of the preset, where its word vectors come from, and whether it has a teacher."""

    parameters: Mapping[str, Any] = MappingProxyType({})
    sources: tuple[str, ...] = GLOVE_SELF
    taught: bool = False


EXPERIMENTS = {
    "base": Change(),
    "self": Change(sources=("self",)),
    "glove": Change(sources=("glove",)),
    "encoder": Change(sources=("encoder",)),
    "encoder-self": Change(sources=ENCODER_SELF),
    "all-vectors": Change(sources=ALL),
    "all-vectors-frozen": Change({"train_vectors": False}, ALL),
    "all-vectors-aligned": Change({"measures": ALIGNED}, ALL),
    "frozen": Change({"train_vectors": False}),
    "aligned": Change({"measures": ALIGNED}),
    "frozen-aligned": Change({"train_vectors": False, "measures": ALIGNED}),
    "narrow": Change({"units": 128}),
    "bilstm": Change({"encoder": "bilstm"}),
    "no-contrasts": Change({"contrasts": 0.0}),
    "no-spelling": Change({"correct_spelling": False}),
    "taught": Change(taught=True),
    "taught-encoder": Change(sources=("encoder",), taught=True),
    "taught-aligned": Change({"measures": ALIGNED}, ALL, taught=True),
}


def main() -> None:
    """Train the experiments and write a line of the table for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the full pairs, tsv, gzipped or not")
    parser.add_argument("--vectors", type=Path, help="GloVe 6B.50d, text, gzipped or not")
    parser.add_argument("--encoder-vectors", type=Path, help="what scripts/encoder_vectors.py wrote")
    parser.add_argument(
        "--taught", type=Path, help="what scripts/teacher.py label wrote; of the standard split, all pairs"
    )
    parser.add_argument("--out", type=Path, default=Path("experiments"), help="folder for models")
    parser.add_argument("--names", nargs="+", choices=EXPERIMENTS, required=True)
    parser.add_argument("--preset", default="clean", help="what they change")
    parser.add_argument("--split", choices=SPLITS, default="standard")
    parser.add_argument("--pairs", type=int, help="train on so many; default: all")
    parser.add_argument("--epochs", type=int, help="default: the preset's")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    args.out.mkdir(parents=True, exist_ok=True)
    split = SPLITS[args.split](read_pairs(args.data))
    if args.pairs:
        split = replace(split, train=split.train.sample(args.pairs, random_state=0))
    for name in args.names:
        change = EXPERIMENTS[name]
        epochs = {"epochs": args.epochs} if args.epochs else {}
        run = Run(args.split, {**preset(args.preset), **change.parameters, **epochs}, change.sources, change.taught)
        for seed in args.seeds:
            title = f"{args.preset}: {name}"
            key = f"| {title} | {args.split} | {len(split.train):,} | {run.parameters['epochs']} | {seed} |"
            if key in TABLE.read_text(encoding="utf-8"):
                print(f"{key} is in the table already.")
                continue
            folder = (
                args.out / f"{args.preset}-{name}-{args.split}-{len(split.train)}-{run.parameters['epochs']}-{seed}"
            )
            files = {"glove": args.vectors, "encoder": args.encoder_vectors, "taught": args.taught}
            model = load_model(folder) if folder.exists() else train(run, split, files, folder, seed)
            figures = measure(model, split.dev)
            size = sum(len(content) for content in model.bundle.to_files().values()) / 1e6
            minutes = model.bundle.config["training"]["minutes"]
            line = (
                f"| {date.today()} {key} {figures['accuracy']:.4f} | {figures['roc_auc']:.4f} | "
                f"{figures['log_loss']:.4f} | {minutes:.0f} | {figures['pairs_per_second']:,} | {size:.1f} | "
                f"{keras.backend.backend()}, {processor()} |\n"
            )
            text = TABLE.read_text(encoding="utf-8")
            TABLE.write_text(text + ("" if HEAD in text else HEAD) + line, encoding="utf-8")
            print(line, flush=True)


if __name__ == "__main__":
    main()
