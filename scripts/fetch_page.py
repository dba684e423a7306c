"""Fetches a page of a local site until it answers 200, and prints its title.

scripts/fetch_page.py http://shop.localhost:8088/ 60      seconds until it gives up, with exit code 1
"""

import http.client
import re
import sys
import time
from urllib.parse import urlsplit


def fetch(url: str) -> str:
    """Return the page, asked of this machine whatever the name resolves to; not every resolver knows .localhost.

    Raises:
        OSError: nothing answers.
        http.client.HTTPException: something else than a page with status 200 answers.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=5)
    try:
        connection.request("GET", parts.path or "/", headers={"Host": parts.netloc})
        answer = connection.getresponse()
        page = answer.read().decode()
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise http.client.HTTPException(f"status {answer.status}")
    return page


def main(url: str, seconds: str) -> int:
    """Print the title of the page; the exit code."""
    deadline = time.monotonic() + float(seconds)
    while True:
        try:
            page = fetch(url)
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() > deadline:
                print(f"{url} did not answer within {seconds} s: {error}", file=sys.stderr)
                return 1
            time.sleep(0.2)
        else:
            title = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
            print(title.group(1).strip() if title else "(a page without a title)")
            return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
