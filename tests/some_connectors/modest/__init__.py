"""A connector of the tests."""
