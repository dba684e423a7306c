# Loads, lists and removes one nftables table of family inet; written by Trellis, and used when this host boots.
#
#   control.sh load NAME FILE | list NAME | remove NAME
set -eu
export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

table="trellis-$2"
there() { nft list tables inet | grep -qxF "table inet $table"; }

case $1 in
load) exec nft -f "$3" ;;
list) if there; then exec nft -s -n list table inet "$table"; fi ;;
remove) if there; then exec nft delete table inet "$table"; fi ;;
esac
