"""What a text file is before it is read: encoding, delimiter, header."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence

#: What may stand between cells, and what it is called.
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


def to_utf8(data: bytes) -> tuple[bytes, str]:
    """The same text in UTF-8 without a byte order mark, and the encoding it was in."""
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
    ):
        if data.startswith(mark):
            body = data[len(mark) :]
            return (body if encoding == "utf-8" else body.decode(encoding).encode()), encoding
    head = data[:2000]
    if head.count(0) > len(head) // 4:  # UTF-16 without a mark: every other byte of Western text is zero
        encoding = "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
        return data.decode(encoding).encode(), encoding
    for encoding in ("utf-8", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return (data if encoding == "utf-8" else text.encode()), encoding
    return data.decode("latin-1").encode(), "latin-1"


def sniff_delimiter(text: str) -> str:
    """The delimiter under which the first lines have the most cells, alike; a comma if none has."""
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        widths = Counter(len(row) for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row)
        if not widths:
            continue
        width, rows = max(widths.items(), key=lambda each: (each[1], each[0]))
        score = rows / widths.total() * 100 + width
        if width > 1 and score > best_score:
            best, best_score = delimiter, score
    return best


def find_header(text: str, delimiter: str) -> tuple[list[str], int]:
    """The cells of the header, and the number of lines before it: blank ones, and titles of a single cell.

    Where every row ends with a delimiter and the header does not, the header gets a nameless column.
    """
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    rows: list[list[str]] = []
    ends: list[int] = []
    for row in reader:
        rows.append(row)
        ends.append(reader.line_num)
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    wanted = 2 if max(filled) > 1 else 1
    place = next(index for index, count in enumerate(filled) if count >= wanted)
    header = rows[place]
    below = [row for row in rows[place + 1 :] if row]
    if below and all(len(row) == len(header) + 1 and not row[-1] for row in below):
        header = [*header, ""]
    return header, ends[place - 1] if place else 0


def clean_header(names: Sequence[str | None]) -> list[str]:
    """Column names without spaces around them; nameless ones get their number, repeated ones a count."""
    seen: dict[str, int] = {}
    cleaned = []
    for place, name in enumerate(names, 1):
        plain = (name or "").strip() or f"column {place}"
        seen[plain] = seen.get(plain, 0) + 1
        cleaned.append(plain if seen[plain] == 1 else f"{plain} ({seen[plain]})")
    return cleaned


def first_lines(data: bytes, count: int = 60) -> str:
    """The first whole lines, for sniffing."""
    head = data[: 1 << 18]
    if len(head) < len(data):
        head = head[: head.rfind(b"\n") + 1] or head
    return "".join(head.decode(errors="replace").splitlines(keepends=True)[:count])
