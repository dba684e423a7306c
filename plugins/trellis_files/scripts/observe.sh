# Prints what is at the paths given and at those that have an entry in the store; reads only.
#
#   observe.sh STORE LIMIT [PATH...]
#
# One fact a line, its fields parted by tabs: "account USER GROUP", "entry JSON", "before PATH", "stat MODE UID GID SIZE
# USER GROUP PATH" (the mode in hex, with the type), for files that everyone may read and that are not longer than LIMIT
# bytes, "text BASE64 PATH", until ten times LIMIT is reached; and what sha256sum prints.
set -u
export LC_ALL=C

store=$1 limit=$2
shift 2
tab=$(printf '\t')

printf 'account\t%s\t%s\n' "$(id -un)" "$(id -gn)"
if [ -d "$store" ] && ! [ -r "$store" ]; then
    printf '%s may not be read by this account\n' "$store" >&2
    exit 1
fi
for entry in "$store"/*.entry; do
    [ -e "$entry" ] || continue
    { IFS= read -r path && IFS= read -r json; } <"$entry" || {
        printf '%s cannot be read\n' "$entry" >&2
        exit 1
    }
    printf 'entry\t%s\n' "$json"
    if [ -e "${entry%.entry}.before" ]; then printf 'before\t%s\n' "$path"; fi
    set -- "$@" "$path"
done

[ $# -gt 0 ] || exit 0
# It complains about each path where nothing is; the caller tells those from paths that could not be looked at.
stat -c "stat$tab%f$tab%u$tab%g$tab%s$tab%U$tab%G$tab%n" -- "$@"
for path; do
    shift
    if [ -f "$path" ] && ! [ -L "$path" ]; then set -- "$@" "$path"; fi
done
[ $# -gt 0 ] || exit 0
sha256sum -- "$@" || exit 1
total=0
stat -c '%a %s %n' -- "$@" | while read -r mode size path; do
    case $mode in *[0123]) continue ;; esac
    [ "$size" -le "$limit" ] || continue
    total=$((total + size))
    [ "$total" -le $((10 * limit)) ] || break
    printf 'text\t%s\t%s\n' "$(base64 <"$path" | tr -d '\n')" "$path"
done
exit 0
