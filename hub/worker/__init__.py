"""The time edge: which jobs run when. No logic of its own."""
