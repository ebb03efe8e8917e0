"""Working off a booking's jobs: each through the SQL models, in a database of its own in memory; plain ones in arrays where that is quicker.

Each worker has one thread, so rows keep the order they were read in, which the models' running sums rely on; two workers keep two cores busy.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import duckdb

from holdfast.warehouse import balances, checks
from holdfast.warehouse.accounts import register_belongings
from holdfast.warehouse.booking import reads_lines
from holdfast.warehouse.jobs import TABLES_OF_BATCH, Job, Result, connect, is_plain, land, positions, sum_up
from holdfast.warehouse.plain import work_plain
from holdfast.warehouse.sql import run

Progress = Callable[[int, int], None]

WORKERS = 2


def work_off(jobs: Sequence[Job], progress: Progress | None = None) -> Iterator[Result]:
    """Results in the order of the jobs; few are in memory at a time."""
    local = threading.local()

    def work(job: Job) -> Result:
        # one for each way: what is a table in one is a view in the other
        name = "plain" if is_plain(job) else "other"
        if not hasattr(local, name):
            setattr(local, name, connect(job))
        return work_one(getattr(local, name), job)

    with ThreadPoolExecutor(WORKERS) as pool:
        waiting: deque[Future[Result]] = deque()
        for number, job in enumerate(jobs):
            waiting.append(pool.submit(work, job))
            if len(waiting) > WORKERS:
                yield waiting.popleft().result()
            if progress:
                progress(number + 1 - len(waiting), len(jobs))
        while waiting:
            yield waiting.popleft().result()
            if progress:
                progress(len(jobs) - len(waiting), len(jobs))


def work_one(c: duckdb.DuckDBPyConnection, job: Job, *, in_arrays: bool = True) -> Result:
    """One batch, whole. LedgerError: it does not tie out."""
    if in_arrays and is_plain(job):
        return work_plain(c, job)
    policy = job.booking.policy
    _make_events(c, job)
    sum_up(c, policy)
    run(c, "aside", "aside_trial", "result", "result_movement", "result_change")
    if job.is_linked:
        run(c, "result_linked")
    checks.check_batch(c, policy)
    tables = {name: c.sql(f"select * from result_{name}").to_arrow_table() for name in TABLES_OF_BATCH}
    entities = int(c.execute("select coalesce(max(entity_no), 0) from entity_number").fetchall()[0][0])
    moved = balances.asked(c)
    return Result(tables, positions(job, moved.balances, moved.movements), entities)


def _make_events(c: duckdb.DuckDBPyConnection, job: Job) -> None:
    """From priced rows to the table event, in SQL alone."""
    policy = job.booking.policy
    land(c, job)
    run(c, "priced", "state")
    if policy.refund_backdates_churn and job.facts.lines:
        run(c, "refund")
    run(c, "special", "piece", "inside", "change")
    _add_lines(c, job)
    if job.is_linked:
        register_belongings(c, job.linked.spans)
        run(c, "entity_linked", "event_linked")
    else:
        run(c, "entity_subscription" if policy.grain == "subscription" else "entity_account", "event")
    run(c, "cause")


def _add_lines(c: duckdb.DuckDBPyConnection, job: Job) -> None:
    """What invoice lines add to the changes, or put in their place."""
    policy = job.booking.policy
    if reads_lines(policy) and job.facts.lines:
        run(c, "line_owner", "revenue" if policy.basis == "revenue" else "usage")
        return
    c.execute(
        "create or replace temp table line_owner "
        "(account_id varchar, subscription_id varchar, account_no integer, subscription_no integer)"
    )
    if policy.basis == "revenue":
        c.execute("delete from change_of_batch")
