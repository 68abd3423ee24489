"""Run the image recipes, print the table of docs/results/images.md: means over seeds, minutes, target, met or not.

python scripts/image_results.py --data-dir data --out results

Every run is kept in results.json as soon as it has ended: the same command runs those that are missing. Faces
and kinship are run on three rotations of the test subjects a seed. The runs faces-random, faces-semihard and so on
compare negatives; those named dense-… and fashion-… are ablations for docs/results/images.md.
"""

import argparse
import json
import logging
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import keras
import numpy as np
from machine import processor

from textsiam import __version__
from textsiam.images.recipes import Options, run_recipe

ROTATIONS = (0, 1, 2)


@dataclass(frozen=True)
class Run:
    """A line of the table.

    Attributes:
        recipe: its name.
        targets: figure → (target, "at least" or "at most"); "minutes" among them is the time of one run.
        published: what its author reports.
        rotations: of the faces.
        parameters: of ``ImageSiamese``, other than the recipe's.
    """

    recipe: str
    targets: dict[str, tuple[float, str]]
    published: str = "–"
    rotations: tuple[int, ...] = (0,)
    parameters: dict[str, Any] = field(default_factory=dict)


AT_LEAST, AT_MOST = "≥", "≤"
MEETS: dict[str, Callable[[float, float], bool]] = {AT_LEAST: lambda a, b: a >= b, AT_MOST: lambda a, b: a <= b}
LONGER = {"learning_rate": 0.0003, "epochs": 30}  # with the recipe's gentle tuning the negatives hardly matter
FACES = {"roc_auc": (0.97, AT_LEAST), "one_shot": (0.90, AT_LEAST)}
RUNS = {
    "mnist-dense": Run("mnist-dense", {"accuracy": (0.98, AT_LEAST), "minutes": (2, AT_MOST)}, "0.968"),
    "mnist-lenet": Run("mnist-lenet", {"accuracy": (0.98, AT_LEAST)}, "≈ 0.972"),
    "mnist-conv": Run("mnist-conv", {"accuracy": (0.993, AT_LEAST)}, "≈ 0.972"),
    "fashion-conv": Run(
        "fashion-conv",
        {"loss": (0.07, AT_MOST), "accuracy": (0.92, AT_LEAST), "minutes": (30, AT_MOST)},
        "loss 0.1446",
    ),
    "faces-triplet": Run("faces-triplet", FACES, rotations=ROTATIONS),
    "kinship": Run("kinship", {"roc_auc": (0.85, AT_LEAST)}, rotations=ROTATIONS),
    "faces-random": Run("faces-triplet", {}, rotations=ROTATIONS, parameters=LONGER | {"mining": "random"}),
    "faces-semihard": Run("faces-triplet", {}, rotations=ROTATIONS, parameters=LONGER | {"mining": "semihard"}),
    "faces-hard": Run("faces-triplet", {}, rotations=ROTATIONS, parameters=LONGER | {"mining": "hard"}),
    "faces-nearest": Run("faces-triplet", {}, rotations=ROTATIONS, parameters=LONGER | {"mining": "nearest"}),
    "dense-once": Run("mnist-dense", {}, parameters={"pairing": "once"}),
    "dense-squared": Run("mnist-dense", {}, parameters={"form": "squared"}),
    "dense-dropout": Run("mnist-dense", {}, parameters={"encoder_options": {"dropout": 0.1}}),
    "dense-still": Run("mnist-dense", {}, parameters={"shift": 0}),
    "fashion-series": Run("fashion-conv", {}, parameters={"epochs": 3, "encoder_options": {"filters": ((64,), (64,))}}),
    "fashion-dead": Run("fashion-conv", {}, parameters={"epochs": 3, "encoder_options": {"filters": ((64,),)}}),
}


def measure(run: Run, data_dir: Path | None, out: Path, seed: int, rotation: int) -> dict[str, float]:
    """Run once; return the figures and the minutes, and leave the pictures of the model beside the results."""
    start = time.perf_counter()
    folder = out / f"{run.recipe}-pairs"
    outcome = run_recipe(run.recipe, Options(data_dir, seed, rotation, run.parameters, folder))
    minutes = (time.perf_counter() - start) / 60
    if seed == 0 and rotation == 0 and not run.parameters:
        outcome.save(out / run.recipe, overwrite=True)
    figures = {name: value for name, value in outcome.figures.to_dict().items() if value is not None}
    if outcome.one_shot is not None:
        figures["one_shot"] = outcome.one_shot
    return figures | {"minutes": minutes, "weights": outcome.model.model_.network.encoder.count_params()}


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """Return the Markdown table: a line for each figure that has a target, else for accuracy, AUC and loss."""
    lines = [
        f"Measured on {date.today()}: textsiam {__version__}, Keras {keras.__version__} on {keras.backend.backend()}, "
        f"NumPy {np.__version__}, Python {platform.python_version()}, {processor()}.",
        "",
        "| run | runs | figure | mean | lowest – highest | published | target | met | minutes a run |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, run in RUNS.items():
        measured = list(results.get(name, {}).values())
        if not measured:
            continue
        minutes = np.mean([figures["minutes"] for figures in measured])
        for figure in run.targets or ("accuracy", "roc_auc", "one_shot", "loss"):
            values = [figures[figure] for figures in measured if figure in figures]
            if not values:
                continue
            target, met = "–", "–"
            if figure in run.targets:
                limit, direction = run.targets[figure]
                target = f"{direction} {limit:g}"
                met = "yes" if MEETS[direction](float(np.mean(values)), limit) else "**no**"
            spread = f"{min(values):.4f} – {max(values):.4f}"
            lines.append(
                f"| {name} | {len(values)} | {figure} | {np.mean(values):.4f} | {spread} | {run.published} | {target} "
                f"| {met} | {minutes:.1f} |"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run what is missing, write results.json and results.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, help="folder of mnist, fashion_mnist, faces_orl; default: download")
    parser.add_argument("--out", type=Path, default=Path("image-results"), help="folder for models and results")
    parser.add_argument("--recipes", nargs="+", choices=RUNS, default=[name for name in RUNS if RUNS[name].targets])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    args.out.mkdir(parents=True, exist_ok=True)
    file = args.out / "results.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    for name in args.recipes:
        run = RUNS[name]
        for seed in args.seeds:
            for rotation in run.rotations:
                key = f"seed {seed}, rotation {rotation}"
                if key in results.setdefault(name, {}):
                    continue
                results[name][key] = measure(run, args.data_dir, args.out, seed, rotation)
                file.write_text(json.dumps(results, indent=2) + "\n")
                (args.out / "results.md").write_text(table(results))
    print(table(results))


if __name__ == "__main__":
    main()
