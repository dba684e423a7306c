"""What every declared attribute has in common: a name, a class and the line where it stands."""

from dataclasses import replace
from typing import Any

from trellis_dsl.errors import StackError
from trellis_dsl.location import Location, caller

BOUND = "_trellis_bound"
"""The instance attribute that holds an instance's values by attribute name."""


class Declaration:
    """An attribute of a service or role class."""

    name: str = ""

    def __init__(self) -> None:
        self._location = caller()

    def __set_name__(self, owner: type, name: str) -> None:
        """Learn the attribute's name from the class body."""
        if not self.name:
            self.name = name
            self._location = replace(self._location, within=f"{owner.__name__}.{name}")

    @property
    def location(self) -> Location:
        """Where it was declared."""
        return self._location

    def bound(self, instance: object) -> Any:
        """The value that this attribute has in one placed instance.

        Raises:
            StackError: the instance has no values yet, because the stack is still being evaluated.
        """
        values = vars(instance).get(BOUND, {})
        if self.name not in values:
            where = f"{type(instance).__name__}.{self.name}"
            raise StackError(
                f"{where} has no value here",
                where=self.location,
                hint=f"read self.{self.name} in a method such as env(), which runs after placement",
            )
        return values[self.name]
