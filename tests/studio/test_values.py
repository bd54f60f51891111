"""Paths and numbers are checked as they are read."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from studio.values import Size, gigabytes, path_of, real, size_of, whole


def test_paths_and_numbers_in_their_ranges_are_read() -> None:
    assert path_of("~/photos") == Path.home() / "photos"
    assert path_of(".") == Path()
    assert [whole(0, 2**63 - 1)(text) for text in ("0", "9223372036854775807")] == [0, 2**63 - 1]
    assert [real(0, 10)(text) for text in ("0", "1e-1", "10")] == [0, 0.1, 10]


@pytest.mark.parametrize("text", ["", " ", "~nobodyhere/x"])
def test_a_path_that_names_no_place_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=repr(text)):
        path_of(text)


@pytest.mark.parametrize("text", ["1e5", "-1", "6", "", "x", "1.5"])
def test_a_whole_number_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=f"'{text}' is no whole number from 0 to 5"):
        whole(0, 5)(text)


@pytest.mark.parametrize("text", ["nan", "inf", "-0.1", "11", ""])
def test_a_number_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=f"'{text}' is no number from 0 to 10"):
        real(0, 10)(text)


def test_a_size_is_read_width_first() -> None:
    assert [size_of(text) for text in ("480x832", "480×832", "480X832")] == [Size(480, 832)] * 3


@pytest.mark.parametrize("text", ["", "480", "480x", "x480", "-1x2", "4.5x2", "axb", "1x2x3"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=f"'{text}' is no size"):
        size_of(text)


def test_memory_is_read_with_and_without_its_unit() -> None:
    assert [gigabytes(text) for text in ("24GB", "24 gb", "7.5g", 80)] == [24, 24, 7.5, 80]


@pytest.mark.parametrize("text", ["", "0", "-1GB", "much", "inf", "nan"])
def test_a_size_that_no_memory_has_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="give one such as 24GB"):
        gigabytes(text)


@pytest.mark.parametrize("text", ["100000x100000", "1048576x16", "0x64", "64", "x", "64x-1"])
def test_a_size_that_nothing_draws_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=f"'{text}' is no size"):
        size_of(text)
