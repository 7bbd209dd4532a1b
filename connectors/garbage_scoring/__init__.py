"""Household waste scoring of the agriculture office (东阳考垃): REST behind an HMAC gateway."""
