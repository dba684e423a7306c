# Sets mode and owner of a file whose content is its operators'.
#
#   attributes.sh PATH MODE OWNER:GROUP
#
# Exit 3: it is no regular file any more.
set -eu
export LC_ALL=C

if [ -L "$1" ] || ! [ -f "$1" ]; then
    echo "it is not a regular file" >&2
    exit 3
fi
if [ "$3" != : ]; then chown -h -- "$3" "$1"; fi
chmod -- "$2" "$1"
