"""A System that honours keys, takes corrections and can be read page by page."""
