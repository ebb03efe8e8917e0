"""Stripe's own artefacts judge the emulator: the typed classes of its Python library, that library as a client, and its command line."""

from __future__ import annotations

import inspect
import json
import os
import shutil
import subprocess
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ForwardRef

import pytest
import stripe
from stripe import StripeClient, StripeObject

from tests.emulators.stripe import VERSION
from tests.emulators.stripe_billing import Business, at
from tests.emulators.stripe_scenarios import BEGIN, SCENARIOS, catalogue
from tests.node import fetch

pytestmark = pytest.mark.slow

CLASSES = {
    "customer": stripe.Customer, "subscription": stripe.Subscription, "subscription_item": stripe.SubscriptionItem, "price": stripe.Price,
    "plan": stripe.Plan, "product": stripe.Product, "coupon": stripe.Coupon, "discount": stripe.Discount, "invoice": stripe.Invoice,
    "line_item": stripe.InvoiceLineItem, "invoiceitem": stripe.InvoiceItem, "credit_note": stripe.CreditNote,
    "credit_note_line_item": stripe.CreditNoteLineItem, "refund": stripe.Refund, "charge": stripe.Charge, "event": stripe.Event,
    "invoice_payment": stripe.InvoicePayment,
}  # fmt: skip


@pytest.fixture(scope="module")
def used() -> Iterator[Business]:
    """An account in which everything of the scenarios happened."""
    with Business(BEGIN) as it:
        world = catalogue(it)
        steps = sorted((at(day), n, step) for n, s in enumerate(SCENARIOS) for day, step in s.script)
        for moment, _, step in steps:
            it.advance(moment)
            step(world)
        it.advance(at("2025-12-20"))
        yield it


def fields_of(kind: type) -> dict[str, Any]:
    """The annotated fields of a class and of those it is made of."""
    found: dict[str, Any] = {}
    for one in reversed(kind.__mro__):
        if issubclass(one, StripeObject) and one is not StripeObject:
            found |= inspect.get_annotations(one)
    return {name: told for name, told in found.items() if not name.startswith("_") and name != "OBJECT_NAME"}


def is_optional(told: Any) -> bool:
    return type(None) in typing.get_args(told)


def complaints(value: dict[str, Any], kind: type, where: str) -> Iterator[str]:
    """Fields that the class does not have, and required ones that are not there, at any depth."""
    known = fields_of(kind)
    for name in value:
        if name not in known:
            yield f"{where}.{name} is no field of {kind.__name__}"
    for name, told in known.items():
        if not is_optional(told) and value.get(name) is None:
            yield f"{where}.{name} is required by {kind.__name__}"
        if name in value:
            yield from inside(value[name], told, f"{where}.{name}")


def inside(value: Any, told: Any, where: str) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from inside(one, told, where)
    elif isinstance(value, dict) and value.get("object") == "list":
        for one in value["data"]:
            yield from inside(one, told, where)
    elif isinstance(value, dict):
        kind = CLASSES.get(str(value.get("object"))) or next(iter(classes_in(told)), None)
        if kind is not None:
            yield from complaints(value, kind, where)


def classes_in(told: Any) -> Iterator[type]:
    if isinstance(told, type) and issubclass(told, StripeObject):
        # a map of anything has no fields of its own
        if "UntypedStripeObject" not in told.__name__:
            yield told
    elif isinstance(told, ForwardRef):
        found = getattr(stripe, told.__forward_arg__, None)
        if isinstance(found, type):
            yield found
    elif "UntypedStripeObject" not in str(typing.get_origin(told)):
        for one in typing.get_args(told):
            yield from classes_in(one)


class TestTypes:
    """Every object the emulator gives is one that Stripe's library knows, field by field."""

    def test_the_version_is_the_library_s(self) -> None:
        assert stripe._api_version._ApiVersion.CURRENT == VERSION  # type: ignore[attr-defined]

    def test_a_wrong_field_is_seen(self) -> None:
        wrong = {"id": "di_1", "object": "discount", "start": 1, "source": {"type": "coupon", "cupon": "x"}}
        assert list(complaints(wrong, stripe.Discount, "discount")) == ["discount.source.cupon is no field of Source"]
        assert list(complaints({"id": "di_1", "object": "discount", "start": 1}, stripe.Discount, "discount")) == [
            "discount.source is required by Discount"
        ]

    @pytest.mark.parametrize(
        "kind", ["customer", "subscription", "price", "product", "coupon", "discount", "invoice", "invoiceitem", "credit_note", "refund", "charge"]
    )  # fmt: skip
    def test_objects(self, used: Business, kind: str) -> None:
        objects = list(used.objects[kind].values())
        assert objects
        assert sorted({text for obj in objects for text in complaints(obj, CLASSES[kind], kind)}) == []

    def test_events(self, used: Business) -> None:
        kinds = set()
        known = typing.get_args(fields_of(stripe.Event)["type"])
        for event in used.objects["event"].values():
            assert list(complaints({**event, "data": {"object": {}}}, stripe.Event, "event")) == []
            obj = event["data"]["object"]
            assert list(complaints(obj, CLASSES[obj["object"]], event["type"])) == []
            for name in event["data"].get("previous_attributes", {}):
                assert name in fields_of(CLASSES[obj["object"]])
            assert event["type"] in known
            kinds.add(event["type"])
        assert len(kinds) > 12


