"""The verbs for question pairs: each parses, calls the library once, prints. Heavy imports live inside the verbs."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from textsiam.cli.options import with_options_of
from textsiam.cli.terminal import print_answer, training_output
from textsiam.training.parameters import TextParameters

PairsFile = Annotated[
    str, typer.Argument(metavar="PAIRS", help="csv, tsv (gzipped or not), parquet; - is standard input.")
]
ModelFolder = Annotated[
    Path | None, typer.Option("--model", help="Model folder; default: $TEXTSIAM_MODEL, or textsiam's own.")
]
Question1 = Annotated[str, typer.Option(help="Column of the first question.")]
Question2 = Annotated[str, typer.Option(help="Column of the second question.")]
Label = Annotated[str, typer.Option(help="Column of the label, 1 = duplicate.")]
Delimiter = Annotated[
    str | None, typer.Option(help="What separates the values of a csv or tsv; default: , ; | or tab, as found.")
]
Encoding = Annotated[str | None, typer.Option(help="Of a csv or tsv; default: as its byte order mark says, or UTF-8.")]
Threshold = Annotated[float | None, typer.Option(help="Lowest probability of a duplicate; default: the model's.")]
Overwrite = Annotated[bool, typer.Option("--force", help="Replace what exists.")]


@with_options_of(TextParameters, {"measures": str, "hidden": list[int], "vectors": list[str]})
def train(
    pairs: PairsFile,
    out: Annotated[Path, typer.Option(help="Model folder to write.")],
    validation: Annotated[
        str | None, typer.Option("--dev", help="Labelled pairs to decide on; default: a random tenth.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="Named settings: clean, fast, accurate, singh2019; options override them.")
    ] = None,
    warm_start: Annotated[
        Path | None, typer.Option(help="Model folder to train further: its words and its network stay.")
    ] = None,
    question1: Question1 = "question1",
    question2: Question2 = "question2",
    label: Label = "is_duplicate",
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume after the last whole epoch of a killed training.")
    ] = False,
    overwrite: Overwrite = False,
    **chosen: Any,
) -> None:
    """Train a model on labelled pairs and write its folder."""
    from textsiam.files.pairs import read_pairs
    from textsiam.inference.folder import check_target
    from textsiam.training.presets import preset as preset_parameters

    if preset and warm_start:
        raise typer.BadParameter("a model that is trained further keeps its settings.", param_hint="--preset")
    out = check_target(out, overwrite=overwrite)
    parameters = preset_parameters(preset) if preset else {}
    parameters |= _parameters(chosen)
    parameters |= {"verbose": 1}

    read = partial(
        read_pairs, question1=question1, question2=question2, label=label, delimiter=delimiter, encoding=encoding
    )
    frame = read(pairs)
    dev = read(validation) if validation else None
    checkpoints = out.with_name(f".{out.name}.checkpoints")
    with training_output():
        from textsiam.siamese.checkpoints import discard
        from textsiam.training.classifier import DuplicateClassifier

        classifier = DuplicateClassifier.load(warm_start) if warm_start else DuplicateClassifier()
        classifier.set_params(**parameters, warm_start=warm_start is not None)
        classifier.fit(
            frame,
            frame["is_duplicate"],
            None if dev is None else (dev, dev["is_duplicate"]),
            checkpoints=checkpoints,
            resume=resume,
        )
    classifier.save(out, overwrite=overwrite)
    discard(checkpoints)
    figures = classifier.model_.bundle.metrics["dev"]
    typer.echo(
        f"{out}: dev accuracy {figures['accuracy']:.4f}, ROC AUC {figures['roc_auc']:.4f}, "
        f"log loss {figures['log_loss']:.4f}, threshold {figures['threshold']:.4f}"
    )


def _parameters(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given at the command line as parameters of the classifier."""
    parameters = {name: value for name, value in chosen.items() if value not in (None, [])}
    if "measures" in parameters:
        parameters["measures"] = tuple(parameters["measures"].split(","))
    if "hidden" in parameters:
        parameters["hidden"] = tuple(parameters["hidden"])
    if parameters.get("vectors") == ["random"]:
        parameters["vectors"] = []
    if "precision" in parameters:
        parameters["objective"] = "precision"
    return parameters


