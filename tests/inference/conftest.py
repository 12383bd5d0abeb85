"""What the tests of the remote model share; others have a `model` of their own."""

from tests.support.remote_model import model, server

__all__ = ["model", "server"]
