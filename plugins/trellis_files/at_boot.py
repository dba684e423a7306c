"""Secret files that a host puts back by itself when it boots: an encrypted copy each, the host's own key, a hook."""

from trellis.booting import FOLDER, boot_hook, no_boot_hook
from trellis.plans import Step
from trellis.plugin.contracts import Applying
from trellis_files.running import check, script, text_of
from trellis_files.store import identity, store_folder

_HOOK = "secret-files"
HOOK_PATH = f"{FOLDER}/{_HOOK}"
KEYS = "/etc/trellis/secret-files"
"""The host's own key and its certificate, made there when first needed; not where the copies are."""


async def keep_copy(step: Step, applying: Applying, mode: str, ownership: str, memory: str) -> None:
    """Have the host keep an encrypted copy of what is at the path now, and put it back when it boots.

    Raises:
        ApplyError: it could not be done.
    """
    scope, path = applying.scope, step.key.name
    await boot_hook(applying.session, _HOOK, text_of("boot"))
    place = [scope.data_dir, store_folder(scope.folder), identity(path), path]
    keep = script("keep", [*place, mode, ownership, memory, KEYS])
    check(await applying.session.run(keep, sudo=True), step, "is not kept for the host's boot")


async def keep_no_copy(step: Step, applying: Applying) -> None:
    """Take a file's copy away; with the host's last one the hook and the key go, too.

    Raises:
        ApplyError: it could not be done.
    """
    scope = applying.scope
    arguments = [scope.data_dir, store_folder(scope.folder), identity(step.key.name), KEYS]
    ended = await applying.session.run(script("release", arguments), sudo=True)
    check(ended, step, "could not be taken from what the host does at boot")
    if ended.stdout.strip() == "last":
        await no_boot_hook(applying.session, _HOOK)


def has_copy(step: Step) -> bool:
    """Whether the host may have kept one."""
    return step.actual is not None and bool(step.actual.spec.get("at_boot") or step.actual.state.get("for_boot"))


def only_for_boot(step: Step) -> bool:
    """Whether nothing else of the file is to change."""
    return bool(step.changes) and all(change.path == "at_boot" for change in step.changes)
