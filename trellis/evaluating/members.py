"""A service or role class, and its declared attributes as inheritance leaves them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from trellis_dsl.config import service_name
from trellis_dsl.declaration import Declaration
from trellis_dsl.location import Location
from trellis_dsl.service import Service

D = TypeVar("D", bound=Declaration)


@dataclass(frozen=True, slots=True)
class Member:
    """A service or role class of a stack, and where it was added."""

    cls: type
    location: Location
    root: Path

    @property
    def name(self) -> str:
        """The declared name."""
        return service_name(self.cls)

    @property
    def is_service(self) -> bool:
        """A service, not a role."""
        return issubclass(self.cls, Service)

    @property
    def place(self) -> Location:
        """Where, relative to the stack's folder."""
        return relative(self.location, self.root)

    def at(self, declaration: Declaration) -> Location:
        """Where one of its attributes was declared."""
        return replace(relative(declaration.location, self.root), within=f"{self.name}.{declaration.name}")


def relative(location: Location, root: Path) -> Location:
    """A location whose file is shown relative to the stack's folder, when it lies there."""
    file = Path(location.file)
    return replace(location, file=str(file.relative_to(root))) if file.is_relative_to(root) else location


def declarations(cls: type, kind: type[D]) -> tuple[D, ...]:
    """The class's attributes of one kind, inherited ones included, sorted by name; an override hides the rest."""
    found: dict[str, object] = {}
    for base in reversed(cls.__mro__):
        found.update(vars(base))
    return tuple(value for _, value in sorted(found.items()) if isinstance(value, kind))
