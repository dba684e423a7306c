"""A YAML file of age-encrypted texts by key; it may be in git."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trellis.environments.identity import KEY_FILE_VARIABLE, create_identity, identity_file, read_identities
from trellis.environments.project import PROJECT_FILE, Project
from trellis.environments.reading import Problems, parse_mapping, read_text
from trellis.environments.writing import exclusive, write_file
from trellis.errors import ConfigError
from trellis_dsl.secret import Secret

if TYPE_CHECKING:
    from pyrage.x25519 import Identity, Recipient

_ARMOR = "-----BEGIN AGE ENCRYPTED FILE-----"


@dataclass(frozen=True, slots=True)
class ArmoredFile:
    """One such file.

    Attributes:
        project: whose identity and recipients are used.
        path: absolute; it need not exist.
        heading: its first line, a comment without the sign.
        is_key: which keys it may have.
        key_rule: the same, for messages.
        mending: what to do about a text that cannot be read; ``{key}`` is its key.
    """

    project: Project
    path: Path
    heading: str
    is_key: Callable[[object], bool]
    key_rule: str
    mending: str

    @property
    def label(self) -> str:
        """How messages name it."""
        return str(self.path.relative_to(self.project.root))

    def blocks(self) -> dict[str, str]:
        """The armored texts by key; empty when there is no file. Raises `ConfigError`."""
        if not self.path.exists():
            return {}
        problems = Problems(self.label)
        found: dict[str, str] = {}
        for key, block in parse_mapping(read_text(self.path, self.label), self.label).items():
            if not self.is_key(key):
                problems.add(str(key), f"not a key: use {self.key_rule}")
            elif not isinstance(block, str) or not block.startswith(_ARMOR):
                problems.add(str(key), "not encrypted: it must be an armored age file")
            else:
                found[str(key)] = block
        problems.refuse(
            hint="remove the line, then trellis secret set KEY; change a value that stood here in clear text"
        )
        return found

    def texts(self) -> dict[str, Secret]:
        """The texts by key.

        Raises:
            ConfigError: the identity is missing or not the right one, or the file is damaged.
        """
        blocks = self.blocks()
        if not blocks:
            return {}
        identities = read_identities(self.project)
        if not identities:
            raise missing_key(self.project, self.label)
        return {key: self._open(key, block, identities) for key, block in blocks.items()}

    def put(self, key: str, value: Secret, others: Sequence["ArmoredFile"]) -> None:
        """Encrypt a text to the project's recipients and write the file; the first one makes the identity.

        Args:
            key: one that `is_key` allows.
            value: the text.
            others: all files of the project: none may have been written with a key that is elsewhere.

        Raises:
            ConfigError: a bad recipient, or other texts that this identity cannot read.
        """
        from pyrage import encrypt

        with exclusive(self.path.parent):
            kept = {other: block for other, block in self.blocks().items() if other != key}
            armored = encrypt(value.reveal().encode(), self._recipients(kept, others), armored=True).decode()
            self.write({**kept, key: armored})

    def write(self, blocks: Mapping[str, str]) -> None:
        """Write the file; every line of a block is indented under its key."""
        from io import StringIO

        from ruamel.yaml import YAML
        from ruamel.yaml.scalarstring import LiteralScalarString

        out = StringIO()
        out.write(f"# {self.heading}\n")
        YAML().dump({key: LiteralScalarString(blocks[key]) for key in sorted(blocks)}, out)
        write_file(self.path, out.getvalue())

    def _recipients(self, kept: Mapping[str, str], others: Sequence["ArmoredFile"]) -> Sequence["Recipient"]:
        """Whom a new text is encrypted to: those of trellis.yaml, else the identity, made when there is none."""
        if self.project.recipients:
            return [_recipient(text, index) for index, text in enumerate(self.project.recipients)]
        identities = read_identities(self.project)
        if not identities:
            for other in others:
                if other.blocks():
                    raise missing_key(self.project, other.label)
            create_identity(self.project)
            identities = read_identities(self.project)
        for key, block in kept.items():
            self._open(key, block, identities)  # two keys in one file: nobody could read all of it
        return [identity.to_public() for identity in identities]

    def _open(self, key: str, block: str, identities: Sequence["Identity"]) -> Secret:
        """Decrypt one block."""
        from pyrage import DecryptError, decrypt

        try:
            return Secret(decrypt(block.encode(), identities).decode())
        except DecryptError as fault:
            wrong_key = "no matching key" in str(fault).lower()
        except UnicodeDecodeError:
            wrong_key = False
        # Raised out here so that the refusal carries no error that holds the text.
        where = f"{self.label}: {key}"
        if wrong_key:
            raise ConfigError(
                f"the key at {identity_file(self.project)} is not one that this secret was encrypted to",
                where=where,
                hint=f"set {KEY_FILE_VARIABLE} to the right key, or ask to be a recipient",
            )
        raise ConfigError("damaged: it cannot be decrypted", where=where, hint=self.mending.format(key=key))


def missing_key(project: Project, label: str) -> ConfigError:
    """There are texts, and no key to read them with."""
    what = f"there is no key at {identity_file(project)} to read the secrets with"
    hint = f"copy it from who wrote them, or set {KEY_FILE_VARIABLE} to its path"
    return ConfigError(what, where=label, hint=hint)


def _recipient(text: str, index: int) -> "Recipient":
    from pyrage import RecipientError
    from pyrage.x25519 import Recipient

    try:
        return Recipient.from_str(text)
    except RecipientError:
        where = f"{PROJECT_FILE}: secrets.recipients[{index}]"
        hint = "a public key starts with age1; the key file shows it"
        raise ConfigError("not an age public key", where=where, hint=hint) from None
