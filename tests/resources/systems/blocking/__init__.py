"""A ledger whose connector was written by somebody who did not know about event loops."""
