"""Text files of any encoding, gzipped or not, read as UTF-8, and written so that not a byte differs."""

import codecs
import gzip
import io
import re
import zlib
from typing import Any, BinaryIO, cast

from textsiam.errors import TextsiamError

UTF8 = "utf-8"
# The longer ones first: UTF-32's begins as UTF-16's.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: UTF8,
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_GZIP = b"\x1f\x8b"
_BLOCK = 1 << 16
_ESCAPED = re.compile("([\udc00-\udcff]+)")


def _escape(error: UnicodeError) -> tuple[str, int]:
    """Stand in for bytes that cannot be decoded: surrogates, of which no UTF-8 can be made."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("textsiam.escape", _escape)


def check_encoding(encoding: str | None) -> str | None:
    """Return the encoding by the name that Python gives it; None for None.

    Raises:
        TextsiamError: there is none of that name that text files could have.
    """
    if encoding is None:
        return None
    try:
        name = codecs.lookup(encoding).name
        if codecs.getincrementaldecoder(name)().decode('a,b\n"'.encode(name), final=True).lstrip("\ufeff") != 'a,b\n"':
            raise LookupError
    except (LookupError, TypeError, ValueError, AssertionError) as error:
        raise TextsiamError(
            f"There is no encoding {encoding!r:.60} of text files.", 'Name one that Python knows: encoding="cp1252".'
        ) from error
    return UTF8 if name == "utf-8-sig" else name


def open_text(file: BinaryIO, name: str, encoding: str | None = None, *, pipe: bool = False) -> tuple[BinaryIO, str]:
    """Return what a text file holds, gzipped or not, as UTF-8, and the encoding that it has.

    Args:
        file: its bytes, at their beginning.
        name: what it is called in messages.
        encoding: None: as the byte order mark tells, UTF-8 without one.
        pipe: do not go back in the file, which may be one that cannot.

    Raises:
        TextsiamError: it is no complete gzip file, or there is no such encoding.
    """
    encoding = check_encoding(encoding)
    again = not pipe and file.seekable()
    head, stream = _look(file, again=again)
    if head.startswith(_GZIP):
        try:
            head, stream = _look(cast(BinaryIO, gzip.GzipFile(fileobj=stream)), again=again)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise TextsiamError(
                f"{name}, header (line 1) cannot be read: the file is no complete gzip file: {error}. Fetch or "
                "compress it again."
            ) from error
    if encoding in (None, "utf-16", "utf-32"):
        marked = next((found for mark, found in _MARKS.items() if head.startswith(mark)), None)
        encoding = marked or (f"{encoding}-le" if encoding else UTF8)
    if encoding == UTF8:
        return stream, encoding
    return cast(BinaryIO, io.BufferedReader(_AsUtf8(stream, encoding), _BLOCK)), encoding


def encode(data: bytes, encoding: str) -> bytes:
    """Return UTF-8 as `open_text` gave it in the encoding that the file has, to the byte."""
    return data if encoding == UTF8 else data.decode().encode(encoding)


def unescape(data: bytes) -> bytes:
    """Return UTF-8 as `open_text` made it of another encoding, with the bytes that it could not decode."""
    pieces = _ESCAPED.split(data.decode(UTF8, "surrogatepass"))
    return b"".join(
        bytes(ord(sign) - 0xDC00 for sign in piece) if number % 2 else piece.encode(UTF8, "surrogatepass")
        for number, piece in enumerate(pieces)
    )


def _look(file: BinaryIO, *, again: bool) -> tuple[bytes, BinaryIO]:
    """Return the first bytes of a file, and the file from its beginning; ``again`` says that it can go back."""
    head = file.read(4)
    if again:
        file.seek(0)
        return head, file
    return head, cast(BinaryIO, io.BufferedReader(_Preceded(head, file), _BLOCK))


class _Preceded(io.RawIOBase):
    """A stream after bytes that were taken from it."""

    def __init__(self, head: bytes, stream: BinaryIO):
        self._head, self._stream = head, stream

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read bytes: those taken first, then what comes, however little."""
        data = self._head or self._stream.read1(len(buffer))  # type: ignore[attr-defined]
        size = min(len(data), len(buffer))
        buffer[:size] = data[:size]
        self._head = data[size:]
        return size

    def close(self) -> None:
        """Close the stream, too."""
        self._stream.close()
        super().close()


class _AsUtf8(io.RawIOBase):
    """A stream of text of another encoding, as UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str):
        self._stream, self._encoding = stream, encoding
        self._begin()

    def _begin(self) -> None:
        self._decoder = codecs.getincrementaldecoder(self._encoding)("textsiam.escape")
        self._ready, self._given, self._ended = b"", 0, False

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Whether the stream is."""
        return self._stream.seekable()

    def readinto(self, buffer: Any) -> int:
        """Read bytes."""
        while not self._ready and not self._ended:
            data = self._stream.read1(_BLOCK)  # type: ignore[attr-defined]
            self._ended = not data
            self._ready = self._decoder.decode(data, final=self._ended).encode(UTF8, "surrogatepass")
        size = min(len(self._ready), len(buffer))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        self._given += size
        return size

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self._given

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a byte, by reading all that comes before it."""
        if whence == io.SEEK_CUR and offset == 0:
            return self._given
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("from the beginning only")
        if offset < self._given:
            self._stream.seek(0)
            self._begin()
        while self._given < offset and (data := self.read(min(offset - self._given, _BLOCK))):
            del data
        return self._given

    def close(self) -> None:
        """Close the stream, too."""
        self._stream.close()
        super().close()
