"""The portal in a real browser: against a fake API for every corner, against the real hub for the visit itself."""
