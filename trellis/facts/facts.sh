#!/bin/sh
# Prints facts about this host, "key value" a line; reads only, needs no root, and asks nothing.
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
exec </dev/null 2>/dev/null

say() { [ -z "$2" ] || printf '%s %s\n' "$1" "$2"; }
first_line_of() { timeout 5 "$@" 2>&1 | head -n 1; }
tool() { if command -v "$2" >/dev/null; then name=$1; shift; say "tool.$name" "$(first_line_of "$@")"; fi; }

# The limits of pid 1 and of every group above it: this session's own groups say nothing about the engine's.
limits_up_from() {
    group=$2
    while :; do
        if [ -r "$1$group/memory.max" ]; then say memory_limit "$(cat "$1$group/memory.max")"; fi
        if [ -r "$1$group/memory.limit_in_bytes" ]; then say memory_limit "$(cat "$1$group/memory.limit_in_bytes")"; fi
        if [ -r "$1$group/cpu.max" ]; then say cpu_limit "$(cat "$1$group/cpu.max")"; fi
        if [ -r "$1$group/cpu.cfs_quota_us" ]; then
            say cpu_limit "$(cat "$1$group/cpu.cfs_quota_us") $(cat "$1$group/cpu.cfs_period_us")"
        fi
        case $group in '' | /) break ;; esac
        group=${group%/*}
    done
}

limits() {
    say cgroup "$(if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo 2; else echo 1; fi)"
    while IFS=: read -r _ controllers group; do
        case ,$controllers, in
        ,,) limits_up_from /sys/fs/cgroup "$group" ;;
        *,memory,*) limits_up_from /sys/fs/cgroup/memory "$group" ;;
        *,cpu,*) limits_up_from /sys/fs/cgroup/cpu "$group" ;;
        esac
    done </proc/1/cgroup
}

machine() {
    say cpus "$(nproc || getconf _NPROCESSORS_ONLN)"
    awk '$1 == "MemTotal:" { print "memory_kib", $2 } $1 == "MemAvailable:" { print "memory_available_kib", $2 }' /proc/meminfo
    say kernel "$(uname -r)"
    say arch "$(uname -m)"
    say hostname "$(uname -n)"
    say init "$(if [ -d /run/systemd/system ]; then echo systemd; else cat /proc/1/comm; fi)"
    # shellcheck disable=SC1091 # every distribution's own
    (. /etc/os-release; say os_id "$ID"; say os_version "$VERSION_ID"; say os_name "$PRETTY_NAME")
}

account() {
    say uid "$(id -u)"
    say user "$(id -un || id -u)"
    say groups "$(id -Gn)"
    say home "$HOME"
    if command -v sudo >/dev/null; then
        say sudo "$(if timeout 5 sudo -n true >/dev/null; then echo yes; else echo no; fi)"
    fi
}

network() {
    if command -v ip >/dev/null; then
        ip -o addr show | awk '$3 == "inet" || $3 == "inet6" { print "address", $2, $4 }'
        { ip -o route show default; ip -o -6 route show default; } |
            awk '{ for (i = 1; i < NF; i++) if ($i == "dev") print "default_route", $(i + 1) }' | sort -u
    fi
    for protocol in tcp udp; do
        # State 0A is LISTEN; an udp socket that waits for anybody is in 07, CLOSE.
        awk -v protocol="$protocol" '$4 == (protocol == "tcp" ? "0A" : "07") { sub(/.*:/, "", $2); print "listening", protocol, $2 }' \
            "/proc/net/$protocol" "/proc/net/${protocol}6"
    done | sort -u
}

closed() { [ -S "$1" ] && [ ! -w "$1" ]; }
engine_info() { "$@" docker info --format '{{.ServerVersion}} {{.DockerRootDir}}' 2>&1 | tail -n 1; }

docker_engine() {
    root=/var/lib/docker
    if command -v docker >/dev/null; then
        answer=$(engine_info timeout 10)
        # Who may use sudo reaches the engine through it. The client's own words about this differ between versions.
        if closed /var/run/docker.sock; then answer=$(engine_info timeout 10 sudo -n); fi
        case $answer in
        [0-9]*' /'*)
            say docker "${answer%% *}"
            root=${answer#* }
            ;;
        *) say docker_problem "$(if closed /var/run/docker.sock; then echo denied; else echo silent; fi)" ;;
        esac
    else
        say docker_problem missing
    fi
    say docker_root "$root"
    while [ ! -e "$root" ] && [ -n "$root" ]; do root=${root%/*}; done
    say disk_free_kib "$(df -Pk "${root:-/}" | awk 'NR == 2 { print $4 }')"
}

# What waits for other processes runs beside the rest; every line is one write, so lines stay whole.
docker_engine &
tool podman podman --version &
tool nft nft --version &
tool iptables iptables --version &
tool haproxy haproxy -v &
tool rsync rsync --version &
account &
machine
limits
network
wait
say complete yes
