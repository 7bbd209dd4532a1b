"""The guarded door to exchange tables; `address` and `shape` load no driver, `door` does."""
