"""What the last scan of each host found, kept with its time: known while the host does not answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, delete, insert, select

from trellis.state.database import faults, place
from trellis.state.schema import SCANS


class ScanTable:
    """The scans in the database, one a host."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._where = place(engine.url)

    def keep(self, environment: str, entries: Sequence[Mapping[str, Any]]) -> None:
        """Keep scans as `trellis.scanning.document` gives them; a host that could not be asked keeps what was known."""
        with faults(self._where), self._engine.begin() as connection:
            known = set(connection.scalars(select(SCANS.c.host).where(SCANS.c.environment == environment)))
            new = [one for one in entries if one["reachable"] or one["name"] not in known]
            for one in new:
                old = (SCANS.c.environment == environment) & (SCANS.c.host == one["name"])
                connection.execute(delete(SCANS).where(old))
                connection.execute(insert(SCANS).values(environment=environment, host=one["name"], entry=dict(one)))

    def last(self, environment: str) -> Mapping[str, Mapping[str, Any]]:
        """The entry of each host that was ever scanned, by name."""
        rows = select(SCANS).where(SCANS.c.environment == environment).order_by(SCANS.c.host)
        with faults(self._where), self._engine.connect() as connection:
            return {row.host: row.entry for row in connection.execute(rows)}
