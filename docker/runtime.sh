#!/bin/sh
# Prepares the image that runs: the system's part of what /opt/deskhand needs, a user, and one folder to write.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq -y --no-install-recommends ca-certificates libgomp1 libstdc++6 python3 >/dev/null
rm -rf /var/lib/apt/lists/* /var/cache/apt/*
useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin deskhand
install -d -o deskhand -g deskhand -m 700 /data
