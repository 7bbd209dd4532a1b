"""The same software without regard for keys: whether something arrived must be asked."""
