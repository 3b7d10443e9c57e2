"""What a transform says of itself: what it reads, by what it is keyed, what it presents. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from .kinds import Kind


@dataclass(frozen=True, slots=True)
class Field:
    """A column that a transform reads, is keyed by, or presents. Path and `required` are those of inputs."""

    name: str
    path: str
    kind: Kind
    required: bool

    @classmethod
    def named(cls, name: str, kind: Kind) -> Field:
        """A key or an output."""
        return cls(name, "", kind, False)


@dataclass(frozen=True, slots=True)
class Filter:
    """Only events whose text at `path` is one of these are wanted; the host ignores all others."""

    path: str
    one_of: list[str]


@dataclass(frozen=True, slots=True)
class Window:
    """Windows of `size_ms` that start at every multiple of `slide_ms`, which divides the size."""

    size_ms: int
    slide_ms: int

    def __post_init__(self):
        size_ms, slide_ms = self.size_ms, self.slide_ms
        if not 0 < slide_ms <= size_ms < 2**63 or size_ms % slide_ms:
            raise ValueError(
                f"a window of {size_ms} ms every {slide_ms} ms: the slide must be above 0 and divide the size"
            )

    @classmethod
    def tumbling(cls, size_ms: int) -> Window:
        """Windows that follow each other."""
        return cls(size_ms, size_ms)


@dataclass(frozen=True, slots=True)
class Description:
    """All that a host knows of a transform before it runs it."""

    name: str
    summary: str
    inputs: list[Field]
    keys: list[Field]
    outputs: list[Field]
    only: Filter | None
    window: Window | None
    order_free: bool
    initial: bytes | None
    annotations: list[tuple[str, str]]
