"""Which Trellis a plugin's distribution asks for."""

from importlib.metadata import Distribution, version

OURS = "opencluster-trellis"


def unmet_requirement(distribution: Distribution | None, installed: str = "") -> str:
    """Why a distribution does not go with this Trellis, as a sentence; empty when it does.

    pip sees to that when it installs a plugin, but not when Trellis itself is changed later.

    Args:
        distribution: the plugin's, None when it is not known.
        installed: this Trellis's version; what is installed by default.
    """
    asked = [text for text in (distribution.requires if distribution else None) or () if text.startswith(OURS)]
    if not asked or distribution is None or distribution.name == OURS:
        return ""
    from packaging.requirements import InvalidRequirement, Requirement

    here = installed or version(OURS)
    for text in asked:
        try:
            needed = Requirement(text)
        except InvalidRequirement:
            return f"its metadata cannot be read: {text}"
        if needed.name == OURS and not needed.specifier.contains(here, prereleases=True):
            return (
                f"{distribution.name} {distribution.version} needs {OURS}{needed.specifier}, and this is {here}; "
                f"try: pip install --upgrade {distribution.name}"
            )
    return ""
