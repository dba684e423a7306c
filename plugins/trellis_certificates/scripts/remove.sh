# Takes a file of a balancer away, then its record, then folders that are empty now.
#
#   remove.sh DATA_DIR FOLDER RECORD PATH empty|gone
#
# empty: the file stays and holds nothing, because the balancer's configuration names it.
set -eu

data_dir=$1 record=$2/$3 path=$4 how=$5
into=$(dirname -- "$path")
rm -f -- "$into/.$(basename -- "$path").new"
if [ "$how" = empty ] && [ -e "$path" ]; then : >"$path"; else rm -f -- "$path"; fi
rm -f -- "$record" "$record.new"

upwards() {
    above=$1
    while [ "$above" != "$data_dir" ] && rmdir -- "$above" 2>/dev/null; do above=$(dirname -- "$above"); done
}
upwards "$(dirname -- "$record")"
# A balancer that is configured beside it wants its folder, also when nothing is in it.
beside=$(ls -A -- "$(dirname -- "$into")" 2>/dev/null) || beside=
if [ "$beside" = "$(basename -- "$into")" ]; then upwards "$into"; fi
