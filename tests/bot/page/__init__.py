"""The chat page of the simulator in Debian's Chromium, against the real simulator."""
