"""A gallery of known embeddings by name: new classes without training anew."""

from collections.abc import Callable
from dataclasses import dataclass
from unicodedata import category

import numpy as np

from textsiam.errors import TextsiamError
from textsiam.images.network import Floats

UNKNOWN = "unknown"
_UNWRITABLE = {"Cc", "Cs", "Zl", "Zp"}  # control characters, halves of characters, line ends

Compare = Callable[[Floats, Floats], Floats]  # (n, d), (n, d) → distances (n,)


@dataclass(frozen=True)
class Match:
    """A name and the distance of its nearest image, at least 0."""

    name: str
    distance: float


@dataclass(frozen=True)
class Identification:
    """Who an image shows.

    Attributes:
        name: the nearest name, or "unknown" where none is within the threshold.
        distance: of the nearest image of the gallery, at least 0.
        matches: the nearest names, nearest first, within the threshold or not.
    """

    name: str
    distance: float
    matches: tuple[Match, ...]


@dataclass(frozen=True)
class Gallery:
    """Embeddings and the name of each; a name may have several.

    Attributes:
        names: one an embedding.
        embeddings: float32 (n, d).
    """

    names: tuple[str, ...]
    embeddings: Floats

    @classmethod
    def empty(cls, dimensions: int) -> "Gallery":
        """Return a gallery without a name, for embeddings of so many dimensions."""
        return cls((), np.zeros((0, dimensions), np.float32))

    def enroll(self, name: str, embeddings: Floats) -> "Gallery":
        """Return a gallery with more images of a name.

        Raises:
            TextsiamError: the name is empty or "unknown", or there is no image.
        """
        if not isinstance(name, str) or not name.strip() or name.strip() == UNKNOWN:
            raise TextsiamError(f"A name is a text other than {UNKNOWN!r}, not {name!r:.60}.", "Choose another name.")
        if any(category(character) in _UNWRITABLE for character in name):
            raise TextsiamError(f"A name is one line of text, not {name!r:.60}.", "Choose another name.")
        if not len(embeddings):
            raise TextsiamError(f"{name!r:.60} needs an image to be known by; got none.", "Give one.")
        return Gallery(
            (*self.names, *[name] * len(embeddings)), np.concatenate([self.embeddings, embeddings], dtype=np.float32)
        )

    def identify(self, embeddings: Floats, compare: Compare, threshold: float, k: int = 1) -> list[Identification]:
        """Find the nearest names of embeddings.

        Args:
            embeddings: (n, d).
            compare: the distance.
            threshold: largest distance at which an image is said to show a name.
            k: names to tell, at least 1; fewer where the gallery has fewer.

        Raises:
            TextsiamError: the gallery is empty, or k is below 1.
        """
        if not self.names:
            raise TextsiamError("Nobody is enrolled.", "Enroll a name with its images first.")
        if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
            raise TextsiamError(f"k is a number of names, at least 1, not {k!r:.60}.")
        return [self._nearest(embedding, compare, threshold, k) for embedding in embeddings]

    def _nearest(self, embedding: Floats, compare: Compare, threshold: float, k: int) -> Identification:
        distances = compare(np.broadcast_to(embedding, self.embeddings.shape), self.embeddings)
        nearest: dict[str, float] = {}
        for place in np.argsort(distances, kind="stable"):
            nearest.setdefault(self.names[place], float(distances[place]))
            if len(nearest) == k:
                break
        matches = tuple(Match(name, distance) for name, distance in nearest.items())
        best = matches[0]
        return Identification(best.name if best.distance <= threshold else UNKNOWN, best.distance, matches)
