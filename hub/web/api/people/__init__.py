"""People: signing in and out, and the accounts operators keep."""
