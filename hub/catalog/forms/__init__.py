"""Reads forms/: questions, what they compile to, what they make, what the policy profile forbids, what is released."""
