# Writes the record of a file that is in place and taken into use.
#
#   finish.sh FOLDER RECORD PATH ENTRY
set -eu
umask 077

record=$1/$2
printf '%s\n%s\n' "$3" "$4" | dd of="$record.new" conv=fsync 2>/dev/null
mv -f -- "$record.new" "$record"
