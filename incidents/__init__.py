"""Incident responder for AI systems."""
