"""The same as a book's."""

from tests.crash.systems.book.settings import Settings

__all__ = ["Settings"]
