#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Run `make test` in a fresh Debian 13 root: made with debootstrap under build/, removed by
# `make distclean`. Needs root. Only what is committed is tested.
set -euo pipefail
cd "$(dirname "$0")/.."

here=$PWD/build/debian13
root=$here/root
[ "$(id -u)" = 0 ] || { echo "test-debian13: root is needed, to make a Debian root" >&2; exit 1; }
if ! command -v debootstrap >/dev/null; then
    echo "test-debian13: installing debootstrap"
    apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap
fi

# The mirror that this machine uses itself, so that it also works behind one.
mirror=$(scripts/unpack_debian.sh --mirror)
if [ ! -x "$root/usr/bin/make" ]; then
    echo "test-debian13: making a Debian 13 root from $mirror"
    rm -rf "$root" && mkdir -p "$root"
    debootstrap --variant=minbase --include=git,make,ca-certificates trixie "$root" "$mirror" \
        >"$here/debootstrap.log" || { tail -20 "$here/debootstrap.log" >&2; exit 1; }
fi

# Leak checking reads /proc; random numbers and the null device come from /dev.
mounted=()
unmount() { for point in "${mounted[@]}"; do umount -l "$point" || true; done; }
trap unmount EXIT
for what in proc sys dev; do
    mount --rbind "/$what" "$root/$what"
    mount --make-rslave "$root/$what"
    mounted=("$root/$what" "${mounted[@]}")
done
cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
for file in /etc/apt/apt.conf.d/*proxy* /etc/apt/auth.conf; do
    if [ -f "$file" ]; then cp "$file" "$root/${file#/}"; fi
done

rm -rf "$root/src/velocity" && mkdir -p "$root/src"
git clone -q . "$root/src/velocity"
echo "test-debian13: make test"
env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive VELOCITY_FUZZ_SECONDS="${VELOCITY_FUZZ_SECONDS:-300}" \
    chroot "$root" make -C /src/velocity test
