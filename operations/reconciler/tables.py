"""Tables and views: created, and altered where QuestDB can, as questdb/schema/*.sql say."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from operations.reconciler import catalog, files, sql
from operations.reconciler.catalog import TWIN
from operations.reconciler.changes import Changes, Definition, changes
from operations.reconciler.part import Part
from operations.reconciler.problems import Problem
from operations.reconciler.questdb import QuestDb  # noqa: TC001 - known by this name, too
from operations.reconciler.repairs import Repairs
from operations.reconciler.sql import Statement, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from operations.reconciler.catalog import Relation

log = logging.getLogger(__name__)

COLUMNS_AGAIN = 60.0  # seconds between two looks at the columns while no file changes


def read(folder: Path) -> list[Statement]:
    """Read the statements of every *.sql of `folder`, files by name, statements in their order.

    Raises:
        Problem: a file is not in order.

    """
    return list(wanted(folder).strict().values())


def wanted(folder: Path, on: Iterable[str] = ()) -> files.Wanted[Statement]:
    """Read the statements of every *.sql of `folder`: by the table's or view's name in small letters, as QuestDB compares names."""
    parsed = files.parsed(folder, ".sql", lambda source: sql.parse(source.label, source.text), on)
    found: files.Wanted[Statement] = files.Wanted(problems=parsed.problems)
    for file, statements in parsed.things.items():
        for statement in statements:
            _add(found, file, statement)
    return found


def _add(found: files.Wanted[Statement], file: str, statement: Statement) -> None:
    """Add a statement; of two for one name, the one counts whose file has that name, else the first."""
    name = statement.name.lower()
    first = found.things.get(name, statement)
    counts, other = (statement, first) if file.lower() == name else (first, statement)
    found.things[name] = counts
    if other is not counts:
        sentence = (
            f"{other.file}: {other.name} is defined in {counts.file}, too, and that counts. Remove one of the two"
        )
        found.problems[f"{other.file}/{name}"] = sentence


def missing(database: QuestDb, statements: Iterable[Statement]) -> list[str]:
    """Return the names of tables and views that the database does not have."""
    have = catalog.relations(database)
    return [statement.name for statement in statements if statement.name.lower() not in have]


def apply(database: QuestDb, statements: Iterable[Statement]) -> None:
    """Create what is missing, alter what differs, once.

    Raises:
        Problem: QuestDB refused a statement, or a difference cannot be altered; the other statements are applied.

    """
    by_name = {statement.name.lower(): statement for statement in statements}
    problems = Tables(database, Path()).keep(by_name, catalog.relations(database))
    if problems:
        raise Problem("; ".join(problems))


@dataclass
class Kept:
    """A statement, and how what it creates was found when it was last compared.

    `twin` is what QuestDB makes of the statement, None if that is not known; `tried` are the last statements that QuestDB took.
    """

    statement: Statement
    twin: Definition | None = None
    just_created: bool = False
    tried: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    lacking: bool = False

    @property
    def name(self) -> str:
        """Its name in small letters, as QuestDB compares names."""
        return self.statement.name.lower()


class Tables(Part[Statement]):
    """Keeps tables and views as the files of a folder say, and has QuestDB go on with those that have stopped.

    QuestDB itself reads a statement: it creates an empty twin, which is compared and dropped. That is done once for each text of a
    statement; afterwards it is only looked whether the table or view is still the same.
    """

    look_again = 15.0

    def __init__(
        self, database: QuestDb, folder: Path, clock: Callable[[], float] = time.monotonic, on: Iterable[str] = ()
    ) -> None:
        """Keep what the files of `folder` say; `clock` gives seconds; `on` are optional datasets."""
        super().__init__(clock)
        self._database = database
        self._folder, self._on = folder, on
        self._repairs = Repairs(database, clock)
        self._kept: dict[str, Kept] = {}
        self._columns_due = 0.0

    def read(self) -> files.Wanted[Statement]:
        """Read the files."""
        return wanted(self._folder, self._on)

    def soonest(self) -> float:
        """Return when the next attempt or repair is due."""
        return min(super().soonest(), self._repairs.backoff.soonest())

    def unfit(self, name: str) -> bool:
        """Tell whether rows may not fit a table, or a view is not to be had."""
        kept = self._kept.get(name.lower())
        return super().unfit(name.lower()) or (kept is not None and kept.lacking)

    def apply(self, things: dict[str, Statement]) -> list[str]:
        """Create what is missing, alter what differs, repair what has stopped; return a sentence for each problem."""
        have = catalog.relations(self._database)
        return self.keep(things, have) + self._repairs.make(have)

    def keep(self, things: dict[str, Statement], have: dict[str, Relation]) -> list[str]:
        """Create what `have` lacks, and alter what differs in it; return a sentence for each problem."""
        self._follow(things)
        for name, kept in self._kept.items():
            if name not in have:
                self._create(kept)
        there = [kept for name, kept in self._kept.items() if name in have and have[name].complete]
        if self._columns_wanted(there):
            self._compare(there, have)
        return [sentence for kept in self._kept.values() for sentence in self._about(kept)]

    def _follow(self, statements: dict[str, Statement]) -> None:
        """Keep what is known of statements that have not changed."""
        known = {kept.statement: kept for kept in self._kept.values()}
        self._kept = {name: known.get(statement) or Kept(statement) for name, statement in statements.items()}

    def _create(self, kept: Kept) -> None:
        kept.just_created = self._run(kept, [kept.statement.sql])
        if kept.just_created:
            log.info("%s: created %s", kept.statement.file, kept.statement.name)

    def _run(self, kept: Kept, statements: list[str]) -> bool:
        """Run statements if that is due; return whether QuestDB took them, and keep its reason if not."""
        if not self.attempts.due(kept.name, (kept.statement, *statements)):
            return False
        for statement in statements:
            try:
                self._database.run(statement)
            except Problem as problem:
                self.attempts.failed[kept.name] = _refused(statement, problem)
                return False
        self.attempts.failed.pop(kept.name, None)
        return True

    def _columns_wanted(self, there: list[Kept]) -> bool:
        """Tell whether to look at columns, too: after a change, when an attempt is due, and now and then."""
        new = any(kept.twin is None and kept.name not in self.attempts.failed for kept in there)
        return new or self._clock() >= min(self._columns_due, self.attempts.backoff.soonest())

    def _compare(self, there: list[Kept], have: dict[str, Relation]) -> None:
        """Make twins of new statements; alter what differs."""
        self._drop([relation for relation in have.values() if relation.name.endswith(TWIN)])
        columns = catalog.columns(self._database, [kept.name for kept in there])
        found = {name: Definition(have[name], listed) for name, listed in columns.items()}
        for kept in there:
            if kept.just_created:
                # QuestDB made it of this very text a moment ago.
                kept.twin, kept.just_created = found.get(kept.name), False
        self._make_twins([kept for kept in there if kept.twin is None])
        for kept in there:
            if kept.name not in found:
                self._create(kept)
            elif kept.twin:
                self._alter(kept, changes(kept.statement, found[kept.name], kept.twin))
        self._columns_due = self._clock() + COLUMNS_AGAIN

    def _make_twins(self, new: list[Kept]) -> None:
        """Learn what QuestDB makes of statements."""
        twins = {f"{kept.name[:60]}_{number}{TWIN}": kept for number, kept in enumerate(new)}
        twins = {name: kept for name, kept in twins.items() if self._run(kept, [kept.statement.twin(name)])}
        if twins:
            made = catalog.relations(self._database)
            try:
                columns = catalog.columns(self._database, list(twins))
            finally:
                self._drop([made[name] for name in twins])
            for name, kept in twins.items():
                kept.twin = Definition(made[name], columns[name]) if made[name].complete else None

    def _drop(self, relations: Iterable[Relation]) -> None:
        for relation in relations:
            self._database.run(f"DROP {relation.kind} IF EXISTS {quoted(relation.name)}")

    def _alter(self, kept: Kept, found: Changes) -> None:
        """Alter what can be altered, and keep the sentences about the rest."""
        kept.differences, kept.lacking = found.differences, found.lacking
        if not found.statements:
            self.attempts.done(kept.name)
            kept.tried = []
        elif found.statements == kept.tried:
            kept.differences = [*kept.differences, f"QuestDB has not yet applied: {'; '.join(found.statements)}"]
        if found.statements and self._run(kept, found.statements):
            log.info("%s: %s", kept.statement.file, "; ".join(found.statements))
            kept.tried = found.statements

    def _about(self, kept: Kept) -> list[str]:
        failed = self.attempts.failed.get(kept.name)
        about = f"{kept.statement.file}, {kept.statement.name}"
        return [f"{about}: {text}" for text in ([failed] if failed else []) + kept.differences]


def _refused(statement: str, problem: Problem) -> str:
    if statement.startswith("ALTER"):
        return f"QuestDB refuses {statement} ({problem}). Run it by hand, or put back what the file said before"
    return f"QuestDB refuses the statement ({problem}). Mend it in the file"
