"""One account under watch: its health and what moved it, the chances of the days ahead with their reasons, its signals, and all its features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from holdfast.charts import numbers, watching
from holdfast.charts.charted import Charted, Column
from holdfast.domain.feature import GROUPS, Feature
from holdfast.flows import ctas_sentiment
from holdfast.metrics import health, measured, risk, signalled
from holdfast.metrics.signalled import Behind
from holdfast.metrics.standing import Standing
from holdfast.web import answers, show
from holdfast.web.charted import account_charted
from holdfast.web.lens import Lens
from holdfast.web.pages import account_timeline as lines
from holdfast.web.pages import cta_parts as parts
from holdfast.web.pages import watch_room as room
from holdfast.web.pages import watch_words as words
from holdfast.web.pages.account import Opened, opened, tab
from holdfast.web.pages.account_reach import with_records
from holdfast.web.pages.features import fits
from holdfast.web.rights import page

#: reasons of one chance that are shown
REASONS = 8


@dataclass(frozen=True)
class Part:
    """A measure of the scorecard as the page tells it."""

    one: health.Part
    value: str
    sentence: str


@dataclass(frozen=True)
class Signal:
    """A signal as the page tells it: each fact with the address of its row."""

    told: signalled.Told
    title: str
    kind: tuple[str, str]
    severity: tuple[str, str]
    facts: list[tuple[Behind, str]]


@dataclass(frozen=True)
class Why:
    """The reasons of one target's chance: those that raise it, and those that lower it."""

    target: str
    model: str
    raises: list[risk.Reason]
    lowers: list[risk.Reason]


@tab("account_health", "web/account/health.html")
def page_of(request: HttpRequest, lens: Lens, one: Opened) -> dict[str, Any]:
    """The tab."""
    stands = one.row.standing
    told: dict[str, Any] = room.watched_at() | {"stands": stands}
    if answers.records().watch is None or stands is None:
        return told
    said = sentiment_of(one.account_id, stands)
    track = room.track_record()
    return told | {
        "history": history(request, lens, one.account_id), "parts": parts_of(one.account_id), "moves": answers.ask_records(health.moves, one.account_id),
        "tone": room.tones().get(stands.band or "", ""), "apart": parts.apart(one.account_id, said),
        "said": said, "sentiment": room.SENTIMENTS.get(said or 0, ""), "chances": answers.ask_records(risk.chances, one.account_id),
        "reasons": reasons_of(one.account_id), "caution": room.caution(track), "signals": signals_of(one.account_id),
        "features": len(answers.ask_records(measured.of_account, one.account_id)),
    }  # fmt: skip


def sentiment_of(account_id: str, stands: Standing) -> int | None:
    """What the CSM said last: at the desk, else what the watch knew."""
    told = ctas_sentiment.of_account(account_id, 1)
    return told[0].value if told else stands.sentiment


def parts_of(account_id: str) -> list[tuple[str, list[Part]]]:
    """The measures by group of the scorecard, those that are not known last."""
    told: list[health.Part] = answers.ask_records(health.parts, account_id)
    made: dict[str, list[Part]] = {}
    for one in told:
        feature = words.of_name().get(one.feature)
        unit, sentence = (feature.unit, feature.sentence) if feature else ("", "")
        made.setdefault(one.part, []).append(Part(one, words.amount(one.value, unit), sentence))
    return [(group, sorted(some, key=lambda part: part.one.is_missing)) for group, some in made.items()]


def reasons_of(account_id: str, horizon: int = 90) -> list[Why]:
    """Why each chance of the next 90 days is as it is."""
    told = [one for one in answers.ask_records(risk.reasons, account_id) if one.horizon_days == horizon]
    track = room.track_record()
    made = []
    for target in risk.TARGETS:
        some = [one for one in told if one.target == target][:REASONS]
        if some:
            raises, lowers = ([r for r in some if (r.contribution > 0) == up] for up in (True, False))
            made.append(Why(target, (room.target(track, target, horizon) or {}).get("model") or "", raises, lowers))
    return made


def signals_of(account_id: str) -> list[Signal]:
    """The account's signals, the gravest first."""
    return [
        Signal(
            told, room.signal_title(told.signal), room.KINDS[told.kind], room.SEVERITIES[told.severity],
            [(behind, lines.source_address(account_id, behind.source)) for behind in told.evidence],
        )
        for told in answers.ask_records(signalled.of_account, account_id)
    ]  # fmt: skip


@account_charted("health")
def history(request: HttpRequest, lens: Lens, account_id: str) -> Charted | None:
    """The score by week over its bands; None before there are two."""
    if answers.records().watch is None:
        return None
    told = answers.ask_records(health.history, account_id)
    if len(told) < 2:
        return None
    days = [f"{day:%-d %b %y}" for day, _ in told]
    option = watching.score_history(days, [score for _, score in told], room.bands())
    rows = [(str(day), None if score is None else numbers.count(score, 1)) for day, score in told]
    columns = (Column("Day"), Column("Health, 0 bad to 100 good"))
    return Charted(
        "health",
        "Health over time",
        option,
        columns,
        rows,
        "0 is bad, 100 is good; a gap is too little known for a score",
        size="sm",
    )


@require_safe
@with_records
def features(request: HttpRequest, account_id: str) -> HttpResponseBase:
    """All features of the account by group; `q` leaves those that have its words."""
    one = opened(request, account_id)
    asked = request.GET.get("q", "")[:100]
    values = answers.ask_records(measured.of_account, account_id) if answers.records().watch is not None else {}
    found = (
        [feature for feature in words.of_name().values() if fits(feature, asked.casefold().split())] if values else []
    )
    groups = [(group, [_valued(feature, values) for feature in found if feature.group == group]) for group in GROUPS]
    template = "web/account/features_list.html" if show.is_fragment(request) else "web/account/features_page.html"
    return show.page(
        request, template, section="accounts", one=one, row=one.row, account_id=account_id, text=asked, found=len(found), total=len(values),
        groups=[(group, some) for group, some in groups if some], **room.watched_at(),
    )  # fmt: skip


def _valued(feature: Feature, values: dict[str, float | None]) -> tuple[Feature, str]:
    return feature, words.amount(values.get(feature.name), feature.unit)


urls = [
    page("accounts/<account:account_id>/health/", page_of, "account_health", needs="account"),
    page("accounts/<account:account_id>/features/", features, "account_features", needs="account"),
]
