"""The options with which someone overrules the chain of environments: said, the environment typed, and a reason."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from trellis.cli.output import harmless, interactive
from trellis.promotion.chain import Overruling


@dataclass(frozen=True, slots=True)
class Words:
    """What was said on the command line about overruling the chain."""

    said: bool
    typed: str | None
    reason: str | None

    def overruling(self, environment: str, *, no_input: bool) -> Overruling | None:
        """Who overrules the chain, asked for what is missing on a terminal; None when nobody does."""
        if not self.said:
            return None
        typed, reason = self.typed, self.reason
        if interactive(no_input=no_input):
            question = harmless(f"This overrules the chain. Type the environment's name ({environment}) to go on")
            typed = typed if typed is not None else click.prompt(question, err=True)
            reason = reason if reason is not None else click.prompt("Why", err=True)
        return Overruling(typed or "", reason or "")


def overruling_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--override-chain``, ``--confirm`` and ``--reason``, as the one argument `chain`."""

    @wraps(function)
    def with_words(*, override_chain: bool, confirm: str | None, reason: str | None, **rest: Any) -> Any:
        return function(chain=Words(override_chain, confirm, reason), **rest)

    said = click.option("--override-chain", is_flag=True, help="Run what the environment before has not published.")
    typed = click.option("--confirm", metavar="NAME", help="The environment's name, typed once more.")
    why = click.option("--reason", metavar="TEXT", help="Why the chain is overruled; it is recorded.")
    return said(typed(why(with_words)))
