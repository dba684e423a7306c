# Writes a file from standard input, atomically, and keeps what was there before Trellis.
#
#   write.sh DATA_DIR STORE ID PATH SIZE MODE OWNER:GROUP INTENT ENTRY [MEMORY]
#
# INTENT is the entry while the file is being written, ENTRY the one afterwards: a run that is killed in between is
# told apart from a change by hand. An empty OWNER:GROUP leaves the file to the account. MEMORY is for a file that must
# never be on a disk: the folder above it that may be mounted in memory, or - for a path that must be there already.
# Exit 3: there is something at PATH that is never written over. Exit 4: it could not be written; the reason is printed.
set -eu
export LC_ALL=C
umask 022

data_dir=$1 store=$2 id=$3 path=$4 size=$5 mode=$6 owner=$7 intent=$8 entry=$9
shift 9
memory=${1:-}
folder=${path%/*}
folder=${folder:-/}
new=

end() { printf '%s\n' "$2" >&2; exit "$1"; }

refuse_what_is_not_ours() {
    if [ -L "$path" ]; then end 3 "it is a symbolic link"; fi
    if [ -d "$path" ]; then end 3 "it is a folder"; fi
    if [ -e "$path" ] && ! [ -f "$path" ]; then end 3 "it is not a regular file"; fi
    # Somebody else's link among the folders above could lead the write anywhere.
    above=$folder
    while [ "${above:-/}" != / ]; do
        if [ -L "$above" ]; then
            case $(stat -c %u -- "$above") in 0 | "$(id -u)") ;; *) end 3 "$above is another account's symbolic link" ;; esac
        fi
        above=${above%/*}
    done
}

# Each folder that is made leaves a mark, so that a removal takes it away again.
make_folder() {
    if [ -d "$1" ]; then return; fi
    make_folder "$(dirname -- "$1")"
    : >"$store/$(printf %s "$1" | sha256sum | cut -c 1-32).folder"
    mkdir -- "$1"
}

is_in_memory() { case $(stat -f -c %T -- "$1") in tmpfs | ramfs) ;; *) return 1 ;; esac }

# /run is in memory on nearly every host; where it is not, a folder in it is made so.
use_memory() {
    if [ "$memory" = - ]; then
        make_folder "$folder"
        is_in_memory "$folder" || end 4 "$folder is on a disk, and this file must only ever be in memory"
        return
    fi
    if ! [ -d "$memory" ]; then mkdir -m 0700 -- "$memory"; fi
    if is_in_memory "$memory"; then return; fi
    said=$(mount -t tmpfs -o mode=0700,nosuid,nodev,noexec trellis "$memory" 2>&1) ||
        end 4 "$memory cannot be put in memory: $said"
}

make_store() {
    if [ -d "$store" ]; then return; fi
    mkdir -p -- "$store"
    chmod 0700 -- "$store"
}

keep_what_was_there() {
    if [ -e "$store/$id.entry" ]; then return; fi
    if [ -e "$store/$id.before" ]; then rm -f -- "$store/$id.before"; fi
    if [ -e "$path" ] && [ -n "$memory" ]; then end 3 "there is a file that Trellis did not write"; fi
    if [ -e "$path" ]; then
        cp -p -- "$path" "$store/$id.before.new"
        mv -f -- "$store/$id.before.new" "$store/$id.before"
    fi
}

refused() { end 4 "$(printf '%s\n' "$1" | sed -n 's/^dd: .*: //p')"; }

# Standard input into a file that is on the disk when this returns; as many bytes as there should be.
write_to() {
    said=$(dd of="$1" bs=65536 conv=fsync 2>&1) || refused "$said"
    case $said in
    *"$size byte"*) ;;
    *) end 4 "its content did not arrive as a whole" ;;
    esac
}

# On the disk before it takes the old one's place, together with what else is given.
put_entry() {
    if ! { printf '%s\n%s\n' "$path" "$1" >"$store/$id.entry.new"; } 2>/dev/null; then
        # The shell does not say why it could not; dd does.
        said=$(printf '%s\n%s\n' "$path" "$1" | dd of="$store/$id.entry.new" 2>&1) || refused "$said"
    fi
    sync -- "$store/$id.entry.new" "$folder" 2>/dev/null || sync
    mv -f -- "$store/$id.entry.new" "$store/$id.entry"
}

write_new() {
    for left in "$folder/.trellis-$id-"*; do
        if [ -e "$left" ]; then rm -f -- "$left"; fi
    done
    new=$(mktemp "$folder/.trellis-$id-XXXXXX")
    write_to "$new"
    # What root makes is root's, but for the group in a folder that hands its own on.
    if [ "$owner" != : ] && { [ "$owner" != root:root ] || [ -g "$folder" ]; }; then chown -- "$owner" "$new"; fi
    chmod -- "$mode" "$new"
}

if ! [ -d "$data_dir" ]; then mkdir -p -- "$data_dir"; fi
# One writer at a time: another one's clean-up must not take the store away.
exec 9<"$data_dir"
if command -v flock >/dev/null; then flock 9; fi
refuse_what_is_not_ours
make_store
trap 'if [ -n "$new" ]; then rm -f -- "$new"; fi' EXIT
if [ -n "$memory" ]; then use_memory; fi
make_folder "$folder"
write_new
keep_what_was_there
put_entry "$intent"
mv -f -- "$new" "$path"
new=
put_entry "$entry"
