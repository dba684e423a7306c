# Puts a configuration beside the one in use, from standard input, and the record before it.
#
#   stage.sh FOLDER SIZE RECORD [EXISTING]
#
# EXISTING, the operator's own configuration, is copied beside it as existing.cfg.new; without it that file is empty.
#
# The record goes first: what a killed run leaves behind is known by it. Exit 4: it could not be written; the reason is
# printed.
set -eu
export LC_ALL=C
umask 022

folder=$1 size=$2 record=$3 existing=${4-}

end() { printf '%s\n' "$2" >&2; exit "$1"; }

write_to() {
    said=$(dd of="$1" bs=65536 conv=fsync 2>&1) || end 4 "$(printf '%s\n' "$said" | sed -n 's/^dd: .*: //p')"
}

mkdir -p -- "$folder/etc" "$folder/run"
# Certificates and answers to challenges come later, and HAProxy wants their places to be there.
if ! [ -d "$folder/etc/certs" ]; then mkdir -m 0700 -- "$folder/etc/certs"; fi
if ! [ -e "$folder/etc/acme.map" ]; then : >"$folder/etc/acme.map"; fi
printf '%s\n' "$record" | write_to "$folder/haproxy.json.new"
mv -f -- "$folder/haproxy.json.new" "$folder/haproxy.json"
if ! [ -e "$folder/etc/existing.cfg" ]; then : >"$folder/etc/existing.cfg"; fi
if [ "$existing" ]; then
    said=$(cat -- "$existing" 2>&1 >"$folder/etc/existing.cfg.new") || end 4 "$said"
else
    : >"$folder/etc/existing.cfg.new"
fi
printf '%s' "$existing" >"$folder/existing"
write_to "$folder/etc/candidate.cfg"
[ "$(wc -c <"$folder/etc/candidate.cfg")" -eq "$size" ] || end 4 "it did not arrive as a whole"
