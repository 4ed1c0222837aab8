"""Calendars kept elsewhere, in; each person's own turns, out."""
