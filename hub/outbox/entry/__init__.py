"""Entries by hand: one person at a time has one, and somebody is told of those nobody confirms. Sends nothing."""
