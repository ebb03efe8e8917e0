"""What the counts say, as facts: use by group, day and feature; groups; people and whose they are.

An event that names its group counts for it. One that does not counts for the group that its person belonged to on
its day, by the last group call until then; where there was none yet, for the first group that followed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

#: accounts, people and parties of ours begin with this
PREFIX = "events:"
EVERYTHING = "*"

_OF_PERSON = "select m.grp from membership m join actor x on x.no = m.actor where x.leader = {leader}"
#: the group's number of a person, by their leader, on a day
_GROUP_OF = f"""
    coalesce(
        ({_OF_PERSON} and m.day <= {{day}} order by m.day desc, m.at desc, m.grp limit 1),
        ({_OF_PERSON} and m.day > {{day}} order by m.day, m.at, m.grp limit 1))
"""

_USAGE = f"""
    with alone as (
        select distinct a.leader, c.day from counted c join actor a on a.no = c.actor
        where c.grp = 0 and c.day in (select value from json_each(:days))
    ),
    belongs as (select leader, day, {_GROUP_OF.format(leader="alone.leader", day="alone.day")} as grp from alone),
    attributed as (
        select c.day, c.feature, c.n, a.leader, case when c.grp = 0 then coalesce(b.grp, 0) else c.grp end as grp
        from counted c join actor a on a.no = c.actor left join belongs b on b.leader = a.leader and b.day = c.day
        where c.day in (select value from json_each(:days))
    ),
    summed as (
        select grp, day, feature, sum(n) as n, count(distinct leader) as people from attributed where grp > 0 group by 1, 2, 3
        union all
        select grp, day, 0, sum(n), count(distinct leader) from attributed where grp > 0 group by 1, 2
    )
    select g.name, s.day, coalesce(f.name, '{EVERYTHING}'), s.n, s.people
    from summed s join grp g on g.no = s.grp left join feature f on f.no = s.feature order by 1, 2, 3
"""

_PEOPLE = f"""
    select p.actor, a.name, p.traits, g.name from person p join actor a on a.no = p.actor
    left join grp g on g.no = coalesce(
        {_GROUP_OF.format(leader="a.leader", day="3652059")},
        (select c.grp from counted c join actor y on y.no = c.actor where y.leader = a.leader and c.grp > 0 order by c.day desc, c.n desc, c.grp limit 1))
    where p.is_told = 0 order by p.actor limit ?
"""


@dataclass(frozen=True, slots=True)
class Used:
    """What a group did on one day, with one feature or with all."""

    account_id: str
    day: date
    feature: str
    events: int
    active_users: int


@dataclass(frozen=True, slots=True)
class Group:
    """A group and what is told of it."""

    no: int
    name: str
    traits: dict[str, str]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who was identified; `account_id` is None as long as their group is not known."""

    no: int
    contact_id: str
    account_id: str | None
    traits: dict[str, str]


def dirty_days(db: sqlite3.Connection) -> list[int]:
    """Days whose facts may have changed, the oldest first."""
    return [int(row[0]) for row in db.execute("select day from dirty order by day")]


def usage(db: sqlite3.Connection, days: Sequence[int]) -> Iterator[Used]:
    """The use of all groups on some days."""
    for name, day, feature, n, people in db.execute(_USAGE, {"days": json.dumps(list(days))}):
        yield Used(PREFIX + name, date.fromordinal(day), feature, int(n), int(people))


def groups_to_tell(db: sqlite3.Connection, most: int) -> list[Group]:
    """Groups of which something was told since `told_of_groups`, up to a number."""
    rows = db.execute("select no, name, traits from grp where is_told = 0 order by no limit ?", (most,))
    return [Group(no, name, json.loads(traits)) for no, name, traits in rows]


def people_to_tell(db: sqlite3.Connection, most: int) -> list[Person]:
    """People of whom something was told since `told_of_people`, up to a number."""
    return [
        Person(actor, PREFIX + name, PREFIX + group if group else None, json.loads(traits))
        for actor, name, traits, group in db.execute(_PEOPLE, (most,))
    ]


def told_of_days(db: sqlite3.Connection, days: Sequence[int]) -> None:
    """The days' facts are landed. Only for who holds the counts for writing: nobody counted meanwhile."""
    db.executemany("delete from dirty where day = ?", [(day,) for day in days])


def told_of_groups(db: sqlite3.Connection, groups: Sequence[Group]) -> None:
    db.executemany("update grp set is_told = 1 where no = ?", [(one.no,) for one in groups])


def told_of_people(db: sqlite3.Connection, people: Sequence[Person]) -> None:
    db.executemany("update person set is_told = 1 where actor = ?", [(one.no,) for one in people])
