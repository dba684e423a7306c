# Takes the checked configuration into use, finishes, or goes back.
#
#   swap.sh FOLDER use|finish|back|drop [RECORD]
#
# use: haproxy.cfg becomes previous.cfg and the candidate haproxy.cfg. finish: previous.cfg goes. back: previous.cfg, when
# there is one, is haproxy.cfg again. drop: the candidate goes. RECORD is written last.
set -eu
export LC_ALL=C
umask 022

folder=$1 action=$2 record=${3-}
cd -- "$folder/etc"

case $action in
use)
    if [ -e haproxy.cfg ] && ! cmp -s haproxy.cfg candidate.cfg; then ln -f haproxy.cfg previous.cfg; fi
    if [ -e existing.cfg.new ]; then
        if ! cmp -s existing.cfg existing.cfg.new; then ln -f existing.cfg existing.cfg.previous; fi
        mv -f existing.cfg.new existing.cfg
    fi
    mv -f candidate.cfg haproxy.cfg
    ;;
finish) rm -f previous.cfg existing.cfg.previous ;;
back)
    if [ -e existing.cfg.previous ]; then mv -f existing.cfg.previous existing.cfg; fi
    if [ -e previous.cfg ]; then mv -f previous.cfg haproxy.cfg; fi
    ;;
drop) rm -f candidate.cfg existing.cfg.new ;;
esac
sync . 2>/dev/null || sync
if [ -n "$record" ]; then
    said=$(printf '%s\n' "$record" | dd of=../haproxy.json.new conv=fsync 2>&1) || {
        printf '%s\n' "$said" | sed -n 's/^dd: .*: //p' >&2
        exit 4
    }
    mv -f ../haproxy.json.new ../haproxy.json
fi
