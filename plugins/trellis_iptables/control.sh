#!/bin/sh
# Loads, lists and removes the chains of one name in iptables and ip6tables; written by Trellis, and used when this host
# boots.
#
#   control.sh load NAME FILE | list NAME | remove NAME
#
# The chains are in the table mangle: Docker never touches it, and puts its own rules first in the table filter again
# whenever it restarts.
set -eu
export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

prefix=TRELLIS-$(printf '%s' "$2" | sha256sum | cut -c 1-10)
chains="INPUT:IN FORWARD:FW INPUT:LI FORWARD:LF"

# A host without IPv6 has nothing to guard there.
programs=iptables
if ip6tables -w -t mangle -S INPUT >/dev/null 2>&1; then programs="iptables ip6tables"; fi

part() { sed -n "/^# begin $1\$/,/^# end $1\$/p" "$2"; }

case $1 in
load)
    for program in $programs; do part "$program" "$3" | "$program-restore" -w --noflush --test; done
    for program in $programs; do
        part "$program" "$3" | "$program-restore" -w --noflush
        for pair in $chains; do
            "$program" -w -t mangle -C "${pair%:*}" -j "$prefix-${pair#*:}" 2>/dev/null ||
                "$program" -w -t mangle -A "${pair%:*}" -j "$prefix-${pair#*:}"
        done
    done
    ;;
list)
    for program in $programs; do
        "$program" -w -t mangle -S | grep -F -- "$prefix-" | sed "s/^/$program /" || :
    done
    ;;
remove)
    for program in $programs; do
        for pair in $chains; do
            while "$program" -w -t mangle -D "${pair%:*}" -j "$prefix-${pair#*:}" 2>/dev/null; do :; done
            "$program" -w -t mangle -F "$prefix-${pair#*:}" 2>/dev/null || continue
            "$program" -w -t mangle -X "$prefix-${pair#*:}"
        done
    done
    ;;
esac
