"""What connectors share for reads that change nothing: short patience, and access tokens."""

from hub.sdk.reading.patience import patiently
from hub.sdk.reading.tokens import Token, TokenExpired, Tokens

__all__ = ["Token", "TokenExpired", "Tokens", "patiently"]
