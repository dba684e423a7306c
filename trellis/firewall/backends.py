"""What a firewall of a host's system must offer; plugins bring them."""

from typing import Protocol

from trellis.firewall.model import Ruleset


def comment_text(why: str, longest: int) -> str:
    """A reason as a rule's comment may say it: without quotes, and in so many bytes at most."""
    return why.replace('"', "'").encode()[:longest].decode(errors="ignore")


class Backend(Protocol):
    """Turns a ruleset into what a host's own firewall loads. Touches only what carries its name there.

    Attributes:
        name: as environments name it, ``nftables``.
        tool: the program that a host needs for it, ``nft``.
        control: a POSIX shell script that stays on the host, so that rules come back after a reboot without Trellis:
            ``load NAME FILE`` replaces the rules of that name by the file's in one transaction, a failed one leaves
            the old ones; ``list NAME`` prints what is loaded now, the same text for the same rules, and nothing
            where there is nothing; ``remove NAME`` takes them away, and may be run twice.
    """

    name: str
    tool: str
    control: str

    def render(self, ruleset: Ruleset, name: str) -> str:
        """The file that ``load`` takes; pure, and the same for the same ruleset.

        Args:
            ruleset: what is let in and out.
            name: of the stack and the environment, ``shop-prod``; rules of two names do not disturb each other.
        """
