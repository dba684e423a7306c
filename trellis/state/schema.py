"""The tables; the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator

VERSION = 1
"""Raised with every change of the tables that an older Trellis could not work with."""


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite knows no time zones, so they are taken off and put back here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


METADATA = MetaData()

SCHEMA = Table("trellis_schema", METADATA, Column("version", Integer, primary_key=True, autoincrement=False))

RUNS = Table(
    "trellis_runs",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("environment", String(255), nullable=False),
    Column("stack", String(255), nullable=False),
    Column("command", Text, nullable=False),
    Column("operator", Text, nullable=False),
    Column("plan_digest", String(64), nullable=False),
    Column("blueprint_digest", String(64), nullable=False),
    Column("counts", JSON, nullable=False),
    Column("summary", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("started", UtcTime, nullable=False),
    Column("finished", UtcTime),
    Index("trellis_runs_by_environment", "environment", "number"),
    sqlite_autoincrement=True,  # a run's number is never used twice
)

STEPS = Table(
    "trellis_steps",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("run", ForeignKey("trellis_runs.number"), nullable=False),
    Column("key", Text, nullable=False),
    Column("verb", String(20), nullable=False),
    Column("host", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("detail", Text, nullable=False),
    Column("started", UtcTime, nullable=False),
    Column("finished", UtcTime),
    Index("trellis_steps_by_run", "run", "number"),
)

APPLIED = Table(
    "trellis_applied",
    METADATA,
    Column("run", ForeignKey("trellis_runs.number"), primary_key=True),
    Column("blueprint", Text, nullable=False),
    Column("config_digest", String(64), nullable=False),
    Column("resources", JSON, nullable=False),
)

PROGRAMS = Table(
    "trellis_programs",
    METADATA,
    Column("run", ForeignKey("trellis_runs.number"), primary_key=True),
    Column("config", JSON, nullable=False),
    Column("tree", String(64), nullable=False),
    Column("files", JSON, nullable=False),
)

BLOBS = Table(
    "trellis_blobs",
    METADATA,
    Column("sha256", String(64), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

MADE = Table(
    "trellis_made",
    METADATA,
    Column("environment", String(255), primary_key=True),
    Column("key", String(700), primary_key=True),
    Column("certain", Boolean, nullable=False),
    Column("role", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("instance", Integer, nullable=False),
    Column("spec", JSON, nullable=False),
)

SCANS = Table(
    "trellis_scans",
    METADATA,
    Column("environment", String(255), primary_key=True),
    Column("host", String(255), primary_key=True),
    Column("entry", JSON, nullable=False),
)

LEASES = Table(
    "trellis_leases",
    METADATA,
    Column("environment", String(255), primary_key=True),
    Column("token", String(32), nullable=False),  # of one acquisition: tells a holder that it lost the lease
    Column("who", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("command", Text, nullable=False),
    Column("identity", Text, nullable=False),
    Column("acquired", UtcTime, nullable=False),
    Column("heartbeat", UtcTime, nullable=False),
    Column("expires", UtcTime, nullable=False),
)
