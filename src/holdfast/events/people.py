"""Who is who, and whose: ids of one person, the groups that a person belongs to from when, and what was told of both.

The outcome is the same in whatever order the calls come in: what counts is when each says that it happened.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from holdfast.events.reading import Raw, hashed, text

#: traits of a person that are kept, by the names under which clients send them
PERSON = {
    "email": ("email", "$email", "emailAddress"), "name": ("name", "$name", "fullName"), "first": ("firstName", "first_name"),
    "last": ("lastName", "last_name"), "title": ("title", "jobTitle", "job_title", "position"),
}  # fmt: skip
#: numbers of ids that are remembered in memory
REMEMBERED = 500_000


@dataclass(frozen=True, slots=True)
class Linked:
    """A person (by number) belongs to a group (by number) from a day and moment on."""

    actor: int
    day: int
    at: int
    group: int


class Links:
    """The tables of people and groups; used inside a transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self._actors: dict[str, int] = {}
        self._groups: dict[str, int] = {}

    def forget(self) -> None:
        """Forget the numbers in memory."""
        self._actors.clear()
        self._groups.clear()

    def actor(self, name: str) -> int:
        """The number of a person's id."""
        no = self._actors.get(name)
        if no is None:
            asked, name = name, self.pseudonym(name) or name
            found = self.db.execute("select no from actor where name = ?", (name,)).fetchone()
            if found is None:
                no = int(self.db.execute("insert into actor (name, leader) values (?, 0)", (name,)).lastrowid or 0)
                self.db.execute("update actor set leader = no where no = ?", (no,))
            else:
                no = int(found[0])
            _remember(self._actors, asked, no)
        return no

    def group(self, name: str) -> int:
        """The number of a group's id, from 1 on."""
        no = self._groups.get(name)
        if no is None:
            self.db.execute("insert or ignore into grp (name) values (?)", (name,))
            no = int(self.db.execute("select no from grp where name = ?", (name,)).fetchone()[0])
            _remember(self._groups, name, no)
        return no

    # -- people who were erased ------------------------------------------------------------------------------

    def pseudonym(self, name: str) -> str | None:
        """What an id is called since its person was erased; None: it was not."""
        found = self.db.execute("select name from erased where id = ?", (hashed(name),)).fetchone()
        return str(found[0]) if found else None

    def is_erased(self, actor: int) -> bool:
        """Whether a person, by number, was erased."""
        return bool(
            self.db.execute(
                "select 1 from actor a join erased e on e.name = a.name where a.no = ?", (actor,)
            ).fetchone()
        )

    def known_by(self, email: str) -> list[str]:
        """All ids of the people of whom an address, in lower case, was told, and the address where it is an id itself."""
        rows = self.db.execute(
            "select distinct b.name from actor a left join person p on p.actor = a.no join actor b on b.leader = a.leader "
            "where lower(json_extract(p.traits, '$.email')) = ? or lower(a.name) = ? order by 1", (email, email),
        ).fetchall()  # fmt: skip
        return [str(row[0]) for row in rows]

    def erase(self, name: str, pseudonym: str) -> None:
        """An id is called otherwise from now on, also where it comes in again; what was told of its person goes."""
        self.db.execute("insert or ignore into erased values (?, ?)", (hashed(name), pseudonym))
        self.db.execute("delete from person where actor = (select no from actor where name = ?)", (name,))
        self.db.execute("update actor set name = ? where name = ?", (pseudonym, name))
        self._actors.pop(name, None)

    # -- ids of one person -----------------------------------------------------------------------------------

    def link(self, child: int, parent: int, at: int) -> None:
        """An id was that of another person's all along. The first link of an id stands; later ones are of another visit."""
        held = self.db.execute("select parent, at from link where child = ?", (child,)).fetchone()
        if held is not None and (held[1], held[0]) <= (at, parent):
            return
        self.db.execute("insert or replace into link values (?, ?, ?)", (child, parent, at))
        self._lead_anew(child)

    def _lead_anew(self, child: int) -> None:
        """Everyone below an id follows whoever it follows now; the days that this changes are counted anew."""
        below = self._below(child)
        leader, above = child, {child}
        while (found := self.db.execute("select parent from link where child = ?", (leader,)).fetchone()) is not None:
            leader = int(found[0])
            if leader in above:  # a circle: its smallest number leads
                leader = min(self._circle(leader))
                break
            above.add(leader)
        old = {self._leader(one) for one in below}
        for one in below:
            self.db.execute("update actor set leader = ? where no = ?", (leader, one))
            self.db.execute("insert or ignore into dirty select distinct day from counted where actor = ?", (one,))
        # the group of one is now the group of all, and no longer that of those left behind
        for one in {*old, leader}:
            self._attribute_anew(one)

    def _leader(self, actor: int) -> int:
        return int(self.db.execute("select leader from actor where no = ?", (actor,)).fetchone()[0])

    def _below(self, top: int) -> set[int]:
        found, waiting = {top}, [top]
        while waiting:
            rows = self.db.execute("select child from link where parent = ?", (waiting.pop(),)).fetchall()
            new = {int(row[0]) for row in rows} - found
            found |= new
            waiting += new
        return found

    def _circle(self, start: int) -> set[int]:
        found = {start}
        here = start
        while True:
            here = int(self.db.execute("select parent from link where child = ?", (here,)).fetchone()[0])
            if here in found:
                return found
            found.add(here)

    # -- groups ----------------------------------------------------------------------------------------------

    def member(self, told: Linked, traits: Raw) -> None:
        """A person belongs to a group from a moment on; the last word of a day stands for the day."""
        held = self.db.execute(
            "select at, grp from membership where actor = ? and day = ?", (told.actor, told.day)
        ).fetchone()
        if held is None or (held[0], held[1]) < (told.at, told.group):
            self.db.execute(
                "insert or replace into membership values (?, ?, ?, ?)", (told.actor, told.day, told.at, told.group)
            )
            if held is None or held[1] != told.group:
                self._attribute_anew(self._leader(told.actor))
        if traits:
            self._describe(told.group, traits, told.at)

    def _attribute_anew(self, leader: int) -> None:
        among = "select no from actor where leader = ?"
        self.db.execute(
            f"insert or ignore into dirty select distinct day from counted where grp = 0 and actor in ({among})",
            (leader,),
        )
        self.db.execute(f"update person set is_told = 0 where actor in ({among})", (leader,))

    def _describe(self, group: int, traits: Raw, at: int) -> None:
        """What is told of a group; of each trait the latest word counts."""
        row = self.db.execute("select traits, times from grp where no = ?", (group,)).fetchone()
        held, times, is_news = _merged(row, _plain(traits), at)
        if is_news:
            self.db.execute("update grp set traits = ?, times = ?, is_told = 0 where no = ?", (held, times, group))

    # -- people ----------------------------------------------------------------------------------------------

    def person(self, actor: int, traits: Raw, at: int) -> None:
        """What is told of a person; of each trait the latest word counts."""
        if self.is_erased(actor):
            return
        new = {
            ours: next((told for name in names if (told := text(traits.get(name)))), "")
            for ours, names in PERSON.items()
        }
        row = self.db.execute("select traits, times from person where actor = ?", (actor,)).fetchone()
        held, times, is_news = _merged(row, {name: value[:400] for name, value in new.items() if value}, at)
        if is_news:
            self.db.execute("insert or replace into person values (?, ?, ?, 0)", (actor, held, times))


def _merged(row: tuple[str, str] | None, new: dict[str, str], at: int) -> tuple[str, str, bool]:
    """Traits and their times, as JSON, with what is new; and whether that changes anything."""
    held, times = (json.loads(row[0]), json.loads(row[1])) if row else ({}, {})
    is_news = False
    for name, value in new.items():
        if (at, value) > (times.get(name, -1), held.get(name, "")):
            held[name], times[name], is_news = value, at, True
    return json.dumps(held), json.dumps(times), is_news


def _remember(numbers: dict[str, int], name: str, no: int) -> None:
    if len(numbers) > REMEMBERED:
        numbers.clear()
    numbers[name] = no


def _plain(traits: Raw) -> dict[str, str]:
    """Traits that are one text or number."""
    told = {text(name)[:60]: text(value)[:400] for name, value in list(traits.items())[:100]}
    return {name: value for name, value in told.items() if name and value}
