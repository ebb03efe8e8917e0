"""Signals: what is noticed of accounts and of the whole book, and how often each notice was right."""
