"""Carries questions and answers between people and core: Slack, the local Slack, the command line."""
