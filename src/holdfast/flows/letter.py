"""A letter: a title, parts of lines, and a link, as plain text and as HTML that mail programs show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.template import Context, Engine

from holdfast.flows.sheet_files import sheet_text


@dataclass(frozen=True)
class Letter:
    """A mail before it has a recipient."""

    kind: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Part:
    """Lines under a heading: a text, and an amount or nothing; what is said where there are none; and what is left out."""

    title: str
    lines: Sequence[tuple[str, str]]
    none: str = ""
    more: str = ""


def written(kind: str, title: str, sub: str, parts: Sequence[Part], path: str) -> Letter:
    """The letter; `path` is the page that shows the same, linked where the server's address is known."""
    link = f"{settings.URL}{path}" if settings.URL else ""
    return Letter(kind, title, _text(title, sub, parts, link), _html(title, sub, parts, link))


def _text(title: str, sub: str, parts: Sequence[Part], link: str) -> str:
    lines = [title, sub, ""]
    for part in parts:
        if part.title:
            lines += [part.title, "-" * len(part.title)]
        lines += [f"{text}  {amount}".rstrip() for text, amount in part.lines] or [part.none]
        lines += [part.more] if part.more else []
        lines.append("")
    return "\n".join([*lines, link]).rstrip() + "\n"


def _html(title: str, sub: str, parts: Sequence[Part], link: str) -> str:
    template = Engine(autoescape=True).from_string(sheet_text("letter.html"))
    return template.render(Context({"title": title, "sub": sub, "parts": parts, "link": link}))
