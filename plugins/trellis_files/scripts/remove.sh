# Takes a file away, puts back what was there before Trellis, and forgets the path.
#
#   remove.sh DATA_DIR STORE ID PATH delete|leave
#
# Exit 4: it could not be done; the reason is printed.
set -eu
export LC_ALL=C
umask 022

data_dir=$1 store=$2 id=$3 path=$4 action=$5
folder=$(dirname -- "$path")
new=

restore() {
    new=$(mktemp "$folder/.trellis-$id-XXXXXX")
    cp -p -- "$store/$id.before" "$new"
    mv -f -- "$new" "$path"
    new=
}

remove_made_folders() {
    above=$folder
    while [ "$above" != / ]; do
        mark=$store/$(printf %s "$above" | sha256sum | cut -c 1-32).folder
        if ! [ -e "$mark" ] || ! rmdir -- "$above" 2>/dev/null; then return; fi
        rm -f -- "$mark"
        above=$(dirname -- "$above")
    done
}

# Left over by a run that was killed between two lines.
sweep() {
    for file in "$store"/*.before; do
        if [ -e "$file" ] && ! [ -e "${file%.before}.entry" ]; then rm -f -- "$file"; fi
    done
    rm -f -- "$store"/*.new
    for file in "$store"/*.entry; do
        if [ -e "$file" ]; then return; fi
    done
    rm -f -- "$store"/*.folder
}

remove_empty_store() {
    above=$store
    while [ "$above" != "$data_dir" ] && rmdir -- "$above" 2>/dev/null; do above=$(dirname -- "$above"); done
}

if ! [ -d "$data_dir" ]; then exit 0; fi
exec 9<"$data_dir"
if command -v flock >/dev/null; then flock 9; fi
trap 'if [ -n "$new" ]; then rm -f -- "$new"; fi' EXIT
if [ "$action" = delete ]; then
    rm -f -- "$folder/.trellis-$id-"*
    if [ -e "$store/$id.before" ] && [ -d "$folder" ]; then
        restore
    elif ! [ -d "$path" ]; then
        rm -f -- "$path"
    fi
    remove_made_folders
fi
rm -f -- "$store/$id.entry"
sweep
remove_empty_store
