"""How fast the engine answers a shop's chats on this machine, and which model file suits it."""
