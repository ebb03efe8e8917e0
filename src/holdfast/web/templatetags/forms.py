"""Form fields with the classes of the pages."""

from __future__ import annotations

from django import template
from django.conf import settings
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def widget_class(field: BoundField, classes: str) -> SafeString:
    """A field's widget with more classes; a text area keeps to its own."""
    kind = {"textarea": "textarea", "select": "select"}.get(field.widget_type, classes)
    return field.as_widget(attrs={"class": f"{field.field.widget.attrs.get('class', '')} {kind}".strip()})


@register.simple_tag
def mail_ready() -> bool:
    """Whether this server has a mail server to send through."""
    return bool(settings.MAIL_READY)


#: what a browser tells of itself, and what people call it; the first that fits
BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Mac OS X", "Mac"),
    ("Windows", "Windows"),
    ("Linux", "Linux"),
)


@register.filter
def browser(told: str) -> str:
    """The browser and the system of a session, as people say it: Firefox on Mac"""
    name = next((called for sign, called in BROWSERS if sign in told), "")
    system = next((called for sign, called in SYSTEMS if sign in told), "")
    return " on ".join(filter(None, (name, system))) or told[:60] or "Unknown browser"