def evaluate(
    pairs: Annotated[
        str | None,
        typer.Argument(metavar="PAIRS", help="csv, tsv (gzipped or not), parquet; - is standard input."),
    ] = None,
    model: ModelFolder = None,
    training: Annotated[str | None, typer.Option(help="The training pairs: adds slices by questions seen.")] = None,
    json_file: Annotated[
        str | None, typer.Option("--json", help="Write all figures as JSON; - is standard output.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page of charts, .html.")] = None,
    behaviour: Annotated[
        bool, typer.Option("--behaviour", help="Ask questions written to test one capability each, too (English).")
    ] = False,
    question1: Question1 = "question1",
    question2: Question2 = "question2",
    label: Label = "is_duplicate",
    delimiter: Delimiter = None,
    encoding: Encoding = None,
) -> None:
    """Measure a model on labelled pairs."""
    from textsiam.cli.console import behaviour_text, evaluation_text
    from textsiam.evaluation.behaviour import behaviour_cases, run_behaviour, to_dict
    from textsiam.inference.model import as_model

    if pairs is None and (report is not None or training is not None or not behaviour):
        raise typer.BadParameter("only --behaviour, with or without --json, needs no pairs.", param_hint="PAIRS")
    chosen = as_model(model)
    behaviours = run_behaviour(chosen, behaviour_cases()) if behaviour else ()
    figures: dict[str, Any] = {}
    texts = []
    if pairs is not None:
        from textsiam.evaluation.model import evaluate_model
        from textsiam.files.pairs import read_pairs

        read = partial(
            read_pairs, question1=question1, question2=question2, label=label, delimiter=delimiter, encoding=encoding
        )
        frame = read(pairs)
        questions = frame["question1"].tolist(), frame["question2"].tolist()
        known = set(read(training)[["question1", "question2"]].to_numpy().ravel()) if training else None
        probabilities = chosen.probabilities(*questions)
        evaluation = evaluate_model(chosen, *questions, frame["is_duplicate"], known=known, probabilities=probabilities)
        if report is not None:
            from textsiam.evaluation.report import write_report

            title = f"textsiam on {Path(pairs).name}"
            write_report(report, evaluation, frame["is_duplicate"], probabilities, title, behaviours=behaviours)
        figures |= evaluation.to_dict()
        texts.append(evaluation_text(evaluation))
    if behaviours:
        figures["behaviour"] = to_dict(behaviours)
        texts.append(behaviour_text(behaviours))
    if json_file is not None:
        text = json.dumps(figures, indent=2, ensure_ascii=False)
        if json_file == "-":
            print_answer(text)
            return
        Path(json_file).write_text(text + "\n", encoding="utf-8")
    print_answer("\n\n".join(texts))


def score(
    pairs: PairsFile,
    output: Annotated[
        str, typer.Option("-o", "--output", help="csv, tsv (either .gz), parquet; - is standard output.")
    ],
    model: ModelFolder = None,
    question1: Question1 = "question1",
    question2: Question2 = "question2",
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    threshold: Threshold = None,
    precision: Annotated[
        float | None, typer.Option(help="Threshold that had this precision on the model's dev pairs.")
    ] = None,
    prior: Annotated[float | None, typer.Option(help="Share of duplicates to expect; moves probabilities.")] = None,
    bad_rows: Annotated[str, typer.Option(help="stop at a row that cannot be read, or skip such rows.")] = "stop",
    spreadsheet_safe: Annotated[
        bool, typer.Option("--spreadsheet-safe", help="Put ' before values that a spreadsheet would run.")
    ] = False,
    overwrite: Overwrite = False,
    engine: Annotated[
        str, typer.Option(help="local, or dask: on a cluster, a file a part in the folder OUTPUT.")
    ] = "local",
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, tcp://…; default: a cluster here.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes of the cluster here; default: one a core.")] = None,
) -> None:
    """Add duplicate_probability and duplicate to every row of a table.

    The same command resumes a run that was stopped.
    """
    from tqdm import tqdm

    from textsiam.scoring.file import score_file
    from textsiam.scoring.rows import rejected_file, rejected_folder

    with tqdm(unit=" pairs", unit_scale=True, disable=None) as bar:

        def show(rows: int, share: float | None) -> None:
            if share:
                bar.total = max(round(rows / share), rows)
            bar.update(rows - bar.n)

        summary = score_file(
            pairs,
            output,
            model=model,
            question1=question1,
            question2=question2,
            delimiter=delimiter,
            encoding=encoding,
            threshold=threshold,
            precision=precision,
            prior=prior,
            bad_rows=bad_rows,
            spreadsheet_safe=spreadsheet_safe,
            overwrite=overwrite,
            progress=show,
            engine=engine,
            scheduler=scheduler,
            workers=workers,
        )
    resumed = f" ({summary.resumed_rows} of an earlier run)" if summary.resumed_rows else ""
    typer.echo(
        f"{summary.rows} rows{resumed}: {summary.duplicates} duplicates, {summary.blank_rows} blank; "
        f"{summary.pairs_per_second:,.0f} pairs/s",
        err=True,
    )
    if summary.rejected_rows:
        rejected = rejected_folder if engine == "dask" else rejected_file
        typer.echo(f"{summary.rejected_rows} rows could not be read: {rejected(Path(output))}", err=True)


def compare(
    question1: Annotated[str, typer.Argument(metavar="Q1")],
    question2: Annotated[str, typer.Argument(metavar="Q2")],
    model: ModelFolder = None,
    threshold: Threshold = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare two questions."""
    for question in (question1, question2):
        if question.startswith("--") and " " not in question:
            raise typer.BadParameter(f"no such option: {question}; a question that reads so follows after --")
    from textsiam.inference.decisions import is_duplicate, similarity
    from textsiam.inference.model import as_model

    chosen = as_model(model)
    probability = float(similarity(question1, question2, model=chosen))
    limit = chosen.threshold if threshold is None else threshold
    duplicate = is_duplicate(question1, question2, model=chosen, threshold=limit)
    if as_json:
        print_answer(json.dumps({"duplicate": duplicate, "probability": round(probability, 6), "threshold": limit}))
    else:
        verdict = "duplicate" if duplicate else "different"
        print_answer(f"{verdict}: probability {probability:.4f}, threshold {limit:.4f}")


def info(
    model: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Model folder; default: $TEXTSIAM_MODEL, or textsiam's own.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print configuration and figures as JSON.")] = False,
) -> None:
    """Show what a model is, how it was trained and how good it is."""
    from textsiam.inference.model import load_model

    bundle = load_model(model).bundle
    if as_json:
        print_answer(json.dumps({"config": bundle.config, "metrics": bundle.metrics}, indent=2, ensure_ascii=False))
    else:
        print_answer(bundle.card.rstrip())
