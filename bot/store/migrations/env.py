"""How alembic reaches the database; it is only ever called through `bot.store.migrate`."""

from alembic import context
from sqlalchemy import Engine, make_url

from bot.store.engines import writer_engine
from bot.store.tables import Base


def run() -> None:
    config = context.config
    given: Engine | None = config.attributes.get("engine")
    engine = given or writer_engine(make_url(config.attributes["url"]))
    try:
        with engine.connect() as connection:
            context.configure(
                connection=connection,
                target_metadata=Base.metadata,
                render_as_batch=True,
                transaction_per_migration=True,
            )
            with context.begin_transaction():
                context.run_migrations()
    finally:
        if given is None:
            engine.dispose()


run()
