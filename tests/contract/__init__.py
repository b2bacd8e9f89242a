"""One suite for two servers: what a client sees of the scripted Ollama it sees of a real one."""
