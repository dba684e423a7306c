"""A value that nobody prints by accident."""

from typing import Never

MASK = "•••"


class Secret:
    """Text that shows as ``•••`` everywhere: str, repr, format, JSON, tracebacks.

    Only `reveal` gives the text, so that every place that needs it can be found.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __str__(self) -> str:
        return MASK

    __repr__ = __str__

    def __format__(self, format_spec: str) -> str:
        return format(MASK, format_spec)

    def __eq__(self, other: object) -> bool:
        from hmac import compare_digest  # brings OpenSSL in, which every start would pay for

        return isinstance(other, Secret) and compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> Never:
        """Refuse to be pickled: a pickle is a copy in clear text."""
        raise TypeError("a secret cannot be pickled")
