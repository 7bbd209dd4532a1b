"""A System that only keeps a ledger of keys and bodies."""
