# Asks HAProxy's runtime API inside its container, with whatever the image has that speaks to a socket.
#
#   ask.sh SOCKET COMMANDS
#
# Exit 3: the image has neither socat nor perl.
set -u

if command -v socat >/dev/null 2>&1; then
    printf '%s\n' "$2" | socat -t 30 - "UNIX-CONNECT:$1"
elif command -v perl >/dev/null 2>&1; then
    perl -MIO::Socket::UNIX -e '
        my $socket = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "$ARGV[0]: $!\n";
        print $socket "$ARGV[1]\n"; $socket->flush; shutdown($socket, 1);
        print while <$socket>;' "$1" "$2"
else
    echo "the image of this HAProxy has neither socat nor perl" >&2
    exit 3
fi
