#!/bin/sh
# Prints facts about this host, "key value" a line; reads only, needs no root, and asks nothing.
# Arguments: without-engine when the engine itself is asked by other means, without-sudo when sudo is, without-tools for
# no versions of tools.
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
exec </dev/null 2>/dev/null

say() { [ -z "$2" ] || printf '%s %s\n' "$1" "$2"; }
tool() {
    command -v "$2" >/dev/null || return 0
    name=$1
    shift
    answer=$(timeout 5 "$@" 2>&1)
    say "tool.$name" "${answer%%"$newline"*}"
}
newline='
'

# Every process costs a host milliseconds, and Trellis asks often: what the shell can read itself is read by the shell.
say_line_of() {
    if [ -r "$2" ]; then
        line=
        read -r line <"$2"
        say "$1" "$line"
    fi
}

# The limits of pid 1 and of every group above it: this session's own groups say nothing about the engine's.
limits_up_from() {
    group=$2
    while :; do
        say_line_of memory_limit "$1$group/memory.max"
        say_line_of memory_limit "$1$group/memory.limit_in_bytes"
        say_line_of cpu_limit "$1$group/cpu.max"
        if [ -r "$1$group/cpu.cfs_quota_us" ]; then
            read -r quota <"$1$group/cpu.cfs_quota_us"
            read -r period <"$1$group/cpu.cfs_period_us"
            say cpu_limit "$quota $period"
        fi
        case $group in '' | /) break ;; esac
        group=${group%/*}
    done
}

limits() {
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then say cgroup 2; else say cgroup 1; fi
    while IFS=: read -r _ controllers group; do
        case ,$controllers, in
        ,,) limits_up_from /sys/fs/cgroup "$group" ;;
        *,memory,*) limits_up_from /sys/fs/cgroup/memory "$group" ;;
        *,cpu,*) limits_up_from /sys/fs/cgroup/cpu "$group" ;;
        esac
    done </proc/1/cgroup
}

# Those that this process may run on, as nproc(1) counts them: "0-3,8" is five.
cpus() {
    count=0
    while read -r key list; do
        if [ "$key" != Cpus_allowed_list: ]; then continue; fi
        while [ -n "$list" ]; do
            range=${list%%,*}
            count=$((count + ${range#*-} - ${range%-*} + 1))
            case $list in *,*) list=${list#*,} ;; *) list= ;; esac
        done
    done </proc/self/status
    if [ "$count" -gt 0 ]; then say cpus "$count"; else say cpus "$(nproc || getconf _NPROCESSORS_ONLN)"; fi
}

machine() {
    cpus
    while read -r key amount _; do
        case $key in
        MemTotal:) say memory_kib "$amount" ;;
        MemAvailable:)
            say memory_available_kib "$amount"
            break
            ;;
        esac
    done </proc/meminfo
    say_line_of hostname /proc/sys/kernel/hostname
    say_line_of kernel /proc/sys/kernel/osrelease
    if [ -r /proc/sys/kernel/arch ]; then say_line_of arch /proc/sys/kernel/arch; else say arch "$(uname -m)"; fi
    if [ -d /run/systemd/system ]; then say init systemd; else say_line_of init /proc/1/comm; fi
    # shellcheck disable=SC1091 # every distribution's own
    (. /etc/os-release; say os_id "$ID"; say os_version "$VERSION_ID"; say os_name "$PRETTY_NAME")
}

# What Trellis can load firewall rules with, and the port at which this session came in.
firewall() {
    found=
    for name in nft iptables; do
        if command -v "$name" >/dev/null; then found="$found $name"; fi
    done
    say firewall_tools "${found# }"
    say ssh_port "${SSH_CONNECTION##* }"
}

# id prints uid=1000(ann) gid=1000(ann) groups=1000(ann),27(sudo); a number without a name stands alone.
account() {
    ids=$(id)
    uid=${ids#uid=}
    uid=${uid%% *}
    user=${uid#*\(}
    say user "${user%\)}"
    uid=${uid%%\(*}
    say uid "$uid"
    rest=${ids#* groups=}
    rest=${rest%% context=*}
    groups=
    while [ -n "$rest" ]; do
        group=${rest%%,*}
        group=${group#*\(}
        groups="$groups ${group%\)}"
        case $rest in *,*) rest=${rest#*,} ;; *) rest= ;; esac
    done
    say groups "${groups# }"
    say home "$HOME"
    if [ -n "$ask_sudo" ] && [ "$uid" != 0 ] && command -v sudo >/dev/null; then
        if timeout 5 sudo -n true >/dev/null; then say sudo yes; else say sudo no; fi
    fi
}

default_routes() {
    while read -r device destination _ _ _ _ _ mask _; do
        if [ "$destination$mask" = 0000000000000000 ]; then say default_route "$device"; fi
    done </proc/net/route
    # Of the default routes of IPv6 those on lo say that there is none.
    while read -r destination prefix _ _ _ _ _ _ _ device; do
        case $destination$prefix in *[!0]*) continue ;; esac
        if [ "$device" != lo ]; then say default_route "$device"; fi
    done </proc/net/ipv6_route
}

network() {
    if command -v ip >/dev/null; then
        ip -o addr show | while read -r _ name family address _; do
            case $family in inet | inet6) say address "$name $address" ;; esac
        done
    fi
    default_routes
    set --
    for file in /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6; do
        if [ -r "$file" ]; then set -- "$@" "$file"; fi
    done
    # State 0A is LISTEN; an udp socket that waits for anybody is in 07, CLOSE.
    awk '{ protocol = FILENAME ~ /tcp/ ? "tcp" : "udp" }
        $4 == (protocol == "tcp" ? "0A" : "07") {
            sub(/.*:/, "", $2)
            if (!seen[protocol, $2]++) print "listening", protocol, $2
        }' "$@"
}

closed() { [ -S "$1" ] && [ ! -w "$1" ]; }
engine_info() { "$@" docker info --format '{{.ServerVersion}} {{.DockerRootDir}}' 2>&1 | tail -n 1; }

# Where the engine keeps its data, as its settings say: dockerd(8), --data-root and daemon.json.
data_root() {
    root=/var/lib/docker
    if [ -r /etc/docker/daemon.json ]; then
        while read -r line || [ -n "$line" ]; do
            case $line in
            *'"data-root"'*)
                line=${line#*'"data-root"'}
                line=${line#*'"'}
                root=${line%%'"'*}
                ;;
            esac
        done </etc/docker/daemon.json
    fi
    if [ -r /var/run/docker.pid ]; then
        pid=
        read -r pid </var/run/docker.pid || :
        flags=
        read -r flags <"/proc/$pid/cmdline" || : # without the zero bytes between them
        case $flags in
        *--data-root*)
            flag=$(tr '\0' '\n' <"/proc/$pid/cmdline" | sed -n -e 's/^--data-root=//p' -e '/^--data-root$/{n;p;}')
            root=${flag:-$root}
            ;;
        esac
    fi
}

docker_engine() {
    data_root
    if [ -z "$ask_engine" ]; then
        if [ -e /var/run/docker.sock ] || command -v dockerd >/dev/null; then
            say docker_problem silent
        else
            say docker_problem missing
        fi
    elif command -v docker >/dev/null; then
        # Who may use sudo reaches the engine through it. The client's own words about this differ between versions.
        if closed /var/run/docker.sock; then
            answer=$(engine_info timeout 10 sudo -n)
        else
            answer=$(engine_info timeout 10)
        fi
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
    df -Pk "${root:-/}" | {
        read -r _
        read -r _ _ _ free _
        say disk_free_kib "$free"
    }
}

tools() {
    tool podman podman --version
    tool nft nft --version
    tool iptables iptables --version
    tool haproxy haproxy -v
    tool rsync rsync --version
}

ask_engine=yes
ask_sudo=yes
ask_tools=yes
for argument in "$@"; do
    case $argument in
    without-engine) ask_engine= ;;
    without-sudo) ask_sudo= ;;
    without-tools) ask_tools= ;;
    esac
done

# What waits for other processes runs beside the rest; every line is one write, so lines stay whole.
docker_engine &
if [ -n "$ask_tools" ]; then tools & fi
account &
machine
limits
firewall
network
wait
say complete yes
