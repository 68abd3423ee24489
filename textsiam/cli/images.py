"""The command line's ``images`` verbs: each parses, calls the library, prints. Heavy imports live inside the verbs."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textsiam.cli.terminal import print_answer, training_output
from textsiam.errors import TextsiamError
from textsiam.inference.card import figure_text

if TYPE_CHECKING:
    from textsiam.images.verification import VerificationFigures

app = typer.Typer(
    help="Siamese networks for images: train, evaluate, compare, enroll, identify.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Folder = Annotated[Path, typer.Option("--model", help="Model folder that images train wrote.")]


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="Model folder to write, pictures in it.")],
    recipe: Annotated[
        str | None,
        typer.Option(help="mnist-dense, mnist-lenet, mnist-conv, fashion-conv, faces-triplet or kinship."),
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder with the recipe's data; default: download (not for faces).")
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(help="Own images instead of a recipe: a folder with one a class, an idx file or .npz."),
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option(help="Own pairs instead of a recipe: a table with path_a, path_b and same.")
    ] = None,
    size: Annotated[str | None, typer.Option(help="Bring every picture to HEIGHTxWIDTH, 56x46 for instance.")] = None,
    colour: Annotated[bool, typer.Option("--colour", help="Pairs: keep the colours of the pictures.")] = False,
    encoder: Annotated[
        str | None, typer.Option(help="dense, lenet, conv, or a backbone of keras.applications (frozen).")
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="The backbone's weights file; default: random.")] = None,
    loss: Annotated[str | None, typer.Option(help="contrastive, triplet or binary_crossentropy.")] = None,
    margin: Annotated[float | None, typer.Option(help="Of contrastive and triplet loss; default 1.")] = None,
    mining: Annotated[str | None, typer.Option(help="Triplets: all, semihard, hard, random or nearest.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the images or pairs.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images in a batch.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Adam's, at the start.")] = None,
    calibration: Annotated[str | None, typer.Option(help="auto, platt or isotonic; default: none.")] = None,
    rotation: Annotated[int, typer.Option(help="Faces: which ten subjects are the test, 0 to 3.")] = 0,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume after the last whole epoch of a killed training.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--force", help="Replace what exists.")] = False,
) -> None:
    """Train a model by a published recipe, or on images or pairs of your own, and write its folder."""
    from textsiam.inference.folder import check_target

    out = check_target(out, overwrite=overwrite)
    if [recipe, images, pairs].count(None) != 2:
        raise TextsiamError("Name one of --recipe, --images and --pairs.")
    chosen: dict[str, Any] = {
        "encoder": encoder,
        "loss": loss,
        "margin": margin,
        "mining": mining,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "calibration": calibration,
    }
    parameters = {name: value for name, value in chosen.items() if value is not None} | {"verbose": 1}
    checkpoints = out.with_name(f".{out.name}.checkpoints")
    if weights is not None:
        parameters["encoder_options"] = {"weights": str(weights)}
    with training_output():
        from textsiam.images.experiment import run_images, run_pairs
        from textsiam.images.recipes import Options, run_recipe
        from textsiam.siamese.checkpoints import discard

        keeping: dict[str, Any] = {"checkpoints": checkpoints, "resume": resume}

        if recipe is not None:
            pair_folder = out.with_name(f"{out.name}-pairs")
            outcome = run_recipe(recipe, Options(data_dir, seed, rotation, parameters, pair_folder, **keeping))
        elif images is not None:
            outcome = run_images(images, _size(size), parameters, seed, **keeping)
        elif pairs is not None:
            height, width = _size(size) or (0, 0)
            if not height:
                raise TextsiamError(
                    "Pictures of pairs are brought to one size: give it with --size, 56x46 for instance."
                )
            outcome = run_pairs(pairs, (height, width, 3 if colour else 1), parameters, seed, **keeping)
        outcome.save(out, overwrite=overwrite)
        discard(checkpoints)
    figures = outcome.figures
    one_shot = "" if outcome.one_shot is None else f", one-shot accuracy {outcome.one_shot:.4f}"
    typer.echo(f"{out}: {_summary(figures)}{one_shot}")


@app.command()
def evaluate(
    model: Folder,
    images: Annotated[
        Path | None, typer.Option(help="Labelled images: a folder with one a class, an idx file or .npz.")
    ] = None,
    pairs: Annotated[Path | None, typer.Option(help="A table with path_a, path_b and same.")] = None,
    json_file: Annotated[
        str | None, typer.Option("--json", help="Write all figures as JSON; - is standard output.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the pairs that are drawn.")] = 0,
) -> None:
    """Measure a model on labelled images, each paired once with one of its class and once with another, or on pairs."""
    if (images is None) == (pairs is None):
        raise TextsiamError("Name one of --images and --pairs.")
    with training_output():
        from textsiam.images.data.pairs import read_pair_list
        from textsiam.images.data.read import read_images
        from textsiam.images.model import ImageSiamese
        from textsiam.siamese.pairing import make_pairs

        siamese = ImageSiamese.load(model)
        height, width, channels = siamese.model_.network.shape
        if images is not None:
            data = read_images(images, size=(height, width), channels=channels)
            drawn = make_pairs(data.labels, small_classes="skip", seed=seed)
            figures = siamese.evaluate(data.images, data.labels, drawn)
        elif pairs is not None:
            figures = siamese.evaluate_pairs(read_pair_list(pairs, seed=seed))
    if json_file is not None:
        text = json.dumps(figures.to_dict(), indent=2)
        if json_file == "-":
            print_answer(text)
            return
        Path(json_file).write_text(text + "\n", encoding="utf-8")
    for name, value in figures.to_dict().items():
        print_answer(f"{name:<16} {figure_text(value)}")


@app.command()
def compare(
    image_a: Annotated[Path, typer.Argument(metavar="A")],
    image_b: Annotated[Path, typer.Argument(metavar="B")],
    model: Folder,
    threshold: Annotated[float | None, typer.Option(help="Largest distance of a same pair.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare two pictures."""
    with training_output():
        from textsiam.images.model import ImageSiamese
        from textsiam.images.pictures import read_pictures

        siamese = ImageSiamese.load(model)
        a, b = (read_pictures(siamese, [path]) for path in (image_a, image_b))
        verdicts = siamese.verify(a, b, threshold)
    limit = siamese.threshold_ if threshold is None else threshold
    distance, same = float(verdicts.distances[0]), bool(verdicts.same[0])
    if as_json:
        answer: dict[str, Any] = {"same": same, "distance": round(distance, 6), "threshold": limit}
        if verdicts.probabilities is not None:
            answer["probability"] = round(float(verdicts.probabilities[0]), 6)
        print_answer(json.dumps(answer))
    else:
        print_answer(f"{'same' if same else 'different'}: distance {distance:.4f}, threshold {limit:.4f}")


