"""The delivery engine: claim, attempt, settle, back off, hold back. Knows Connectors by contract, never by name."""
