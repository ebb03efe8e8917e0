"""The desk: people, books, notes, closes' signatures, what went out, and who did what. The one Django app of Holdfast."""
