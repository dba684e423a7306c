# Makes a folder equal to a tar archive on standard input, file by file, each one atomically; the folder itself stays, so
# that containers that have it mounted see the change.
#
#   write-folder.sh DATA_DIR STORE ID PATH OWNER:GROUP INTENT ENTRY
#
# The archive has "files/…", "remove" (names that end in a zero byte), and last "complete".
# Exit 3: there is something at PATH that is never written over. Exit 4: it could not be written; the reason is printed.
set -eu
export LC_ALL=C
umask 022

data_dir=$1 store=$2 id=$3 path=$4 owner=$5 intent=$6 entry=$7
above=$(dirname -- "$path")
new=

end() { printf '%s\n' "$2" >&2; exit "$1"; }

refuse_what_is_not_ours() {
    if [ -L "$path" ]; then end 3 "it is a symbolic link"; fi
    if [ -e "$path" ] && ! [ -d "$path" ]; then end 3 "it is no folder"; fi
    up=$above
    while [ "$up" != / ]; do
        if [ -L "$up" ]; then
            case $(stat -c %u -- "$up") in 0 | "$(id -u)") ;; *) end 3 "$up is another account's symbolic link" ;; esac
        fi
        up=$(dirname -- "$up")
    done
}

# Each folder that is made leaves a mark, so that a removal takes it away again.
make_folder() {
    if [ -d "$1" ]; then return; fi
    make_folder "$(dirname -- "$1")"
    : >"$store/$(printf %s "$1" | sha256sum | cut -c 1-32).folder"
    mkdir -- "$1"
}

keep_what_was_there() {
    if [ -e "$store/$id.entry" ]; then return; fi
    rm -f -- "$store/$id.before.tar"
    if [ -d "$path" ]; then
        tar -cf "$store/$id.before.tar.new" -C "$path" . || end 4 "what is there could not be kept"
        mv -f -- "$store/$id.before.tar.new" "$store/$id.before.tar"
    fi
}

put_entry() {
    printf '%s\n%s\n' "$path" "$1" >"$store/$id.entry.new"
    sync -- "$store/$id.entry.new" 2>/dev/null || sync
    mv -f -- "$store/$id.entry.new" "$store/$id.entry"
}

unpack() {
    rm -rf -- "$above/.trellis-$id-"*
    new=$(mktemp -d "$above/.trellis-$id-XXXXXX")
    said=$(tar -xf - -C "$new" 2>&1) || end 4 "$said"
    [ -e "$new/complete" ] || end 4 "its content did not arrive as a whole"
    if [ "$owner" != : ]; then chown -R -- "$owner" "$new/files"; fi
}

take_away() {
    (cd -- "$path" && xargs -0 -r rm -f -- <"$new/remove")
    find "$path" -depth -mindepth 1 -type d -empty -exec rmdir -- {} \; 2>/dev/null || :
}

# shellcheck disable=SC2016 # the inner shell reads its own arguments
put_in() {
    cd -- "$new/files"
    find . -mindepth 1 -type d -exec sh -c 'for d; do mkdir -p -- "$0/$d"; done' "$path" {} +
    find . -type f -exec sh -c 'for f; do mv -f -- "$f" "$0/$f" || exit 1; done' "$path" {} +
    cd /
    # On the disk, and everybody's that they should be: a file that was already right may have had another owner.
    if [ "$owner" != : ]; then chown -hR -- "$owner" "$path"; fi
    sync -f "$path" 2>/dev/null || sync
}

mkdir -p -- "$data_dir"
exec 9<"$data_dir"
if command -v flock >/dev/null; then flock 9; fi
refuse_what_is_not_ours
mkdir -p -- "$store"
chmod 0700 -- "$store"
trap 'if [ -n "$new" ]; then rm -rf -- "$new"; fi' EXIT
make_folder "$above"
unpack
keep_what_was_there
put_entry "$intent"
make_folder "$path"
take_away
put_in
put_entry "$entry"
