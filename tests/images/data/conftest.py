"""What the tests of pictures share: files written by Pillow, and refusals of one line."""

import numpy as np
import pytest
from PIL import Image

from textsiam.errors import TextsiamError


@pytest.fixture(scope="session")
def saved():
    """Return a function that writes pixels as a file, and returns its path."""

    def save(path, pixels, **options):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(pixels)).save(path, **options)
        return path

    return save


@pytest.fixture(scope="session")
def refused():
    """Return a function that calls another, which refuses its arguments, and returns the one line that it says."""

    def call(function, *args, **kwargs):
        with pytest.raises(TextsiamError) as caught:
            function(*args, **kwargs)
        message = str(caught.value)
        assert "\n" not in message
        return message

    return call
