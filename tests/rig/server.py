"""What every real part offers: start, stop, kill9, restart and a url."""

import os
from abc import ABC, abstractmethod
from typing import ClassVar

from tests.rig.child import Child, Missing


class Server(ABC):
    """A real part: the one an environment variable names, else a child process of this run."""

    name: ClassVar[str]
    variable: ClassVar[str]
    user: ClassVar[str | None] = None
    url: str

    def __init__(self) -> None:
        outside = os.environ.get(self.variable)
        self._child: Child | None = None
        if outside:
            self.url = self.reached_at(outside)
            return
        try:
            self._child = self._make()
            self.start()
        except Missing as missing:
            raise Missing(f"{self.name}: {missing}") from missing
        except BaseException:
            self.end()
            raise

    @property
    def is_outside(self) -> bool:
        """Whether someone else runs it: then it can be neither stopped nor emptied of all it holds."""
        return self._child is None

    @property
    def child(self) -> Child:
        """The process, where it is ours to end and start."""
        if self._child is None:
            raise Missing(f"{self.name} of {self.variable} is not ours to stop")
        return self._child

    def reached_at(self, outside: str) -> str:
        """Return the URL as the product wants it."""
        return outside

    @abstractmethod
    def _make(self) -> Child:
        """Find the programs, lay out a new folder, choose ports and set `url`."""

    @abstractmethod
    def start(self) -> None:
        """Start it on the data it left."""

    def stop(self) -> None:
        self.child.stop()

    def kill9(self) -> None:
        self.child.kill9()

    def restart(self) -> None:
        self.stop()
        self.start()

    def end(self) -> None:
        """End what this run started and remove what it wrote."""
        if self._child is not None:
            self._child.remove()
