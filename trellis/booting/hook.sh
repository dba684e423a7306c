#!/bin/sh
# Adds or removes a boot hook, and what runs the hooks when the host boots.
#
#   hook.sh add|remove NAME     the hook's script on standard input
#
# With systemd a unit runs them before the network is set up and before Docker; where Debian's ifupdown sets up the
# network, it does. Hosts that have neither (lab hosts) run the folder themselves.
set -eu
export LC_ALL=C
umask 022

action=$1 name=$2
folder=/etc/trellis/boot.d
unit=/etc/systemd/system/trellis-boot.service
ifupdown=/etc/network/if-pre-up.d

write() {
    if ! cmp -s "$2" "$1" 2>/dev/null; then
        chmod "$3" "$2"
        mv -f -- "$2" "$1"
    else
        rm -f -- "$2"
    fi
}

run_them() {
    cat <<'END'
#!/bin/sh
# Written by Trellis: runs its hooks when this host boots.
for hook in /etc/trellis/boot.d/*; do
    if [ -x "$hook" ]; then "$hook" || :; fi
done
END
}

with_systemd() { [ -d /run/systemd/system ] && command -v systemctl >/dev/null; }

install_runner() {
    run_them >/etc/trellis/boot.new
    write /etc/trellis/boot /etc/trellis/boot.new 0755
    if with_systemd; then
        cat >"$unit.new" <<'END'
[Unit]
Description=Trellis: what this host needs before its network and its containers
DefaultDependencies=no
After=local-fs.target systemd-modules-load.service
Before=network-pre.target docker.service shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/etc/trellis/boot

[Install]
WantedBy=multi-user.target
END
        write "$unit" "$unit.new" 0644
        systemctl --quiet is-enabled trellis-boot.service 2>/dev/null || {
            systemctl daemon-reload
            systemctl --quiet enable trellis-boot.service
        }
    elif [ -d "$ifupdown" ] && ! [ -e "$ifupdown/trellis" ]; then
        ln -s /etc/trellis/boot "$ifupdown/trellis"
    fi
}

remove_runner() {
    if [ -e "$unit" ]; then
        if with_systemd; then systemctl --quiet disable trellis-boot.service || :; fi
        rm -f -- "$unit"
        # Without it systemd would know the unit until the next boot.
        if with_systemd; then systemctl daemon-reload || :; fi
    fi
    if [ -L "$ifupdown/trellis" ]; then rm -f -- "$ifupdown/trellis"; fi
    rm -f /etc/trellis/boot
    rmdir /etc/trellis 2>/dev/null || :
}

case $action in
add)
    mkdir -p "$folder"
    # A name with a dot is not taken for a hook while it is written: it is not executable yet.
    {
        printf '#!/bin/sh\n'
        cat
    } >"$folder/.$name.new"
    write "$folder/$name" "$folder/.$name.new" 0755
    install_runner
    ;;
remove)
    rm -f -- "$folder/$name"
    if rmdir "$folder" 2>/dev/null; then remove_runner; fi
    ;;
esac
