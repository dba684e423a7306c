"""X.509 certificates: made, issued, read and checked, all by pure functions over `cryptography`.

Import from the modules: `issuing` makes, `verifying` checks, `revoking` takes back, `pem` reads and writes. They load
`cryptography`, so import them where they are used.
"""
