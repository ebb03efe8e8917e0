"""The API: typed questions and answers in JSON under /api/v1, for programs that hold a key."""
