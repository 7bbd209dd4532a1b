"""Pulls at a county's size: this version and an earlier one, in turn."""
