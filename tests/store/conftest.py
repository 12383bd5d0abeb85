"""Every test of the store has a database of its own."""

from tests.support.store_fixtures import migrated, path, store, url

__all__ = ["migrated", "path", "store", "url"]
