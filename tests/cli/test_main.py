"""`textsiam.cli.main`: what becomes of the library's errors at the command line."""

import pytest

from textsiam.cli.main import in_options


@pytest.mark.parametrize(
    ("verb", "cure", "expected"),
    [
        (
            "score a.csv",
            "Choose another, or replace it with overwrite=True.",
            "Choose another, or replace it with --force.",
        ),
        ("score a.csv", 'Or go on without such rows: bad_rows="skip".', "Or go on without such rows: --bad-rows skip."),
        ("score", "Name one with output=…", "Name one with --output"),
        ("score", 'Add engine="dask".', "Add --engine dask."),
        ("score", "Give scheduler=… or workers=…, not both.", "Give --scheduler or --workers, not both."),
        ("train x --out y", "Name it with label=…", "Name it with --label"),
        ("train", "Leave random_state=… out.", "Leave --seed out."),
        ("images train", "Replace it with overwrite=True.", "Replace it with --force."),
        ("compare a b", "Replace it with overwrite=True.", "Replace it with overwrite=True."),  # it has no such option
        ("info", "Say x=1.", "Say x=1."),
        ("", "Say model=…", "Say model=…"),
    ],
)
def test_a_cure_names_the_options_of_the_verb(verb, cure, expected):
    assert in_options(cure, verb.split()) == expected
