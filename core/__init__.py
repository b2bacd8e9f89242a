"""Answers questions from a folder of articles; knows nothing of Slack."""
