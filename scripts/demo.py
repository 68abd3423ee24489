"""Do the main job once, on the Quora sample in data/: train, evaluate, score a file, ask three questions."""

import argparse
import subprocess
import sys
import time
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
QUESTIONS = (
    ("How do I learn Python?", "What is the best way to learn Python?"),
    ("How can I lose weight fast?", "What is the fastest way to lose weight?"),
    ("How can I lose weight fast?", "How can I gain weight fast?"),
)


def run(*arguments: str | Path) -> None:
    """Show a textsiam command and run it."""
    shown = [f'"{argument}"' if " " in str(argument) else str(argument) for argument in arguments]
    print(f"\n$ textsiam {' '.join(shown)}", flush=True)
    subprocess.run([sys.executable, "-m", "textsiam", *map(str, arguments)], check=True)


def main() -> None:
    """Run the demonstration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder for the model and the results")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    training, dev = DATA / "quora_sample_train.tsv.gz", DATA / "quora_sample_dev.tsv.gz"
    model = out / "model"
    run("train", training, "--dev", dev, "--out", model, "--epochs", "5", "--batch-size", "128", "--force")
    run("evaluate", dev, "--model", model, "--training", training, "--report", out / "report.html")
    run("score", dev, "-o", out / "scored.csv", "--model", model, "--force")
    for question1, question2 in QUESTIONS:
        run("compare", question1, question2, "--model", model)
    print(
        f"\nDone in {time.perf_counter() - start:.0f} s."
        f"\n  model          {model}/"
        f"\n  scored file    {out / 'scored.csv'}"
        f"\n  report, plots  {out / 'report.html'}, {model / 'curves.png'}"
    )


if __name__ == "__main__":
    main()
