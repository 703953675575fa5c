#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Run `make` and `make test` in a Debian 13 root, from a clean clone: only what is committed is
# tested. The root is made with debootstrap under build/debian13 and kept for the next run. Needs
# root, and installs debootstrap when it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

# In a mount namespace of its own the mounts below vanish with the last process, however it ends,
# and nobody who removes build/ can reach through them.
if [ "${1:-}" != --in-namespace ]; then
    [ "$(id -u)" = 0 ] || { echo 'test-debian13: root is needed, to make a Debian root' >&2; exit 1; }
    exec unshare --mount "$0" --in-namespace
fi

here=$PWD/build/debian13
root=$here/root
mkdir -p "$here"
exec 9>"$here/lock"
flock -n 9 || { echo 'test-debian13: another run uses the root' >&2; exit 1; }

if [ ! -d "$root" ]; then
    if ! command -v debootstrap >/dev/null; then
        echo 'test-debian13: installing debootstrap'
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap; } >/dev/null
    fi
    # The mirror that this machine uses itself, so that it also works behind one.
    mirror=$(scripts/unpack_debian.sh --mirror)
    echo "test-debian13: making a Debian 13 root from $mirror"
    rm -rf "$root.new"
    debootstrap --variant=minbase --include=git,make,ca-certificates trixie "$root.new" "$mirror" \
        >"$here/debootstrap.log" 2>&1 || { tail -20 "$here/debootstrap.log" >&2; exit 1; }
    mv "$root.new" "$root"
fi

# Leak checking reads /proc; random numbers and the null device come from /dev.
for what in proc sys dev; do
    mount --rbind "/$what" "$root/$what"
done
cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
for file in /etc/apt/apt.conf.d/*proxy* /etc/apt/auth.conf; do
    if [ -f "$file" ]; then cp "$file" "$root/${file#/}"; fi
done

rm -rf "$root/src/velocity"
mkdir -p "$root/src"
git clone -q . "$root/src/velocity"
echo 'test-debian13: make all test'
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    ${http_proxy:+http_proxy="$http_proxy"} VELOCITY_FUZZ_SECONDS="${VELOCITY_FUZZ_SECONDS:-300}" \
    chroot "$root" make --no-print-directory -C /src/velocity all test
