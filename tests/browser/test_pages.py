"""Every page in a real browser: nothing a screen reader stumbles over, nothing wider than a phone, no complaint in the console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import Site
from tests.browser.paths import ADMIN, CSM

pytestmark = pytest.mark.slow

#: the rules of WCAG 2.2 AA that a machine can check
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: what can be another in the dark, on the same page
IN_THE_DARK = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
#: whether an animation comes to an end
ENDS = "one => one.effect.getComputedTiming().endTime < Infinity"


@pytest.fixture(scope="session")
def account(site: Site) -> str:
    """The largest account of the demo's CSM."""
    import duckdb

    current = sorted(path for path in (site.home / "warehouse").iterdir() if path.is_dir())[-1]
    with duckdb.connect(str(current / "records.duckdb"), read_only=True) as records:
        found = records.execute(
            "select account_id from summary where owner = (select owner from summary where owner is not null group by 1 "
            "order by count(*) desc, 1 limit 1) order by mrr_minor desc limit 1"
        ).fetchall()
    return str(found[0][0])


@pytest.mark.parametrize(("who", "path"), [("vp", path) for path in ADMIN] + [("csm", path) for path in CSM])
def test_axe_finds_nothing_by_day_and_in_the_dark(
    look_at: Callable[..., Any], account: str, who: str, path: str
) -> None:
    page = look_at(who, path.format(account=account))
    page.wait_for_load_state("networkidle")
    _is_clean(page, RULES)
    page.evaluate("document.querySelector('[data-set-theme=dark]').click()")
    # colours that are still on their way to their new ones would be judged
    page.evaluate(f"Promise.allSettled(document.getAnimations().filter({ENDS}).map(one => one.finished))")
    assert page.evaluate("document.documentElement.dataset.theme") == "holdfast-dark"
    _is_clean(page, IN_THE_DARK)


def _is_clean(page: Any, rules: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe

    # only what is wrong is told in full: lists of all that is right take longer to write than to find
    found = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]}).response["violations"]
    assert not found, "\n".join(
        f"{one['id']}: {one['help']}\n    " + "\n    ".join(node["html"][:200] for node in one["nodes"][:4])
        for one in found
    )


@pytest.mark.parametrize(("who", "path"), [("vp", path) for path in ADMIN] + [("csm", path) for path in CSM])
def test_a_phone_shows_it_without_scrolling_sideways(
    look_at: Callable[..., Any], account: str, who: str, path: str
) -> None:
    page = look_at(who, path.format(account=account), phone=True)
    page.wait_for_load_state("networkidle")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 391, f"the page is {wide} pixels wide"


def test_signing_in_is_clean_too(open_page: Callable[..., Any]) -> None:
    for theme in ("light", "dark"):
        _is_clean(open_page(None, "/sign-in/", theme=theme), RULES)
