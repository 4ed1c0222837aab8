"""A whole incident on sample systems: the real service on a temporary database, played to somebody who watches."""

from incidents.app.demo.play import play

__all__ = ["play"]
