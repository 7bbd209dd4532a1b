"""One resource a file under /api/v1; each asks a stage or a named query and shows the answer."""
