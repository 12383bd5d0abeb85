"""Some of the conversation's tests need a real store."""

from tests.support.store_fixtures import migrated, path, store, url

__all__ = ["migrated", "path", "store", "url"]
