# Keeps an encrypted copy of a file that is in memory, for the host to put it back when it boots.
#
#   keep.sh DATA_DIR STORE ID PATH MODE OWNER:GROUP MEMORY KEYS
#
# The key is made here and never leaves the host. CMS (RFC 5652) with AES-256-GCM (RFC 5084): what was altered is not put
# back. Exit 4: it could not be kept; the reason is printed.
set -eu
export LC_ALL=C
umask 077

data_dir=$1 store=$2 id=$3 path=$4 mode=$5 owner=$6 memory=$7 keys=$8

end() { printf '%s\n' "$1" >&2; exit 4; }

make_key() {
    if [ -e "$keys/boot.crt" ]; then return; fi
    mkdir -p -- "$keys"
    said=$(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj /CN=trellis-boot \
        -keyout "$keys/boot.key" -out "$keys/boot.crt.new" 2>&1) || end "the host's own key could not be made: $said"
    sync -- "$keys/boot.key" "$keys/boot.crt.new" 2>/dev/null || sync
    mv -f -- "$keys/boot.crt.new" "$keys/boot.crt"
}

command -v openssl >/dev/null || end "there is no openssl on the host"
exec 9<"$data_dir"
if command -v flock >/dev/null; then flock 9; fi
make_key
printf '%s\n' "$path" "$mode" "$owner" "$memory" >"$store/$id.boot-as.new"
said=$(openssl cms -encrypt -binary -aes-256-gcm -outform DER -in "$path" -out "$store/$id.boot.new" "$keys/boot.crt" 2>&1) ||
    end "$said"
sync -- "$store/$id.boot-as.new" "$store/$id.boot.new" 2>/dev/null || sync
mv -f -- "$store/$id.boot-as.new" "$store/$id.boot-as"
mv -f -- "$store/$id.boot.new" "$store/$id.boot"
