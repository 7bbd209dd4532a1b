"""The time edge: which jobs run when, and when to stop. No logic of its own."""
