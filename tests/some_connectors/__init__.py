"""Connector folders, wiring and a small county for the tests of intake, pulls and the command line."""
