# Takes a proxy's folder away, and the environment's folders above it when nothing else is in them.
#
#   remove.sh DATA_DIR FOLDER
set -eu

data_dir=$1 folder=$2
# The record goes last: a killed removal is found and done again.
rm -rf -- "${folder:?}/etc" "${folder:?}/run"
rm -rf -- "$folder"
above=$(dirname -- "$folder")
while [ "$above" != "$data_dir" ] && rmdir -- "$above" 2>/dev/null; do above=$(dirname -- "$above"); done
