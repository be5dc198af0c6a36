"""Numbers with a sign between their thousands: 1.234,5 or 1,234.5."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets.sample import Field, Sample


def grouped(sample: Sample, field: Field, missing: tuple[str, ...], *, commas: bool) -> Field:
    """Return a field of text with the thousands' sign of its numbers, if they have one.

    1.234 is grouped only where `commas` tells that other columns have decimal commas. `missing` stands for no number.
    """
    return next((made for sign in ".," if (made := _by(sample, field, missing, sign, commas=commas))), field)


def _by(sample: Sample, field: Field, missing: tuple[str, ...], sign: str, *, commas: bool) -> Field | None:
    text, decimal = f"trim({field.expression})", ",."[sign == ","]

    def count(condition: str) -> int:
        words = ", ".join(f"'{word}'" for word in missing)
        return sample.scalar(f"SELECT count(*) FROM sample WHERE {text} NOT IN ({words}) AND {condition}")

    both_signs = rf"[{sign}][0-9]{{3}}[.,]"
    number = rf"^[-+]?([0-9]{{1,3}}([{sign}][0-9]{{3}})+|[0-9]+)([{decimal}][0-9]+)?$"
    some = f"regexp_matches({text}, '{both_signs}')"
    if commas and sign == ".":
        some += f" OR contains({text}, '.')"
    if not count(f"({some})") or count(f"NOT regexp_matches({text}, '{number}')"):
        return None
    whole = not count(f"contains({text}, '{decimal}')")
    return replace(field, type="BIGINT" if whole else "DOUBLE", comma=decimal == "," and not whole, grouped=sign)
