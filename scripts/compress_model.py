"""Make a small model to ship from a trained one: fewer words, the embedding in 8 bits, the rest in 16.

python scripts/compress_model.py --data quora_question_pairs.tsv.gz --model results/fast --out small

A model that is compressed already, the bundled one for instance, is calibrated anew only: after a change of how text is
read. Calibrates and chooses the threshold on the standard dev pairs. It stops if that costs more than 0.1 points of dev
accuracy or if the folder is larger than 12 MB. Test is not read.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from standard_split import standard_split

from textsiam.files.pairs import read_pairs
from textsiam.inference.compression import compress_weights, prune_vocabulary
from textsiam.inference.folder import write_bundle
from textsiam.inference.model import load_model
from textsiam.training.data import LabelledPairs, check_pairs
from textsiam.training.fit import calibrate
from textsiam.training.parameters import TextParameters

WORDS = 36_000
LIMIT_BYTES, LIMIT_ACCURACY = 12_000_000, 0.001
NOTE = """
Data: the train pairs of the standard split of Quora Question Pairs (2017), under Quora's terms of service:
non-commercial use, with credit to Quora. Their labels were averaged with the probabilities of a teacher, which labelled
{mined:,} further pairs of the same questions besides (`scripts/teacher.py`); the last passes were over the train pairs
alone. Word vectors: every word alone through all-MiniLM-L6-v2 (Apache 2.0), which the teacher was made of, too. That
encoder saw duplicate questions of Quora in its own training, those of the dev and test pairs perhaps among them: the
figures are no fair match for those of models that owe it nothing. Made by `scripts/compress_model.py`.

Made for English questions of the kind people asked on Quora before 2017. Known weak spots: paraphrases that share no
word ("How old are you?" and "What is your age?"), the order of words, names and words first seen after 2017, other
languages.
"""


def main() -> None:
    """Compress, calibrate, check, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the full pairs, tsv, gzipped or not")
    parser.add_argument("--model", type=Path, required=True, help="folder of the trained model")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    args = parser.parse_args()
    split = standard_split(read_pairs(args.data))
    dev = split.dev
    pairs = LabelledPairs(check_pairs(dev), dev["is_duplicate"].to_numpy())
    trained = load_model(args.model)
    first = trained.bundle.config["training"].get("before", {})
    if not first.get("taught"):
        raise SystemExit(
            f"{args.model} lacks a teacher or last passes, of which the card tells. Give that of run fast."
        )
    parameters = TextParameters()

    bundle = trained.bundle
    if "embedding.embeddings" in bundle.weights:
        bundle = prune_vocabulary(bundle, WORDS)
        bundle = replace(bundle, weights=compress_weights(bundle.weights), extras={})
    model = calibrate(bundle, parameters, pairs)
    before = calibrate(trained.bundle, parameters, pairs).bundle.metrics["dev"]["accuracy"]
    after = model.bundle.metrics["dev"]["accuracy"]
    bundle = replace(model.bundle, card=model.bundle.card + NOTE.format(mined=first["pairs"] - len(split.train)))
    size = sum(map(len, bundle.to_files().values()))
    print(f"dev accuracy {before:.5f} before, {after:.5f} after compression; {size / 1e6:.1f} MB")
    if before - after > LIMIT_ACCURACY or size > LIMIT_BYTES:
        raise SystemExit("The compressed model is too large or too much worse; it is not written.")
    write_bundle(args.out, bundle)
    print(f"{args.out} written")


if __name__ == "__main__":
    main()
