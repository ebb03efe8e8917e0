"""Holdfast: what existing customers are worth, why that changes, and what to do about it."""

__version__ = "0.1.0"
