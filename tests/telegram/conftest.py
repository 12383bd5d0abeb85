"""A database of its own for every test that needs one."""

from tests.support.store_fixtures import migrated, path, store, url

__all__ = ["migrated", "path", "store", "url"]
