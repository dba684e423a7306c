"""Shell scripts that run on hosts; data reaches them as arguments and on standard input."""

from pathlib import Path


def script(name: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs a script of this folder."""
    text = (Path(__file__).parent / f"{name}.sh").read_text(encoding="utf-8")
    return ("sh", "-c", text, f"trellis-certificates-{name}", *arguments)
