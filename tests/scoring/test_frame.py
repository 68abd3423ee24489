"""One answer from every door: frames, files and the classifier say the same of the same pairs."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from textsiam import TextsiamError, score_file, score_frame

QUESTIONS = [
    ("How do I learn chess?", "What is the best way to learn chess?"),
    ("Why?", "why?"),
    ("  ", "Who?"),
    ("Which hotel in oslo is good?", ""),
    ("How do I learn yoga?", "Where can I stay in rome?"),
]
FRAME = pd.DataFrame(QUESTIONS, columns=["question1", "question2"])
MISSING = FRAME.assign(question2=[QUESTIONS[0][1], "why?", None, np.nan, pd.NA])


def answers(frame):
    return frame[["duplicate_probability", "duplicate"]]


@pytest.mark.parametrize("frame", [FRAME, FRAME[:0], MISSING, FRAME.astype("category")])
def test_the_classifier_answers_as_score_frame_does(trained, model_folder, frame):
    found = trained.predict_frame(frame)
    pd.testing.assert_frame_equal(found, score_frame(frame, model=model_folder))
    pd.testing.assert_frame_equal(found[list(frame)], frame)
    assert [str(kind) for kind in answers(found).dtypes] == ["float64", "Int8"]


def test_a_file_says_what_a_frame_says(trained, model_folder, tmp_path):
    FRAME.to_parquet(tmp_path / "in.parquet", index=False)
    score_file(tmp_path / "in.parquet", tmp_path / "out.parquet", model=model_folder)
    of_file, of_frame = pd.read_parquet(tmp_path / "out.parquet"), trained.predict_frame(FRAME)
    assert of_frame["duplicate"].isna().tolist() == [False, False, True, True, False]
    np.testing.assert_array_equal(of_file["duplicate_probability"], of_frame["duplicate_probability"].round(6))
    np.testing.assert_array_equal(of_file["duplicate"].to_numpy(float), of_frame["duplicate"].to_numpy(float))


def test_what_predict_answers_is_answered_alike(trained):
    full = FRAME.iloc[[0, 1, 4]]
    found = trained.predict_frame(full)
    np.testing.assert_array_equal(found["duplicate_probability"], trained.predict_proba(full)[:, 1])
    assert found["duplicate"].tolist() == trained.predict(full).tolist()


def test_arrow_tables(model_folder):
    table = pa.Table.from_pandas(MISSING, preserve_index=False)
    found = score_frame(table, model=model_folder)
    assert found.schema.names == [*table.schema.names, "duplicate_probability", "duplicate"]
    assert found.select(table.schema.names).equals(table)
    assert found.schema.types[-2:] == [pa.float64(), pa.int8()]
    expected = score_frame(MISSING, model=model_folder)
    assert (
        found["duplicate"].to_pylist()
        == expected["duplicate"].astype(object).where(expected["duplicate"].notna(), None).tolist()
    )
    assert found["duplicate_probability"].null_count == 3
    assert score_frame(table[:0], model=model_folder).num_rows == 0


@pytest.mark.parametrize(
    ("frame", "problem", "cure"),
    [
        (FRAME.assign(duplicate=1), "The frame has a column 'duplicate' already, which scoring adds.", "Rename it."),
        (FRAME.assign(question2=["a", "b", "c", "d", 5]), "row 5 of column 'question2' has 5 (int).", "Convert it."),
        (FRAME.rename(columns={"question1": "q"}), "no column 'question1'; it has: q, question2.", "question1=…"),
        (FRAME.to_numpy(), "a frame of pandas or Dask, or an Arrow table, not ndarray.", "pd.DataFrame(pairs"),
        (QUESTIONS, "not list.", "pd.DataFrame(pairs"),
    ],
)
def test_what_is_wrong_is_said_alike(trained, model_folder, frame, problem, cure):
    messages = set()
    for door in (trained.predict_frame, lambda frame: score_frame(frame, model=model_folder)):
        with pytest.raises(TextsiamError) as error:
            door(frame)
        assert problem in error.value.problem
        assert cure in error.value.cure
        messages.add(str(error.value))
    assert len(messages) == 1


def test_one_column_cannot_be_both_questions(model_folder):
    with pytest.raises(TextsiamError, match="question1 'question1', question2 'question1'"):
        score_frame(FRAME, model=model_folder, question2="question1")
