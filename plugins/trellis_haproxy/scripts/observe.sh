# Prints the proxies of one environment: "proxy NAME RECORD CONFIG EXISTING", the middle ones in base64; reads only.
#
#   observe.sh FOLDER
#
# CONFIG starts with = and is - where there is no haproxy.cfg. EXISTING tells whether the operator's own configuration is
# what was last taken: same, changed, missing, or - where none is loaded.
set -u
export LC_ALL=C

if [ -d "$1" ] && ! [ -r "$1" ]; then
    printf '%s may not be read by this account\n' "$1" >&2
    exit 1
fi
encoded() { base64 <"$1" | tr -d '\n'; }
for record in "$1"/*/haproxy.json; do
    [ -e "$record" ] || continue
    if ! [ -r "$record" ]; then
        printf '%s may not be read by this account\n' "$record" >&2
        exit 1
    fi
    folder=${record%/*}
    config=-
    if [ -e "$folder/etc/haproxy.cfg" ]; then config="=$(encoded "$folder/etc/haproxy.cfg")"; fi
    existing=- path=$(cat "$folder/existing" 2>/dev/null || true)
    if [ "$path" ]; then
        existing=same
        if ! [ -r "$path" ]; then existing=missing; elif ! cmp -s "$path" "$folder/etc/existing.cfg"; then existing=changed; fi
    fi
    printf 'proxy %s %s %s %s\n' "${folder##*/}" "$(encoded "$record")" "$config" "$existing"
done
