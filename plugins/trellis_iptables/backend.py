"""The firewall backend for iptables and ip6tables."""

from pathlib import Path

from trellis.firewall.model import Ruleset
from trellis_iptables.rules import render


class Iptables:
    """Rules in chains of their own; see `trellis.firewall.backends.Backend`."""

    name = "iptables"
    tool = "iptables"
    control = (Path(__file__).parent / "control.sh").read_text(encoding="utf-8")

    def render(self, ruleset: Ruleset, name: str) -> str:
        """Two texts for ``iptables-restore --noflush``, the second one for ip6tables."""
        return render(ruleset, name)
