"""How branches, tags, private refs and commit trailers are named."""

import re

from trellis.errors import UsageError

CHANGES = "refs/heads/change/"
ENVIRONMENTS = "refs/heads/env/"
RELEASES = "refs/tags/release/"
APPLIED = "refs/trellis/applied/"
"""By environment: what `up` brought it to, one commit a run, the newest on top."""

PUBLISHED = "refs/trellis/published/"
"""By environment: its signed publications, one commit a record."""

SEEN = "refs/trellis/seen/"
"""By environment and the one before it: what was last seen of the publications there."""

UPSTREAM = "refs/trellis/upstream/"
"""By environment: what was fetched from the repository that it pulls from."""

DECIDED = "refs/trellis/decided/"
"""By environment: where Trellis itself last put its branch; a branch elsewhere was moved by hand."""

FETCHED_MAIN = "refs/trellis/sync/main"
"""Main of another repository, as last fetched."""

MAIN = ("refs/heads/main", "refs/heads/master")
"""Where changes are cut from: the first that there is."""

# Trailers of commits that Trellis makes (git-interpret-trailers); they are all that it remembers in git.
CHANGE = "Trellis-Change"  # the first commit of a change-set: its name
VERSION = "Trellis-Version"  # there: its version tag
ACCEPTS = "Trellis-Accepts"  # there, or in an environment's commit: what needs care and is meant so
CONTAINS = "Trellis-Contains"  # a release's or an environment's commit: name and tip of a change-set that it brings
REVERTS = "Trellis-Reverts"  # an environment's commit: name of a change-set that it takes back
RELEASE = "Trellis-Release"  # a release's or an environment's commit: the version
MERGES = "Trellis-Merges"  # a commit that only brings others together: what for
OVERRULED = "Trellis-Overruled"  # an environment's commit: why the chain was overruled
BLUEPRINT = "Trellis-Blueprint"  # what was applied: the blueprint's digest
RUN = "Trellis-Run"  # there: the run's number in the journal

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_RULE = "letters, digits, dots, - and _"


def checked_name(name: str, what: str) -> str:
    """The name, when a branch or tag can end in it.

    Raises:
        UsageError: it cannot.
    """
    if not _NAME.fullmatch(name) or ".." in name or name.endswith(".lock"):
        raise UsageError(f"{name!r} cannot be the name of a {what}", hint=f"use {_RULE}, such as faster-search")
    return name


def message(title: str, body: str, trailers: "list[tuple[str, str]]") -> str:
    """A commit message: title, text and trailers, none of which can pass for another."""
    paragraphs = [" ".join(title.split()) or "No title", body.strip()]
    lines = [f"{key}: {' '.join(value.split())}" for key, value in trailers]
    return "\n\n".join(part for part in (*paragraphs, "\n".join(lines)) if part) + "\n"
