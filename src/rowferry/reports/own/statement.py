"""The statement of a report: one that reads, with named parameters, as SQLAlchemy's `text` takes it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""
    (?P<comment> --[^\n]* | /\*.*?\*/ )
  | (?P<quoted> [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*`
      | (?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?P=tag) )
  | (?P<unclosed> ['"`] | /\* | \$(?:[^\W\d]\w*)?\$ )
  | (?P<cast> :: )
  | :(?P<parameter> [^\W\d]\w* )
  | (?P<end> ; )
  | (?P<foreign> [$@]\w+ | \?\d+ )
  | (?P<word> [^\W\d][\w$]* )
  | (?P<blank> \s+ )
  | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)

_READING = ("select", "with", "values")


@dataclass
class Statement:
    """What is read of a statement: its text, its parameters by the line where each stands first, and its faults."""

    parameters: dict[str, int] = field(default_factory=dict)
    faults: list[tuple[int, str]] = field(default_factory=list)
    _parts: list[str] = field(default_factory=list)
    _ended: bool = False
    _begun: bool = False

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def take(self, token: re.Match[str], line: int) -> None:
        """Add a token; comments are left out, and nothing but a parameter looks like one."""
        sort, spelled = token.lastgroup or "other", token[0]
        if sort == "comment":
            if "/*" in spelled[2:] and spelled.startswith("/*"):
                self.faults.append((line, "a comment begins within a comment; end the first one before it"))
            self._parts.append(" " + "\n" * spelled.count("\n"))
        elif sort == "end":
            self._ended = True
        elif sort == "blank":
            self._parts.append(spelled)
        else:
            self._take_code(sort, spelled, line)

    def _take_code(self, sort: str, spelled: str, line: int) -> None:
        if self._ended:
            self._ended = False
            self.faults.append((line, "a second statement begins; a report is one statement"))
        if not self._begun and spelled.lower() not in (*_READING, "("):
            self.faults.append((line, f"the statement begins with {spelled[:40]!r}; begin with SELECT, WITH or VALUES"))
        self._begun = True
        if sort == "unclosed":
            self.faults.append((line, f"what {spelled} begins does not end; close it"))
        elif sort == "foreign":
            self.faults.append((line, f"{spelled} is no parameter of a report; write :name"))
        elif sort == "parameter":
            self.parameters.setdefault(spelled[1:], line)
        # The library takes a colon before a word for a parameter, wherever it stands, unless a backslash precedes it.
        self._parts.append(f" {spelled} " if sort == "parameter" else spelled.replace(":", "\\:"))


def read_statement(source: str, first_line: int = 1) -> Statement:
    """The statement that a source holds, whose first line has this number."""
    found = Statement()
    for token, line in _tokens(source, first_line):
        found.take(token, line)
        if token.lastgroup == "unclosed":  # all that follows belongs to it
            break
    if not found.text.strip():
        found.faults.append((first_line, "there is no statement; write a SELECT below the declarations"))
    return found


def _tokens(source: str, line: int) -> Iterator[tuple[re.Match[str], int]]:
    for token in _TOKEN.finditer(source):
        yield token, line
        line += token[0].count("\n")
