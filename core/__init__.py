"""any2api: an endpoint that speaks the OpenAI API in front of chat services that don't."""
