"""Comments that stay where they are when a part of a YAML document goes or grows.

The round-trip parser keeps the comment lines that stand before a key with the last leaf of the part above it, so they
would go with that part. Here they are handed on to the key that follows.
"""

from collections.abc import Sequence

from ruamel.yaml.comments import CommentedMap, CommentedSeq


def free_comments(document: CommentedMap, path: Sequence[str]) -> str:
    """Hand on the comment lines below a node to the key that follows it.

    Args:
        document: the whole document, changed in place.
        path: the keys that lead to the node.

    Returns:
        the lines that nothing follows: they end the document, and are the caller's to write there.
    """
    lines = _take(document, path)
    if not lines:
        return ""
    for depth in range(len(path), 0, -1):
        holder = _at(document, path[: depth - 1])
        keys = list(holder)
        following = keys[keys.index(path[depth - 1]) + 1 :]
        if following:
            _put_before(holder, following[0], lines)
            return ""
    return lines


def _at(document: CommentedMap, path: Sequence[str]) -> CommentedMap:
    node = document
    for key in path:
        node = node[key]
    return node


def _take(document: CommentedMap, path: Sequence[str]) -> str:
    """Cut the lines below a node out of its last leaf's comment; what stands beside the leaf stays."""
    holder: CommentedMap | CommentedSeq = _at(document, path[:-1])
    key: str | int = path[-1]
    while True:
        value = holder[key]
        if isinstance(value, CommentedMap | CommentedSeq) and len(value) and not value.fa.flow_style():
            holder, key = value, list(value)[-1] if isinstance(value, CommentedMap) else len(value) - 1
            continue
        return _cut(holder, key)


def _cut(holder: CommentedMap | CommentedSeq, key: str | int) -> str:
    slot = 2 if isinstance(holder, CommentedMap) else 0
    tokens = holder.ca.items.get(key)
    token = tokens[slot] if tokens else None
    if token is None:
        return ""
    beside, _, below = token.value.partition("\n")
    if not below:
        return ""
    token.value = f"{beside}\n"
    if not beside.strip():
        tokens[slot] = None
    return str(below)


def _put_before(holder: CommentedMap, key: str, lines: str) -> None:
    column = holder.lc.col if not holder.fa.flow_style() else 0
    text = "\n".join(line.strip().removeprefix("#").removeprefix(" ") for line in lines.rstrip("\n").split("\n"))
    holder.yaml_set_comment_before_after_key(key, before=text, indent=column)
