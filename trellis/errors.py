"""The engine's part of the error tree; each class carries its exit code (see the command line reference)."""

from typing import TYPE_CHECKING

from trellis_dsl.errors import StackError, TrellisError, UsageError

if TYPE_CHECKING:
    from trellis.blueprint import ConfigSpec


class ConfigError(UsageError):
    """An environment file, a config value or a secret is at fault."""


class MissingConfigError(ConfigError):
    """Required config values and secrets are not given; `specs` are all of them."""

    def __init__(self, what: str, *, where: str, hint: str, specs: "tuple[ConfigSpec, ...]") -> None:
        super().__init__(what, where=where, hint=hint)
        self.specs = specs


class NotAuthorisedError(TrellisError):
    """Not authorised: a bad signature, a changed host key, a refused account."""

    exit_code = 3


class ApplyError(TrellisError):
    """Applying the plan failed; what ran before goes on running."""

    exit_code = 4


class PolicyError(TrellisError):
    """Refused by policy: a stale plan, a protected environment, a move that nobody allowed."""

    exit_code = 5


class UnknownEnvironmentError(TrellisError):
    """There is no environment of that name."""

    exit_code = 6


class UnexpectedChangesError(TrellisError):
    """Changes were found although none were expected."""

    exit_code = 7


class CancelledError(TrellisError):
    """The operator cancelled; the step under way was finished and recorded."""

    exit_code = 8


class TimedOutError(TrellisError):
    """A deadline passed."""

    exit_code = 9


class LockedError(TrellisError):
    """Someone else holds the environment's lock."""

    exit_code = 10


class LeaseLostError(LockedError):
    """This run's lock expired or was broken, so it must not go on changing anything."""


class StateError(TrellisError):
    """The state's database cannot be opened, read or written."""


class UnreachableError(TrellisError):
    """A host did not answer."""

    exit_code = 11


class EngineSilentError(UnreachableError):
    """A host answers, but not its container engine: what runs there is not known."""


class DoesNotFitError(TrellisError):
    """The services do not fit on the hosts, or the rules contradict each other."""

    exit_code = 12


__all__ = [
    "ApplyError",
    "CancelledError",
    "ConfigError",
    "DoesNotFitError",
    "EngineSilentError",
    "LeaseLostError",
    "LockedError",
    "MissingConfigError",
    "NotAuthorisedError",
    "PolicyError",
    "StackError",
    "StateError",
    "TimedOutError",
    "TrellisError",
    "UnexpectedChangesError",
    "UnknownEnvironmentError",
    "UnreachableError",
    "UsageError",
]
