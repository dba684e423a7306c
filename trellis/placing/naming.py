"""How an instance is called inside its environment."""


def short_name(service: str, index: int) -> str:
    """``website-2``: the service in lower case, and the instance's index."""
    return f"{service.lower()}-{index}"
