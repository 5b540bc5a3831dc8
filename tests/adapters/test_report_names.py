from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psp_core.adapters.reports.names import safe_name

_AWKWARD = [
    ".",
    "..",
    "...",
    "",
    "CON",
    "con",
    "nul.txt",
    "NUL.tar.gz",
    "Aux",
    "com1",
    "LPT9.csv",
    "a/b",
    "a\\b",
    "/etc/passwd",
    "../all",
    "..\\all",
    "C:evil",
    "file:stream",
    "-rf",
    ".hidden",
    "trailing.",
    "trailing ",
    "trailing..",
    "a" * 255,
    "A" * 255,
    "a" * 254 + "b",
    "Acme",
    "acme",
    "ACME",
    "é",
    "e\u0301",
    "straße",
    "STRASSE",
    "\u212a",  # the Kelvin sign, whose small letter is k
    "k",
    "\uff05",
    "~",
    "a~b",
]
# What Windows resolves to a device, whatever comes after the first dot.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}


def _assert_stays_in_its_folder(name: str) -> None:
    written = safe_name(f"merchants/{name}")

    for kind in (PurePosixPath, PureWindowsPath):
        folder, file = kind(f"{written}.csv").parts
        assert folder == "merchants"
        assert kind(file).suffix == ".csv"
        assert len(file) < 200
    assert file.partition(".")[0].lower() not in _DEVICES
    assert re.fullmatch(r"[A-Za-z0-9_%~-][A-Za-z0-9_%~.-]*", file)
    assert file[0] not in ".-"


class TestSafeName:
    @pytest.mark.parametrize("name", _AWKWARD)
    def test_stays_in_its_folder(self, name: str) -> None:
        _assert_stays_in_its_folder(name)

    @given(st.text(st.characters(exclude_categories=["Cs"]), max_size=255))
    def test_stays_in_its_folder_whatever_it_is(self, name: str) -> None:
        _assert_stays_in_its_folder(name)

    def test_is_another_for_another_merchant_where_case_does_not_count(self) -> None:
        written = [safe_name(f"merchants/{name}").lower() for name in _AWKWARD]

        assert len(set(written)) == len(set(_AWKWARD))

    @pytest.mark.parametrize("name", ["merchant_1", "123", "lightsabers-co", "shop.example"])
    def test_is_the_merchants_own_when_that_is_plain(self, name: str) -> None:
        assert safe_name(f"merchants/{name}") == f"merchants/{name}"
