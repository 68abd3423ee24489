"""`textsiam.errors`: the two sentences of an error, and what it says of a missing extra."""

import copy
import pickle

import pytest

from textsiam.errors import MissingExtraError, TextsiamError, extras


def test_an_error_is_its_problem_and_its_cure():
    error = TextsiamError("m exists already.", "Replace it with overwrite=True.")
    assert str(error) == "m exists already. Replace it with overwrite=True."
    assert str(TextsiamError("m exists already.")) == "m exists already."


@pytest.mark.parametrize("clone", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy])
def test_an_error_crosses_processes(clone):
    error = clone(TextsiamError("p.", "c."))
    assert (error.problem, error.cure, str(error)) == ("p.", "c.", "p. c.")


def test_a_missing_extra_is_named():
    with pytest.raises(MissingExtraError, match=r"pip install 'textsiam\[parquet\]'"), extras():
        raise ModuleNotFoundError("No module named 'pyarrow'", name="pyarrow.parquet")
    with pytest.raises(ModuleNotFoundError, match="other"), extras():
        raise ModuleNotFoundError("No module named 'other'", name="other")


def test_a_missing_extra_is_an_import_error_too():
    assert issubclass(MissingExtraError, ImportError)
    assert issubclass(MissingExtraError, TextsiamError)
