# Has the running HAProxy take a certificate's file, if it has loaded that file before: no reload, so no connection ends.
#
#   take.sh SOCKET FILE
#
# The key goes from the file to the socket inside the container. Prints what HAProxy says. Exit 3: the image has neither
# socat nor perl.
set -u

socket=$1 file=$2

tell() {
    if command -v socat >/dev/null 2>&1; then
        socat -t 30 - "UNIX-CONNECT:$socket"
    elif command -v perl >/dev/null 2>&1; then
        perl -MIO::Socket::UNIX -e '
            my $socket = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "$ARGV[0]: $!\n";
            print $socket $_ while <STDIN>; $socket->flush; shutdown($socket, 1);
            print while <$socket>;' "$socket"
    else
        echo "the image of this HAProxy has neither socat nor perl" >&2
        exit 3
    fi
}

if ! printf '@1 show ssl cert\n' | tell | grep -qxF -- "$file"; then
    echo "not loaded yet"
    exit 0
fi
{ printf '@1 set ssl cert %s <<\n' "$file" && cat -- "$file" && printf '\n'; } | tell
printf '@1 commit ssl cert %s\n' "$file" | tell
