# Prints what is at the paths given and at those that have an entry in the store; reads only.
#
#   observe.sh STORE LIMIT HOOK [PATH...]
#
# One fact a line, its fields parted by tabs: "folders" first when there are folders that Trellis keeps, "entry JSON",
# "before PATH", "boot PATH" for a file that the host can put back by itself, "stat MODE UID GID SIZE USER GROUP WRITTEN PATH" (the mode in hex, with the type; the time in seconds; of
# /proc/self for the account that looks), what sha256sum prints, and "texts TAR", in base64, with the files that everyone may read and that are not
# longer than LIMIT bytes, until ten times LIMIT is reached.
# Every process costs a host milliseconds, so there is one a question, whatever the number of files.
set -u
export LC_ALL=C

store=$1 limit=$2 hook=$3
shift 3
tab=$(printf '\t')

if [ -d "$store" ] && ! [ -r "$store" ]; then
    printf '%s may not be read by this account\n' "$store" >&2
    exit 1
fi
for entry in "${store%/files}"/folders/*.entry; do
    if [ -e "$entry" ]; then
        echo folders
        break
    fi
done
for entry in "$store"/*.entry; do
    [ -e "$entry" ] || continue
    { IFS= read -r path && IFS= read -r json; } <"$entry" || {
        printf '%s cannot be read\n' "$entry" >&2
        exit 1
    }
    printf 'entry\t%s\n' "$json"
    if [ -e "${entry%.entry}.before" ]; then printf 'before\t%s\n' "$path"; fi
    if [ -e "${entry%.entry}.boot" ] && [ -x "$hook" ]; then printf 'boot\t%s\n' "$path"; fi
    set -- "$@" "$path"
done

# stat(1) complains about each path where nothing is; the caller tells those from paths that could not be looked at.
found=$(stat -c "stat$tab%f$tab%u$tab%g$tab%s$tab%U$tab%G$tab%Y$tab%n" -- /proc/self/. "$@")
printf '%s\n' "$found"
for path; do
    shift
    if [ -f "$path" ] && ! [ -L "$path" ]; then set -- "$@" "$path"; fi
done
[ $# -gt 0 ] || exit 0
sha256sum -- "$@" || exit 1
total=0
set --
while IFS=$tab read -r _ mode _ _ size _ _ _ path; do
    # A regular file (8) that others may read: the last digit has the bit 4.
    case $mode in 8*[4567cdef]) ;; *) continue ;; esac
    [ "$size" -le "$limit" ] || continue
    total=$((total + size))
    [ "$total" -le $((10 * limit)) ] || break
    set -- "$@" "$path"
done <<EOF
$found
EOF
[ $# -gt 0 ] || exit 0
printf 'texts\t%s\n' "$(tar -cf - -- "$@" | base64 -w 0)"
exit 0
