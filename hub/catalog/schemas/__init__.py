"""Reads schemas/: codes, elements, records, policy. Each reader gives what is sound and the faults of the rest."""
