"""What else answers chats with the same model file, asked the very same things as Deskhand's engine."""
