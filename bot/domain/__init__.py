"""Plain data and pure decisions; imports the standard library and `bot.errors` only."""
