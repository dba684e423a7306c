# Loads new rules, which hold for SECONDS unless they are confirmed: then the host goes back to the old ones by itself.
#
#   load.sh FOLDER NAME TOKEN SECONDS   control script, rules and record on standard input, each one line of base64
#
# Exit 4: they could not be loaded; the old ones hold, and the reason is printed.
set -eu
export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
umask 077

folder=$1 name=$2 token=$3 seconds=$4

end() { printf '%s\n' "$2" >&2; exit "$1"; }

# Whoever renames the mark first has the word: this script's watch, or a confirmation. The old rules may be another
# program's; then the new ones are taken away first.
watch='
cd -- "$1" || exit 1
sleep "$3"
mv -- "pending-$4" restoring 2>/dev/null || exit 0
if ! [ -e rules ]; then
    sh next/control remove "$2"
else
    cmp -s control next/control || sh next/control remove "$2"
    sh ./control load "$2" rules
fi
rm -rf next restoring
'

mkdir -p -- "$folder/next"
cd -- "$folder"
# A killed run may have left its watch behind; it must not undo these rules.
for mark in pending-* restoring confirmed; do rm -f -- "$mark"; done
for part in control rules record.json; do
    IFS= read -r encoded || end 4 "the rules did not arrive as a whole"
    printf '%s' "$encoded" | base64 -d >"next/$part" || end 4 "the rules could not be written"
done

: >"pending-$token"
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then
    # What a session started may be ended together with it.
    systemd-run --quiet --collect sh -c "$watch" trellis-firewall-watch "$folder" "$name" "$seconds" "$token"
else
    setsid sh -c "$watch" trellis-firewall-watch "$folder" "$name" "$seconds" "$token" </dev/null >/dev/null 2>&1 &
fi

if ! said=$(sh next/control load "$name" next/rules 2>&1); then
    rm -f -- "pending-$token"
    rm -rf next
    end 4 "$(printf '%s\n' "$said" | head -n 3)"
fi
if [ -e control ] && ! cmp -s control next/control; then sh ./control remove "$name" || :; fi
listing=$(sh next/control list "$name")
printf '%s\n' "$listing" | sha256sum | cut -d ' ' -f 1 >next/listing
