# Puts secret files back into memory from their encrypted copies; a boot hook, which may be run again at any time.
#
# A copy is FILE.boot; FILE.boot-as has the path, the mode, the owner and the folder that may be mounted in memory. What
# cannot be put back is said and left out, as the others are needed all the same.
set -u
export LC_ALL=C
umask 022
keys=/etc/trellis/secret-files

is_in_memory() { case $(stat -f -c %T -- "$1") in tmpfs | ramfs) ;; *) return 1 ;; esac }

make_memory() {
    if [ "$memory" = - ]; then
        mkdir -p -- "$folder" && is_in_memory "$folder"
        return
    fi
    if ! [ -d "$memory" ]; then mkdir -m 0700 -- "$memory" || return 1; fi
    is_in_memory "$memory" || mount -t tmpfs -o mode=0700,nosuid,nodev,noexec trellis "$memory" || return 1
    mkdir -p -- "$folder"
}

put_back() {
    { IFS= read -r path && IFS= read -r mode && IFS= read -r owner && IFS= read -r memory; } <"$1-as" || return 1
    if [ -e "$path" ] || [ -L "$path" ]; then return 0; fi
    folder=${path%/*}
    make_memory || return 1
    new=$(mktemp "$folder/.trellis-boot-XXXXXX") || return 1
    openssl cms -decrypt -binary -inform DER -in "$1" -inkey "$keys/boot.key" -recip "$keys/boot.crt" >"$new" &&
        { [ "$owner" = : ] || chown -- "$owner" "$new"; } && chmod -- "$mode" "$new" && mv -f -- "$new" "$path" && return 0
    rm -f -- "$new"
    return 1
}

for copy in /var/lib/trellis/*/*/files/*.boot; do
    [ -e "$copy" ] || continue
    path=$copy
    put_back "$copy" || printf 'trellis: the secret file %s could not be put back\n' "$path" >&2
done
