"""The firewall backend for nftables."""

from pathlib import Path

from trellis.firewall.model import Ruleset
from trellis_nftables.rules import render


class Nftables:
    """Rules in a table of their own, ``inet trellis-shop-prod``; see `trellis.firewall.backends.Backend`."""

    name = "nftables"
    tool = "nft"
    control = (Path(__file__).parent / "control.sh").read_text(encoding="utf-8")

    def render(self, ruleset: Ruleset, name: str) -> str:
        """The file for ``nft -f``: one transaction that replaces the whole table."""
        return render(ruleset, name)
