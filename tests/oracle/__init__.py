"""The ledger once more, in plain Python, written from docs/definitions.md alone.

It is slow and simple on purpose: every line can be checked against a numbered rule by reading. The product's
own ledger must agree with it on every small history and on random larger ones.
"""
