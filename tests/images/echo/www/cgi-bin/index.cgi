#!/bin/sh
printf 'Content-Type: text/plain\r\n\r\n'
printf 'version=%s instance=%s host=%s\n' "$VERSION" "${INSTANCE:-}" "$(busybox hostname)"
