"""The time edge: which jobs run when, whether the loop turns, when to stop. No logic of its own."""