@app.command()
def enroll(
    name: Annotated[str, typer.Argument(help="Who or what the pictures show.")],
    pictures: Annotated[list[Path], typer.Argument(metavar="PICTURE...", help="png, jpg, pgm or ppm.")],
    model: Folder,
) -> None:
    """Make a name known by its pictures, without training; a name that is known already gets more."""
    with training_output():
        from textsiam.images.pictures import enroll_pictures

        names = enroll_pictures(model, name, pictures).model_.gallery.names
    count = names.count(name)
    known = f"{count} picture{'s' * (count > 1)}"
    typer.echo(f"{model}: {name} is known by {known}; names in all: {len(set(names))}")


@app.command()
def identify(
    pictures: Annotated[list[Path], typer.Argument(metavar="PICTURE...", help="png, jpg, pgm or ppm.")],
    model: Folder,
    k: Annotated[int, typer.Option("-k", help="How many of the nearest names to tell.")] = 1,
    threshold: Annotated[
        float | None, typer.Option(help="Largest distance of a name; default: the model's own.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say which of the enrolled names each picture shows, or "unknown" where none is near enough."""
    with training_output():
        from textsiam.images.model import ImageSiamese
        from textsiam.images.pictures import read_pictures

        siamese = ImageSiamese.load(model)
        answers = siamese.identify(read_pictures(siamese, pictures), k, threshold)
    limit = siamese.threshold_ if threshold is None else threshold
    if as_json:
        told = [
            {"picture": typer.format_filename(path), "threshold": limit, **asdict(answer)}
            for path, answer in zip(pictures, answers, strict=True)
        ]
        print_answer(json.dumps(told, indent=2, ensure_ascii=False))
        return
    for path, answer in zip(pictures, answers, strict=True):
        print_answer(
            f"{typer.format_filename(path)}: {answer.name}, distance {answer.distance:.4f}, threshold {limit:.4f}"
        )
        if k > 1:
            for match in answer.matches:
                print_answer(f"  {match.distance:.4f}  {match.name}")


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    height, _, width = text.partition("x")
    if not (height.isdecimal() and width.isdecimal()):
        raise TextsiamError(f"A size is HEIGHTxWIDTH in pixels, 56x46 for instance, not {text!r}.")
    return int(height), int(width)


def _summary(figures: "VerificationFigures") -> str:
    loss = "" if figures.loss is None else f", loss {figures.loss:.4f}"
    return (
        f"test accuracy {figures.accuracy:.4f} on {figures.rows} pairs, ROC AUC {figure_text(figures.roc_auc)}{loss}, "
        f"threshold {figures.threshold:.4f}"
    )
