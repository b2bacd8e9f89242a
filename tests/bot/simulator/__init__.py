"""The local Slack, driven by an unmodified slack_bolt app and by plain HTTP."""
