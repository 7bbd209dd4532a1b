"""Erases what a Submission said once nothing of it is owed any more; its id stays taken, for good (F31, D19).

What Systems hold is theirs: to take it back there is a correction or withdrawal, before.
"""
