"""What the bot says in each language, and the words it knows there."""
