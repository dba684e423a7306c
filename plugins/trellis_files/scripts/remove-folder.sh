# Takes away what Trellis has put into a folder, puts back what was there before, and forgets the path.
#
#   remove-folder.sh DATA_DIR STORE ID PATH
#
# Standard input has the names of Trellis's own files, each with a zero byte at its end. What somebody else has put there
# since stays.
set -eu
export LC_ALL=C
umask 022

data_dir=$1 store=$2 id=$3 path=$4

if ! [ -d "$data_dir" ]; then exit 0; fi
exec 9<"$data_dir"
if command -v flock >/dev/null; then flock 9; fi
rm -rf -- "$(dirname -- "$path")/.trellis-$id-"*
if [ -d "$path" ] && ! [ -L "$path" ]; then
    (cd -- "$path" && xargs -0 -r rm -f --)
    find "$path" -depth -mindepth 1 -type d -empty -exec rmdir -- {} \; 2>/dev/null || :
    if [ -e "$store/$id.before.tar" ]; then tar -xpf "$store/$id.before.tar" -C "$path"; fi
    above=$path
    while [ "$above" != / ]; do
        mark=$store/$(printf %s "$above" | sha256sum | cut -c 1-32).folder
        if ! [ -e "$mark" ] || ! rmdir -- "$above" 2>/dev/null; then break; fi
        rm -f -- "$mark"
        above=$(dirname -- "$above")
    done
fi
rm -f -- "$store/$id.entry" "$store/$id.before.tar" "$store"/*.new
for entry in "$store"/*.entry; do
    if [ -e "$entry" ]; then exit 0; fi
done
rm -f -- "$store"/*.folder
above=$store
while [ "$above" != "$data_dir" ] && rmdir -- "$above" 2>/dev/null; do above=$(dirname -- "$above"); done
