"""The client that reaches targets, against real servers on this machine."""
