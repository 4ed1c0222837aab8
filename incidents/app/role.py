"""What one process of the service does; on PostgreSQL several share the work."""

from enum import StrEnum


class Role(StrEnum):
    ALL = "all"
    INTAKE = "intake"  # bus and HTTP events in
    WORKER = "worker"  # deliveries and time
    WEB = "web"  # pages, API and Slack's clicks
