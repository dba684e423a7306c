# Prints what Trellis keeps for balancers of one environment: "KIND PLACE NAME RECORD SHA256 MODE CERTIFICATES"; reads only.
#
#   observe.sh FOLDER
#
# RECORD and CERTIFICATES are base64; SHA256, MODE and CERTIFICATES are - where there is no file. Keys are not printed.
set -u
export LC_ALL=C

folder=$1
if [ -d "$folder" ] && ! { [ -r "$folder" ] && [ -x "$folder" ]; }; then
    printf '%s may not be read by this account\n' "$folder" >&2
    exit 1
fi
encoded() { base64 | tr -d '\n'; }
public() { sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p' "$1" | encoded; }

for record in "$folder"/*/*/*.json; do
    [ -e "$record" ] || continue
    name=${record##*/} place=${record%/*}
    kind=${place%/*}
    path=$(sed -n 1p "$record")
    sum=- mode=- certificates=-
    if [ -e "$path" ]; then
        sum=$(sha256sum "$path" | cut -d ' ' -f 1)
        mode=$(stat -c %a "$path")
        certificates="=$(public "$path")"
    fi
    printf '%s %s %s %s %s %s %s\n' "${kind##*/}" "${place##*/}" "${name%.json}" "$(sed -n 2p "$record" | encoded)" \
        "$sum" "$mode" "$certificates"
done
