# Replaces the entry of a file that is written and has been told of.
#
#   finish.sh STORE ID PATH ENTRY
set -eu
export LC_ALL=C
umask 077

printf '%s\n%s\n' "$3" "$4" >"$1/$2.entry.new"
sync -- "$1/$2.entry.new" 2>/dev/null || sync
mv -f -- "$1/$2.entry.new" "$1/$2.entry"
