# Prints what Trellis keeps of one firewall, "key value" a line; nothing where it keeps none. Reads only.
#
#   observe.sh FOLDER NAME
#
# record: the record in base64. loaded and expected: SHA-256 of the rules as they are listed now and as they were after
# they had been loaded; loaded is empty where there are none.
set -u
export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

cd -- "$1" 2>/dev/null || exit 0
name=$2
unfinished=no
for mark in pending-* restoring confirmed next; do
    if [ -e "$mark" ]; then unfinished=yes; fi
done
if [ "$unfinished" = no ] && ! [ -e record.json ]; then exit 0; fi
if [ -e record.json ]; then
    printf 'record %s\n' "$(base64 <record.json | tr -d '\n')"
    listing=$(sh ./control list "$name") || { printf 'the rules cannot be listed\n' >&2; exit 1; }
    if [ -n "$listing" ]; then printf 'loaded %s\n' "$(printf '%s\n' "$listing" | sha256sum | cut -d ' ' -f 1)"; fi
    printf 'expected %s\n' "$(cat listing 2>/dev/null)"
fi
printf 'unfinished %s\n' "$unfinished"
if [ -x "/etc/trellis/boot.d/firewall-$name" ]; then printf 'boots yes\n'; else printf 'boots no\n'; fi
