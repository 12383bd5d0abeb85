#!/bin/sh
# Rehearses the Dockerfile where there is no container engine: the same scripts in the same order, in two plain Debian
# roots, and then the container's life: another user, a read-only root, no capabilities. As root on Debian:
#
#   apt-get install debootstrap && docker/rehearse.sh /tmp/rehearsal
set -eu
project=$(cd "$(dirname "$0")/.." && pwd)
folder=$1
build=$folder/build
run=$folder/run
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

inside() { # ROOT COMMAND...: in a mount namespace of its own, so that nothing stays mounted
    root=$1
    shift
    cp /etc/resolv.conf /etc/hosts "$root/etc/"
    # A network that brings its own certificates brings them in the environment.
    unshare --mount sh -c 'root=$1; shift
        mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" && exec chroot "$root" "$@"' \
        sh "$root" env -i PATH=$path HOME=/root ${PIP_CERT:+PIP_CERT=/tmp/certificates} \
        ${GGML_NATIVE:+GGML_NATIVE=$GGML_NATIVE} "$@"
}

echo "== two plain roots"
if [ ! -d "$run" ]; then
    mkdir -p "$folder"
    debootstrap --variant=minbase trixie "$build" >"$folder/debootstrap.log"
    cp -a "$build" "$run"
fi
[ -z "${PIP_CERT:-}" ] || cp -L "$PIP_CERT" "$build/tmp/certificates"

echo "== the first stage"
rm -rf "$build/src" "$build/opt/deskhand"
mkdir "$build/src"
(cd "$project" && cp -r requirements docker pyproject.toml README.md LICENSE bot "$build/src/" &&
    cp -r --parents training/phrases tests/data/understanding "$build/src/")
[ -d "$build/opt/wheels" ] || inside "$build" sh -c 'cd /src && exec sh docker/build.sh dependencies'
inside "$build" sh -c 'cd /src && exec sh docker/build.sh package'

echo "== the second stage"
rm -rf "$run/opt/docker" "$run/opt/deskhand"
cp -r "$project/docker" "$run/opt/docker"
[ -d "$run/data" ] || inside "$run" sh /opt/docker/runtime.sh
cp -a "$build/opt/deskhand" "$run/opt/"
inside "$run" sh /opt/docker/check.sh
du -sh "$run/opt/deskhand" "$run"

echo "== its life"
rm -rf "$folder/data"
install -d -o 10001 -g 10001 -m 700 "$folder/data"
cp "$project/config.example.toml" "$folder/data/config.toml"
cp "$project/docker/rehearsal.py" "$run/opt/docker/"
unshare --mount --pid --ipc --fork sh -c 'run=$1 data=$2; shift 2
    mount --bind "$run" "$run"
    mount -t proc proc "$run/proc"
    mount --rbind /dev "$run/dev"
    mount -t tmpfs -o mode=1777,size=64m tmpfs "$run/tmp"
    mount --bind "$data" "$run/data"
    mount -o remount,bind,ro "$run"
    exec chroot "$run" setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --bounding-set=-all \
        --inh-caps=-all "$@"' sh "$run" "$folder/data" \
    env -i PATH="/opt/deskhand/bin:$path" HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    DESKHAND_WEB__HOST=0.0.0.0 DESKHAND_WEB__PORT="${PORT:-18080}" \
    /opt/deskhand/bin/python /opt/docker/rehearsal.py
