"""A fault of a TOML file is told with its line and column, whatever ends the lines and whatever comes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecast.basics.toml_files import NotToml, NotUtf8, parse_toml, read_toml


def test_a_file_is_read_with_and_without_its_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    for mark in (b"", b"\xef\xbb\xbf"):
        path.write_bytes(mark + 'name = "温州"\r\nyear = 2020\r\n'.encode())
        assert read_toml(path) == {"name": "温州", "year": 2020}


def test_a_fault_says_where_it_stands() -> None:
    with pytest.raises(NotToml) as caught:
        parse_toml("good = 1\r\nbad = = 2\r\n")
    assert (caught.value.row, caught.value.column) == (2, 7)
    assert "line 2" in str(caught.value)
    assert "line" not in caught.value.reason
    with pytest.raises(NotToml) as caught:
        parse_toml("open = [1,")
    assert (caught.value.row, caught.value.column) == (None, None)


def test_what_is_not_utf8_and_what_is_not_there_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes('name = "温州"'.encode("gb18030"))
    with pytest.raises(NotUtf8):
        read_toml(path)
    with pytest.raises(FileNotFoundError):
        read_toml(tmp_path / "b.toml")
