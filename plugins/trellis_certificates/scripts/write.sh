# Writes a file of a balancer from standard input, atomically, and the record before it.
#
#   write.sh FOLDER RECORD PATH SIZE MODE INTENT
#
# RECORD is relative to FOLDER. Its first line is PATH, its second INTENT: what a killed run leaves is known by it.
# Exit 4: it could not be written; the reason is printed.
set -eu
export LC_ALL=C
umask 022

folder=$1 record=$1/$2 path=$3 size=$4 mode=$5 intent=$6
into=$(dirname -- "$path") name=$(basename -- "$path")

end() { printf '%s\n' "$2" >&2; exit "$1"; }

write_to() {
    said=$(umask 077 && dd of="$1" bs=65536 conv=fsync 2>&1) || end 4 "$(printf '%s\n' "$said" | sed -n 's/^dd: .*: //p')"
}

mkdir -p -- "$(dirname -- "$record")" "$(dirname -- "$into")"
# Closed to others, because keys lie in it; the balancer's own folder is not.
# Several certificates of one balancer are written at once.
if ! [ -d "$into" ]; then mkdir -m 0700 -- "$into" 2>/dev/null || [ -d "$into" ]; fi
printf '%s\n%s\n' "$path" "$intent" | write_to "$record.new"
mv -f -- "$record.new" "$record"
# A name that starts with a dot is no certificate to a balancer that reads the folder now.
write_to "$into/.$name.new"
[ "$(wc -c <"$into/.$name.new")" -eq "$size" ] || end 4 "it did not arrive as a whole"
chmod -- "$mode" "$into/.$name.new"
mv -f -- "$into/.$name.new" "$path"
sync -- "$into" 2>/dev/null || sync
