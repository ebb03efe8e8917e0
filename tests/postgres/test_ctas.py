"""CTAs on PostgreSQL, where transactions do not take turns by themselves: of a cause one is open, and one budget holds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import Desk
from .test_turns import at_once

pytestmark = pytest.mark.slow

CODE = """
from holdfast.domain.ctas import Budget, Wanted
from holdfast.flows import ctas
wanted = [Wanted(f"a{n}", "risk", "use", 2, "Less.", (), ("x",), n, "USD", "Alice", "", None) for n in range(12)]
at_once(lambda number: len(ctas.open_from(wanted, now, now.date(), Budget(per_week=5, pool_under_minor=0)).opened))
"""


@pytest.fixture(scope="module")
def desk(make_desk: Callable[[str], Desk]) -> Desk:
    return make_desk("ctas")


def test_of_eight_watches_at_once_one_opens_each_cta(desk: Desk) -> None:
    assert sorted(map(str, at_once(desk, CODE))) == ["0"] * 7 + ["12"]
    assert desk.rows("select state, count(*) from desk_cta group by 1 order by 1") == [("open", 5), ("waiting", 7)]
    assert desk.rows("select count(*) from desk_event where kind = 'cta.opened'") == [(12,)]


def test_the_database_itself_refuses_a_second_open_one(desk: Desk) -> None:
    import psycopg

    desk.run("from datetime import UTC, date, datetime\nnow = datetime(2026, 11, 20, 9, tzinfo=UTC)\n"
             "from holdfast.desk.models import Cta\n"
             "Cta.objects.create(account_id='b', kind='risk', cause='x', severity=1, priority=3, opened_at=now)")  # fmt: skip
    columns = (
        "account_id, kind, cause, title, sentence, signals, evidence, next_step, owner_name, at_stake_minor, currency, severity, "
        "priority, opened_at, is_own, state, is_pooled, is_placed, outcome, outcome_note"
    )
    again = f"insert into desk_cta (public_id, {columns}) select 'cta_again', {columns} from desk_cta where account_id = 'b'"
    with desk.cluster.connect(desk.database) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(again)
    with desk.cluster.connect(desk.database) as connection:
        connection.execute("update desk_cta set closed_at = now() where account_id = 'b'")
        connection.execute(again)
