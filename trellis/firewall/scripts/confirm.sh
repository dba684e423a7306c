# Makes the loaded rules the ones that stay, and that come back after a reboot.
#
#   confirm.sh FOLDER TOKEN
#
# Exit 5: too late, the host went back to the old ones.
set -eu
export LC_ALL=C

cd -- "$1"
mv -- "pending-$2" confirmed 2>/dev/null || { printf 'too late\n' >&2; exit 5; }
for part in control rules listing record.json; do mv -f -- "next/$part" "$part"; done
sync . 2>/dev/null || sync
rmdir next
rm -f confirmed
