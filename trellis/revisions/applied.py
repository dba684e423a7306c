"""Remembers in git what an environment was brought to: the exact content of its program, one commit a run."""

from trellis.environments.project import Project
from trellis.revisions import names
from trellis.revisions.programs import Program
from trellis.revisions.repository import NOTHING, RefChange, opened, opened_if_any


def content_of(project: Project, program: Program) -> str:
    """The tree of a program, as it is now; empty without git."""
    if program.root != project.root:
        if not program.commit:
            return ""
        with opened(project.root) as repository:
            return repository.tree(program.commit)
    with opened_if_any(project.root) as repository:
        return repository.snapshot() if repository else ""


def remembers(project: Project, environment: str, program: Program) -> bool:
    """Whether the environment was last brought to this very revision."""
    with opened(project.root) as repository:
        ref = repository.ref(f"{names.APPLIED}{environment}")
        return ref is not None and program.commit in repository.parents(ref.commit)


def remember(project: Project, environment: str, program: Program, content: str, run: int, digest: str) -> None:
    """Record that a run brought an environment to a content; hold the environment's lock."""
    if not content:
        return
    with opened(project.root) as repository:
        ref = repository.ref(f"{names.APPLIED}{environment}")
        revision = program.commit if program.branch else repository.head()
        parents = [*([ref.commit] if ref else []), *([revision] if revision else [])]
        source = program.branch or "the working tree"
        text = names.message(
            f"{environment}: run {run} applied {source}", "", [(names.RUN, str(run)), (names.BLUEPRINT, digest)]
        )
        made = repository.commit(content, parents, text)
        change = RefChange(f"{names.APPLIED}{environment}", made, ref.object if ref else NOTHING)
        repository.update([change], reason=f"run {run}")
