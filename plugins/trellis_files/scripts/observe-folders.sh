# Prints what is in the folders given and in those that have an entry in the store; reads only.
#
#   observe-folders.sh STORE [PATH...]
#
# One fact a line, its fields parted by tabs: "entry JSON", "before PATH", "folder TYPE PATH", and after it for everything
# below that path "stat MODE UID GID USER GROUP NAME", and what sha256sum prints.
set -u
export LC_ALL=C

store=$1
shift
tab=$(printf '\t')

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
    if [ -e "${entry%.entry}.before.tar" ]; then printf 'before\t%s\n' "$path"; fi
    set -- "$@" "$path"
done

for path; do
    if [ -L "$path" ]; then
        printf 'folder\tother\t%s\n' "$path"
    elif [ -d "$path" ]; then
        printf 'folder\tfolder\t%s\n' "$path"
        find "$path" -mindepth 1 -exec stat -c "stat$tab%f$tab%u$tab%g$tab%U$tab%G$tab%n" -- {} + || exit 1
        find "$path" -mindepth 1 -type f -exec sha256sum -- {} + || exit 1
    elif [ -e "$path" ]; then
        printf 'folder\tother\t%s\n' "$path"
    else
        printf 'folder\tnothing\t%s\n' "$path"
    fi
done
exit 0
