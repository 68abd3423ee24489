"""Whole or not at all: what a crash, a full disk or a second process finds."""

import subprocess
import sys
import threading
import time

import pytest

from textsiam import TextsiamError
from textsiam.files.atomic import locked, sync_folder, write_folder, write_whole


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def full(*_):
    raise OSError(28, "No space left on device")


def test_a_file_is_replaced_whole(tmp_path):
    for content in (b"one", b"", b"another\0\n" * 1000):
        write_whole(tmp_path / "file", content)
        assert (tmp_path / "file").read_bytes() == content
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("call", ["os.fsync", "pathlib.Path.replace"])
def test_a_file_that_cannot_be_written_stays_what_it_was(tmp_path, monkeypatch, call):
    write_whole(tmp_path / "file", b"before")
    monkeypatch.setattr(call, full)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "file", b"after")
    assert (tmp_path / "file").read_bytes() == b"before"
    assert names(tmp_path) == ["file"]


def test_a_folder_is_replaced_whole(tmp_path):
    write_folder(tmp_path / "made" / "folder", {"a": b"1", "b": b"2"})
    write_folder(tmp_path / "made" / "folder", {"c": b"3"})
    assert names(tmp_path / "made") == ["folder"]
    assert names(tmp_path / "made" / "folder") == ["c"]
    assert (tmp_path / "made" / "folder" / "c").read_bytes() == b"3"


def test_what_else_stands_in_a_folder_is_kept_where_asked(tmp_path):
    folder = tmp_path / "folder"
    write_folder(folder, {"a": b"1", "b": b"2"})
    (folder / "sub").mkdir()
    (folder / "sub" / "c").write_bytes(b"3")
    (folder / "link").symlink_to("nowhere")
    write_folder(folder, {"a": b"4"}, keep=True)
    assert names(folder) == ["a", "b", "link", "sub"]
    assert [(folder / name).read_bytes() for name in ("a", "b", "sub/c")] == [b"4", b"2", b"3"]
    assert (folder / "link").is_symlink()
    write_folder(tmp_path / "new", {"a": b"5"}, keep=True)
    assert names(tmp_path) == ["folder", "new"]


def test_a_folder_that_cannot_be_renamed_into_place_stays_what_it_was(tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    write_folder(folder, {"a": b"before"})
    rename = type(folder).rename

    def failing(self, target):
        if self.name.endswith(".new"):
            full()
        return rename(self, target)

    monkeypatch.setattr("pathlib.Path.rename", failing)
    with pytest.raises(OSError, match="No space"):
        write_folder(folder, {"a": b"after"})
    assert (folder / "a").read_bytes() == b"before"
    assert names(tmp_path) == ["folder"]


def test_a_lock_keeps_other_processes_out(tmp_path):
    code = """
import sys
from pathlib import Path
from textsiam import TextsiamError
from textsiam.files.atomic import locked
try:
    with locked(Path(sys.argv[1]), "It is busy."):
        print("in")
except TextsiamError as error:
    print(error)
"""

    def other():
        command = [sys.executable, "-c", code, tmp_path / "lock"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    with locked(tmp_path / "lock", "Nobody else is here."):
        assert other() == "It is busy."
    assert names(tmp_path) == []
    assert other() == "in"
    with locked(tmp_path / "kept", "", keep=True):
        pass
    assert names(tmp_path) == ["kept"]


def test_a_lock_is_waited_for(tmp_path):
    order = []

    def inside(number):
        with locked(tmp_path / "lock", "Busy.", wait=60):
            order.append(number)
            time.sleep(0.05)
            order.append(number)

    threads = [threading.Thread(target=inside, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert order[::2] == order[1::2]
    assert sorted(order[::2]) == [0, 1, 2, 3]


def test_a_lock_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"), locked(tmp_path / "file" / "lock", ""):
        raise AssertionError
    with pytest.raises(TextsiamError), locked(tmp_path / "lock", ""), locked(tmp_path / "lock", "Busy."):
        raise AssertionError


def test_a_folder_that_is_not_there_cannot_be_synced(tmp_path):
    sync_folder(tmp_path)
    with pytest.raises(OSError, match="No such file"):
        sync_folder(tmp_path / "none")
