"""Carries questions and answers between people and core: Slack, its local stand-in, a terminal."""
