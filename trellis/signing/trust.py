"""Whom a project trusts to publish: one file an environment, which is no secret."""

from pathlib import Path

from trellis.environments.loading import FOLDER
from trellis.environments.project import Project
from trellis.environments.reading import Problems, check_keys, parse_mapping, read_text, text_at, texts_at
from trellis.environments.writing import write_file
from trellis.errors import NotAuthorisedError
from trellis.pki.revoking import Revoked, from_data
from trellis.signing.envelope import Trust

_HEADER = (
    "# Who may publish for {}; written by trellis publish. Another project copies it to trust what is published here.\n"
)


def trust_file(project: Project, environment: str) -> Path:
    """Where it is written whose publications of an environment are believed."""
    return project.root / FOLDER / "trust" / f"{environment}.yaml"


def load_trust(project: Project, environment: str) -> Trust:
    """Whose publications of an environment are believed.

    Raises:
        NotAuthorisedError: nobody's, because there is no such file.
        ConfigError: the file is at fault.
    """
    file, label = trust_file(project, environment), f"{FOLDER}/trust/{environment}.yaml"
    if not file.is_file():
        raise NotAuthorisedError(
            f"nobody is trusted to publish for {environment}",
            where=label,
            hint=f"publish there first, or put {label} of the project that publishes here",
        )
    document = parse_mapping(read_text(file, label), label)
    problems = Problems(label)
    check_keys(document, ("signer", "authorities", "revoked"), "", problems)
    authorities = texts_at(document, "authorities", "", problems)
    signer = text_at(document, "signer", "", problems) or ""
    entries = document.get("revoked") or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        problems.add("revoked", "must be a list of mappings")
        entries = []
    problems.refuse()
    taken_back = tuple(from_data(entry, f"{label}: revoked[{index}]") for index, entry in enumerate(entries))
    return Trust(authorities, taken_back, signer, label)


def write_trust(
    project: Project, environment: str, signer: str, authorities: tuple[str, ...], revoked: tuple[Revoked, ...]
) -> None:
    """Write the file whole."""
    from io import StringIO

    from ruamel.yaml import YAML
    from ruamel.yaml.scalarstring import LiteralScalarString

    out = StringIO()
    out.write(_HEADER.format(environment))
    document: dict[str, object] = {"signer": signer, "authorities": [LiteralScalarString(text) for text in authorities]}
    if revoked:
        document["revoked"] = [entry.to_data() for entry in revoked]
    YAML().dump(document, out)
    write_file(trust_file(project, environment), out.getvalue())