class TestLibrary:
    """Stripe's library, as a client."""

    @pytest.fixture
    def client(self, used: Business) -> StripeClient:
        return StripeClient(used.key, base_addresses={"api": used.url})

    def test_pages_through_all_subscriptions(self, used: Business, client: StripeClient) -> None:
        told = list(client.v1.subscriptions.list({"status": "all", "limit": 7}).auto_paging_iter())
        assert {sub.id for sub in told} == set(used.objects["subscription"])
        assert len(told) == len(used.objects["subscription"]) > 30
        running = list(client.v1.subscriptions.list({"limit": 100}).auto_paging_iter())
        assert 0 < len(running) < len(told)

    def test_retrieves_with_expansion(self, used: Business, client: StripeClient) -> None:
        sub_id = next(sub["id"] for sub in used.objects["subscription"].values() if sub["discounts"])
        sub = client.v1.subscriptions.retrieve(sub_id, {"expand": ["discounts.source.coupon"]})
        assert isinstance(sub, stripe.Subscription)
        discount = sub.discounts[0]
        assert isinstance(discount, stripe.Discount)
        assert isinstance(discount.source.coupon, stripe.Coupon)
        assert isinstance(sub["items"].data[0].price, stripe.Price)

    def test_pages_through_invoices_and_their_lines(self, used: Business, client: StripeClient) -> None:
        used.lines_shown = 1
        try:
            invoices = list(client.v1.invoices.list({"limit": 50}).auto_paging_iter())
            many = next(one for one in invoices if one.lines.has_more)
            lines = list(client.v1.invoices.line_items.list(many.id, {"limit": 1}).auto_paging_iter())
        finally:
            used.lines_shown = 10
        assert len(invoices) == len(used.objects["invoice"])
        assert [line.id for line in lines] == [line["id"] for line in used.objects["invoice"][many.id]["lines"]["data"]]

    def test_events_of_thirty_days_newest_first(self, used: Business, client: StripeClient) -> None:
        told = list(client.v1.events.list({"limit": 100, "types": ["invoice.paid"]}).auto_paging_iter())
        times = [event.created for event in told]
        assert times == sorted(times, reverse=True)
        assert min(times) >= used.now - 30 * 86_400
        assert {event.type for event in told} == {"invoice.paid"}

    def test_a_wrong_key(self, used: Business) -> None:
        with pytest.raises(stripe.AuthenticationError):
            StripeClient("rk_live_other", base_addresses={"api": used.url}).v1.customers.list()


@pytest.fixture(scope="session")
def command_line(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Stripe's own command line: the one on the path, or fetched."""
    there = shutil.which("stripe")
    if there is not None:
        return there
    folder = tmp_path_factory.mktemp("stripe-cli")
    fetch(folder, {"@stripe/cli": "1"})
    return str(folder / "node_modules" / ".bin" / "stripe")


@pytest.mark.slow
class TestCommandLine:
    """Stripe's command line drives the emulator as it drives Stripe."""

    def asked(self, command_line: str, used: Business, tmp_path: Path, *words: str) -> Any:
        command = [command_line, *words, "--api-base", used.url, "--api-key", "rk_test_" + "1" * 24]
        used.key = "rk_test_" + "1" * 24
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=60, env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]}, check=False
            )  # fmt: skip
        finally:
            used.key = "rk_live_it"
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def test_lists_page_by_page(self, command_line: str, used: Business, tmp_path: Path) -> None:
        first = self.asked(command_line, used, tmp_path, "customers", "list", "--limit", "3")
        assert first["has_more"] is True
        assert len(first["data"]) == 3
        second = self.asked(
            command_line,
            used,
            tmp_path,
            "customers",
            "list",
            "--limit",
            "3",
            "--starting-after",
            first["data"][-1]["id"],
        )
        names = [one["id"] for one in [*first["data"], *second["data"]]]
        assert names == list(reversed(used.objects["customer"]))[:6]

    def test_retrieves(self, command_line: str, used: Business, tmp_path: Path) -> None:
        sub_id = next(iter(used.objects["subscription"]))
        assert (
            self.asked(command_line, used, tmp_path, "subscriptions", "retrieve", sub_id)
            == used.objects["subscription"][sub_id]
        )
