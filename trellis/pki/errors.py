"""How a certificate is refused."""

from trellis.errors import NotAuthorisedError


class UntrustedError(NotAuthorisedError):
    """A certificate that is not trusted, and why; whoever asks must not go on."""
