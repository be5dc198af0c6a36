"""Schema files as statements: QuestDB reads the SQL, this finds where a statement ends, and what it creates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# sqlparse is no help here: it takes \' for a quote and `# ` for a comment, and it does not end a statement that holds DECLARE.
LEXER = re.compile(
    r"""
    (?P<skipped> \s+ | --[^\n]* | /\*.*?\*/ )
  | (?P<quoted> '(?:[^']|'')*' | "(?:[^"]|"")*" )
  | (?P<word> \w+ )
  | (?P<sign> . )
    """,
    re.DOTALL | re.VERBOSE,
)
TABLE, VIEW, MATERIALIZED_VIEW = "TABLE", "VIEW", "MATERIALIZED VIEW"


@dataclass(frozen=True)
class Token:
    """A word, a name or text in quotes, or a sign; `start` and `end` are where it stands in the file."""

    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The token as a keyword: in capitals; quotes keep it from being one."""
        return self.text.upper()

    @property
    def name(self) -> str:
        """The token as a name, without its quotes."""
        return self.text[1:-1] if self.text[0] in "'\"" else self.text


def tokens(text: str) -> list[Token]:
    """Return the tokens of `text` without white space and comments.

    Raises:
        Problem: a quote or a comment is not closed.

    """
    found = []
    for match in LEXER.finditer(text):
        if match.lastgroup == "sign" and (match[0] in "'\"" or text.startswith("/*", match.start())):
            line = text.count("\n", 0, match.start()) + 1
            message = f"line {line} opens a {'comment' if match[0] == '/' else 'quote'} that is not closed. Close it"
            raise Problem(message)
        if match.lastgroup != "skipped":
            found.append(Token(match[0], match.start(), match.end()))
    return found


def folded(sql: str) -> tuple[str, ...]:
    """Return what tells two queries apart: no white space, no comments, and case only within quotes."""
    return tuple(t.text if t.text[0] in "'\"" else t.text.lower() for t in tokens(sql))


@dataclass(frozen=True)
class Statement:
    """One CREATE of a schema file: `head` says of what, `rest` follows the name; neither has comments before it.

    `kind` is TABLE, VIEW or MATERIALIZED VIEW, `file` the file's label in messages.
    """

    file: str
    kind: str
    name: str
    head: str
    rest: str

    @property
    def is_view(self) -> bool:
        """Whether this is a materialized view."""
        return self.kind == MATERIALIZED_VIEW

    @property
    def sql(self) -> str:
        """The statement, which does nothing if the name is taken."""
        return self.creating(self.name)

    def creating(self, name: str, rest: str | None = None) -> str:
        """Return the statement with another name, and maybe with something else after it."""
        return f"{self.head} IF NOT EXISTS {quoted(name)}{self.rest if rest is None else rest}"

    def twin(self, name: str) -> str:
        """Return a statement that creates the same under another name, but leaves it empty."""
        insert = {MATERIALIZED_VIEW: _deferred, TABLE: _without_rows}.get(self.kind)
        return self.creating(name, insert(self.rest) if insert else None)

    @property
    def refresh(self) -> list[str]:
        """The tokens of a materialized view's REFRESH clause, less those that only matter when it is created."""
        clause = [t.text for t in _refresh(self.rest) if t.word not in {"DEFERRED", "INCREMENTAL"}]
        return clause or ["IMMEDIATE"]


def quoted(name: str) -> str:
    """Return `name` as SQL has it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return `text` as a value in SQL."""
    return "'" + text.replace("'", "''") + "'"


def parse(file: str, text: str) -> list[Statement]:
    """Return the statements of a file.

    Raises:
        Problem: it holds something else than statements that create tables and views.

    """
    return [_statement(file, text, statement) for statement in _split(tokens(text))]


def _split(found: Iterable[Token]) -> Iterator[list[Token]]:
    statement: list[Token] = []
    for token in found:
        if token.text != ";":
            statement.append(token)
        elif statement:
            yield statement
            statement = []
    if statement:
        yield statement


HEAD = re.compile(
    r"(?P<head>CREATE (?:ATOMIC |BATCH \d+ (?:O3MAXLAG \w+ )?)?(?:OR REPLACE )?"
    r"(?P<kind>TABLE|MATERIALIZED VIEW|VIEW) )(?:IF NOT EXISTS )?"
)


def _statement(file: str, text: str, found: list[Token]) -> Statement:
    words = "".join(token.word + " " for token in found)
    match = HEAD.match(words)
    count = match[0].count(" ") if match else 0
    if not match or count == len(found):
        message = (
            "only CREATE TABLE, CREATE VIEW and CREATE MATERIALIZED VIEW can be applied again and again, "
            f"this can't: {text[found[0].start : found[-1].end][:80]}. Run it by hand, and remove it from the file"
        )
        raise Problem(message)
    name = found[count]
    if text[name.end : name.end + 1] in {".", "-", "$", "@"}:
        message = f'the name that begins with {name.text} needs quotes: write it between two "'
        raise Problem(message)
    head = match["head"].replace("OR REPLACE ", "").strip()
    return Statement(file, match["kind"], name.name, head, text[name.end : found[-1].end])


def _refresh(rest: str) -> list[Token]:
    """Return the tokens of a REFRESH clause, which stands before AS."""
    before = tokens(rest)[: _position(rest, "AS")]
    return before[_position(rest, "REFRESH") + 1 :]


def _position(rest: str, word: str) -> int:
    """Return the index of the first token that is `word`; the number of tokens if there is none."""
    found = tokens(rest)
    return next((index for index, token in enumerate(found) if token.word == word), len(found))


def _deferred(rest: str) -> str:
    """Have a view wait for the next change of its base, so that creating it reads nothing."""
    clause = _refresh(rest)
    words = [token.word for token in clause]
    if "DEFERRED" in words or _position(rest, "AS") == len(tokens(rest)):
        return rest
    if not clause:
        start = tokens(rest)[_position(rest, "AS")].start
        return f"{rest[:start]}REFRESH DEFERRED {rest[start:]}"
    how = {"IMMEDIATE": 1, "MANUAL": 1, "INCREMENTAL": 1, "EVERY": 2}.get(words[0], 0)
    end = tokens(rest)[_position(rest, "REFRESH") + how].end
    return f"{rest[:end]} DEFERRED{rest[end:]}"


def _without_rows(rest: str) -> str:
    """Have CREATE TABLE … AS (query) copy nothing."""
    found = tokens(rest)
    if [token.word for token in found[:2]] != ["AS", "("]:
        return rest
    begin, end = found[1].end, _closing(found, 1).start
    return f"{rest[:begin]}SELECT * FROM ({rest[begin:end]}) LIMIT 0{rest[end:]}"  # noqa: S608 - of our files


def _closing(found: list[Token], opening: int) -> Token:
    depth = 0
    for token in found[opening:]:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if not depth:
            return token
    message = "a bracket is not closed. Close it"
    raise Problem(message)
