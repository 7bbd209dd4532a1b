"""Reads the rows of Systems, keeps them and links them to Places. Never writes to a System, never guesses a Place."""
