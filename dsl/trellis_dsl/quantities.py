"""Amounts as people write them: ``"1 GiB"``, ``"100 Mbit/s"``, ``"500m"``."""

import re

from trellis_dsl.errors import StackError

# IEC 80000-13 binary prefixes; decimal ones as in SI. "G" alone is decimal, as in df(1) --si.
_BYTES = {"": 1, "B": 1} | {
    prefix + unit: base**power
    for power, prefix in enumerate("kMGTP", start=1)
    for unit, base in (("", 1000), ("B", 1000), ("iB", 1024))
}
_BITS = {"bit/s": 1, "kbit/s": 10**3, "Mbit/s": 10**6, "Gbit/s": 10**9}
_NUMBER = re.compile(r"^\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z/]*)\s*$")


def _scaled(text: str, units: dict[str, int], example: str) -> int:
    match = _NUMBER.match(text)
    unit = match.group(2) if match else ""
    if unit.startswith("K"):
        unit = "k" + unit[1:]
    if match is None or unit not in units:
        raise StackError(f"{text!r} is not an amount", hint=f'write it as "{example}"')
    return round(float(match.group(1)) * units[unit])


def parse_bytes(amount: str | int) -> int:
    """Bytes from ``"1 GiB"``, ``"500 MB"`` or a plain number of bytes.

    Raises:
        StackError: the text is not an amount, or it is negative.
    """
    if isinstance(amount, int):
        return _not_negative(amount)
    return _scaled(amount, _BYTES, "1 GiB")


def parse_bandwidth(amount: str | int) -> int:
    """Bits per second from ``"100 Mbit/s"`` or a plain number."""
    if isinstance(amount, int):
        return _not_negative(amount)
    return _scaled(amount, _BITS, "100 Mbit/s")


def parse_cpu(amount: float | str) -> float:
    """Cores from ``1``, ``0.5`` or ``"500m"`` (thousandths of a core)."""
    if isinstance(amount, str):
        match = re.fullmatch(r"([0-9]+)m", amount)
        if match is None:
            raise StackError(f"{amount!r} is not a number of cores", hint='write 0.5 or "500m"')
        return int(match.group(1)) / 1000
    if amount < 0:
        raise StackError(f"{amount} is less than nothing", hint="cores are 0 or more")
    return float(amount)


def _not_negative(amount: int) -> int:
    if amount < 0:
        raise StackError(f"{amount} is less than nothing", hint="an amount is 0 or more")
    return amount


def format_bytes(amount: int) -> str:
    """``1073741824`` as ``1 GiB``; one decimal at most, the largest unit that gives 1 or more."""
    value = float(amount)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(value) < 1024 or unit == "TiB":
            break
        value /= 1024
    text = f"{value:.1f}".removesuffix(".0")
    return f"{text} {unit}"
