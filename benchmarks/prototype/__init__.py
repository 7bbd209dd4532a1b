"""The ceiling: what a bare ASGI program can do that has no accounts, scope, journal, mapping language or history."""
