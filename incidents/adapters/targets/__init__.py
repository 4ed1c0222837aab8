"""Reaches the systems that runs change, over HTTP, where and as the operator's connections say."""

from incidents.adapters.targets.client import HttpTargets

__all__ = ["HttpTargets"]
