"""Records that stand in lists inside of other records: the answer of a web service, a file of many records in one object."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from datasets.sample import flattened, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datasets.sample import Field, Sample

DEEPEST = 5  # lists inside of lists
OBJECTS = re.compile(r"STRUCT\(.*\)\[\]", re.DOTALL)
VALUES = re.compile(r"[^\[\]]*[^)\]]\[\]|DECIMAL\([^\[\]]*\)\[\]")
PAIRS = re.compile(r"[^\[\]()]*\[\]\[\]")


def opened(sample: Sample) -> bool:
    """Let the elements of the lists that records hold be the records; tell whether there are such lists.

    These are, the first that is there: a list of objects; several lists of values, as long as each other, one for each
    column; lists of pairs of a time and a number.
    """
    found = next(_queries(sample), None)
    if found is None or sample.opened == DEEPEST:
        return False
    what, query = found
    sample.database.execute(f"CREATE TABLE opened AS {query}; DROP TABLE sample; ALTER TABLE opened RENAME TO sample")
    sample.opened += 1
    sample.fields = list(flattened(sample.database))
    sample.remarks.append(f"the records are the {sample.rows} elements of {what}")
    return True


def _queries(sample: Sample) -> Iterator[tuple[str, str]]:
    """Give what the elements are called, and the query that has them as rows."""
    objects = [field for field in sample.fields if OBJECTS.fullmatch(field.type)]
    sizes = {field: sample.scalar(f"SELECT sum(len({field.expression})) FROM sample") for field in objects}
    largest = max(sizes, key=lambda field: sizes[field], default=None)
    if largest is not None and sizes[largest]:
        yield _shown(largest.name), f"SELECT x.* FROM (SELECT unnest({largest.expression}) AS x FROM sample)"
    if values := _parallel(sample, VALUES):
        columns = ", ".join(f"unnest({field.expression}) AS {quoted(_last(field, values))}" for field in values)
        yield _listed(values), f"SELECT {columns} FROM sample"
    if pairs := _parallel(sample, PAIRS):
        yield _listed(pairs), _pairs(sample, pairs)


def _parallel(sample: Sample, kind: re.Pattern[str]) -> list[Field]:
    """Return the lists of a kind, if there are as many elements in each of them, record by record."""
    found = [field for field in sample.fields if kind.fullmatch(field.type)]
    least = 1 if kind is PAIRS else 2
    if len(found) < least:
        return []
    sizes = ", ".join(f"len({field.expression})" for field in found)
    differ = sample.scalar(f"SELECT count(*) FROM sample WHERE len(list_distinct([{sizes}])) <> 1")
    return [] if differ else found


def _pairs(sample: Sample, pairs: list[Field]) -> str:
    """Return the query that has a row for each pair: its time, its numbers, and what else the record holds."""
    held = {field.name for field in pairs}
    others = [f"{field.expression} AS {quoted(field.name)}" for field in sample.fields if field.name not in held]
    lists = [f"unnest({field.expression}) AS {quoted(f'pair {number}')}" for number, field in enumerate(pairs)]
    inner = f"SELECT {', '.join([*others, *lists])} FROM sample"
    names = [quoted(field.name) for field in sample.fields if field.name not in held]
    numbers = [f"{_number(number, 2)} AS {quoted(_last(field, pairs))}" for number, field in enumerate(pairs)]
    return f"SELECT {', '.join([f'{_number(0, 1)} AS time', *numbers, *names])} FROM ({inner})"


def _number(pair: int, place: int) -> str:
    return f"try_cast(trim(({quoted(f'pair {pair}')}[{place}])::VARCHAR, '\"') AS DOUBLE)"


def _last(field: Field, fields: list[Field]) -> str:
    """Return the name of a list without the names of the objects around it, if that tells all of them apart."""
    prefix = _prefix([each.name for each in fields])
    return field.name.removeprefix(prefix) or field.name


def _prefix(names: list[str]) -> str:
    """Return the words, each with its `_`, that all names begin with."""
    shared = ""
    first = names[0].split("_")
    for count in range(1, len(first)):
        start = "_".join(first[:count]) + "_"
        if all(name.startswith(start) for name in names):
            shared = start
    return shared


def _shown(name: str) -> str:
    return "lists in a list" if name == "json" else name  # DuckDB's word for values without a name


def _listed(fields: list[Field]) -> str:
    return ", ".join(field.name for field in fields[:5])
