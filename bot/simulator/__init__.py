"""A local Slack: Web API, Socket Mode and a chat page, for `clockify-bot try` and the tests."""
