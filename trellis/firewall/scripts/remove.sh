# Takes the rules away, and what Trellis kept about them.
#
#   remove.sh FOLDER NAME DATA_DIR
set -eu
export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

folder=$1 name=$2 data_dir=$3
if [ -d "$folder" ]; then
    cd -- "$folder"
    for mark in pending-*; do rm -f -- "$mark"; done
    for control in control next/control; do
        if [ -e "$control" ]; then sh "./$control" remove "$name"; fi
    done
    cd /
    # The record goes first: without it nothing here is taken for a firewall that is kept.
    rm -f -- "$folder/record.json"
    rm -rf -- "${folder:?}"
fi
above=$(dirname -- "$folder")
while [ "$above" != "$data_dir" ] && rmdir -- "$above" 2>/dev/null; do above=$(dirname -- "$above"); done
