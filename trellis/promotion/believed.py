"""What the environment before has published, as far as it can be trusted now."""

from collections.abc import Mapping
from datetime import UTC, datetime

from trellis.environments.model import Environment
from trellis.environments.project import Project
from trellis.errors import NotAuthorisedError
from trellis.promotion.upstreams import upstream_of
from trellis.revisions.repository import Repository


def published_for(repository: Repository, project: Project, environment: Environment) -> Mapping[str, str]:
    """Versions and commits that the environment before this one has published, each of them checked.

    What cannot be trusted is left out: then the chain refuses it.
    """
    if not environment.pulls_from:
        return {}
    upstream = upstream_of(project, environment)
    found: dict[str, str] = {}
    try:
        ledger = upstream.ledger(repository)
        trust, now = upstream.trust(), datetime.now(UTC)
        ledger.check(trust, now)
        for version in ledger.published:
            record = ledger.authentic(version, trust, now)
            if record is not None:
                found[version] = record.commit
    except NotAuthorisedError:
        return found
    return found
