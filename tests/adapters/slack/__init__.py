"""Slack, told from both ends."""
