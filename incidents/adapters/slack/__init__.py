"""Slack: pages and cards out, clicks and commands in. What it shows is escaped, what it is told is signed."""

from incidents.adapters.slack.api import API_URL, SlackApi
from incidents.adapters.slack.carrier import SlackCarrier
from incidents.adapters.slack.doors import doors
from incidents.adapters.slack.people import SlackPeople, clicker
from incidents.adapters.slack.queries import Queries
from incidents.adapters.slack.turns import Turns

__all__ = ["API_URL", "Queries", "SlackApi", "SlackCarrier", "SlackPeople", "Turns", "clicker", "doors"]
