"""Whether commits that say so of themselves hold nothing of their own: by what they hold, not by what they say."""

from collections.abc import Collection, Sequence
from functools import partial

from trellis.promotion.chain import Empty
from trellis.revisions.graph import Commit
from trellis.revisions.merging import merge_all
from trellis.revisions.repository import Repository


def by_content(repository: Repository) -> Empty:
    """Tells them by their content."""
    return partial(_empty, repository)


def _empty(repository: Repository, commits: Sequence[Commit]) -> Collection[str]:
    """The ids of those whose tree is their only parent's, or what a merge of their two parents gives."""
    found = {
        commit.id
        for commit in commits
        if len(commit.parents) == 1 and repository.tree(commit.id) == repository.tree(commit.parents[0])
    }
    both = [commit for commit in commits if len(commit.parents) == 2]
    merged = merge_all(repository, [(commit.parents[0], commit.parents[1]) for commit in both])
    for commit, made in zip(both, merged, strict=True):
        if not made.conflicts and made.tree == repository.tree(commit.id):
            found.add(commit.id)
    return found
