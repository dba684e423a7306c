"""What was exported comes back as it was, through both formats and through the journal."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from trellis.errors import ConfigError
from trellis.portable.model import Document, ExportedProgram
from trellis.portable.reading import from_text
from trellis.portable.writing import as_text
from trellis.state.journal import Entry
from trellis.state.programs import KeptProgram
from trellis.state.records import Applied, Made, Run, RunRecord, StepRecord
from trellis.state.store import open_store

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
DATABASE_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NUMBERS = st.integers(0, 2**53) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=3)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - strategies want naive bounds
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}(\.[a-z]{1,3})?", fullmatch=True)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join).filter(lambda path: not path.startswith("environments"))
FILES = st.dictionaries(PATHS, st.binary(max_size=40) | TEXTS.map(str.encode), max_size=3)
RECORDS = st.builds(
    RunRecord,
    environment=st.just("prod"),
    stack=NAMES,
    command=DATABASE_TEXTS,
    operator=DATABASE_TEXTS,
    plan_digest=st.text("0123456789abcdef", max_size=64),
    blueprint_digest=st.text("0123456789abcdef", max_size=64),
    counts=st.dictionaries(NAMES, st.integers(0, 1000), max_size=3),
    summary=DATABASE_TEXTS,
    reason=DATABASE_TEXTS,
)
STEPS = st.builds(
    StepRecord,
    key=DATABASE_TEXTS,
    verb=NAMES,
    host=NAMES,
    state=st.sampled_from(["started", "done", "failed", "skipped"]),
    detail=DATABASE_TEXTS,
    started=TIMES,
    finished=st.none() | TIMES,
)
APPLIED = st.builds(
    Applied, blueprint=DATABASE_TEXTS, config_digest=NAMES, resources=st.dictionaries(NAMES, NAMES, max_size=3)
)
MADE = st.builds(
    Made,
    key=st.builds("container:{}-1@{}".format, NAMES, NAMES),
    role=NAMES,
    service=NAMES,
    instance=st.integers(0, 99),
    spec=OBJECTS,
    certain=st.booleans(),
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Entry, ...]:
    entries = []
    for number in sorted(draw(st.sets(st.integers(1, 1000), max_size=3))):
        record = draw(RECORDS)
        run = Run(
            number,
            record,
            draw(st.sampled_from(["done", "failed", "cancelled", "interrupted", "refused"])),
            draw(TIMES),
            draw(st.none() | TIMES),
            tuple(draw(st.lists(STEPS, max_size=3))),
        )
        program = KeptProgram(number, record.blueprint_digest, draw(OBJECTS), draw(NAMES), draw(FILES))
        entries.append(Entry(run, draw(st.none() | APPLIED), draw(st.none() | st.just(program))))
    return tuple(entries)


DOCUMENTS = st.builds(
    Document,
    written_by=TEXTS,
    written=TIMES,
    environment=st.just("prod"),
    blueprint=OBJECTS,
    blueprint_digest=TEXTS,
    program=st.builds(ExportedProgram, FILES, TEXTS, TEXTS, st.booleans()),
    files=st.fixed_dictionaries(
        {"environment": st.binary(max_size=60) | TEXTS.map(str.encode)},
        optional={"secrets": st.binary(max_size=60), "keys": st.binary(max_size=60), "trust": st.binary(max_size=60)},
    ),
    placement=st.lists(MADE, max_size=3, unique_by=lambda one: one.key).map(tuple),
    history=histories(),
)


@given(document=DOCUMENTS)
@settings(max_examples=60, deadline=None)
def test_a_document_is_read_as_it_was_written_in_json(document: Document) -> None:
    assert from_text(as_text(document, "json"), "document") == document


@given(document=DOCUMENTS)
@settings(max_examples=25, deadline=None)  # YAML is slow to read
def test_a_document_is_read_as_it_was_written_in_yaml(document: Document) -> None:
    assert from_text(as_text(document, "yaml"), "document") == document


@given(document=DOCUMENTS)
@settings(max_examples=30, deadline=None)
def test_a_history_comes_back_from_another_journal_as_it_was(document: Document) -> None:
    with TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{Path(folder) / 'state.db'}")
        try:
            assert store.journal.restore("prod", document.history, document.placement) == 0
            assert store.journal.read("prod") == document.history
            assert store.made("prod") == tuple(sorted(document.placement, key=lambda one: one.key))
            store.journal.restore("prod", document.history, document.placement)
            assert store.journal.read("prod") == document.history
        finally:
            store.close()


@given(document=DOCUMENTS, data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_document_that_was_damaged_is_refused_or_means_the_same(document: Document, data: st.DataObject) -> None:
    text = as_text(document)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from('0a"{}[],:\\ \n'))
    length = data.draw(st.sampled_from([0, 1, 20, len(text)]))
    try:
        read = from_text(text[:at] + other + text[at + length :], "document")
    except ConfigError:
        return
    assert read == document
