#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Unpack Debian packages privately: nothing is installed, no root is needed, and the machine's own
# apt sources, lists and cache stay as they are.
#
#   scripts/unpack_debian.sh [--with-depends] SUITE FOLDER PACKAGE...
#                                                      FOLDER is made anew; only these packages, or
#                                                      all they depend on as well, the libc too
#   scripts/unpack_debian.sh --mirror                  print the first mirror this machine uses
#
# Does nothing when FOLDER holds them already. Safe to run twice at once.
set -euo pipefail

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
die() { printf 'unpack_debian: %s\n' "$*" >&2; exit 1; }

# A mirror of one Debian release carries the others as well.
mirrors() {
    apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        sed -nE 's/^(bookworm|trixie|forky|sid|oldstable|stable|testing|unstable) //p' | sort -u
}

if [ "${1:-}" = --mirror ]; then
    mirrors | head -1 | grep . || die 'the apt sources of this machine name no Debian mirror'
    exit
fi
with_depends=false
if [ "${1:-}" = --with-depends ]; then
    with_depends=true
    shift
fi
[ $# -ge 3 ] || die 'usage: unpack_debian.sh [--with-depends] SUITE FOLDER PACKAGE...'
suite=$1 folder=$2
shift 2
# A mirror's copy of sid may be a snapshot whose Release file has expired; its signature still counts.
suite_options=()
if [ "$suite" = sid ]; then suite_options=(-o Acquire::Check-Valid-Until=false); fi

unpacked() { [ "$(cat "$folder/packages" 2>/dev/null)" = "$suite $*" ]; }
unpacked "$@" && exit

mkdir -p "$(dirname "$folder")"
exec 9>"$folder.lock"
flock 9
unpacked "$@" && exit
command -v apt-get >/dev/null || die 'this needs apt-get'
[ -r "$keyring" ] || die "$keyring is missing (package debian-archive-keyring)"

work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/debs"
: >"$work/state/status"

private_apt() {
    apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o Dir::State="$work/state" -o Dir::State::status="$work/state/status" \
        -o Dir::Cache="$work/cache" -o APT::Sandbox::User="$(id -un)" \
        -o Acquire::Languages=none -o Acquire::Retries=2 "${suite_options[@]}" "$@"
}

# The private state says that nothing is installed, so the whole closure is downloaded.
private_download() {
    if $with_depends; then
        private_apt -y --no-install-recommends --download-only install "$@" >/dev/null &&
            mv "$work"/cache/archives/*.deb "$work/debs/"
    else
        (cd "$work/debs" && private_apt download "$@")
    fi
}

private_update() {
    local mirror
    while read -r mirror; do
        echo "deb [signed-by=$keyring] $mirror $suite main" >"$work/sources.list"
        private_apt update && return 0
    done < <(mirrors)
    return 1
}

private_update || { sleep 5; private_update; } || die "no Debian mirror answered for suite $suite"
private_download "$@" || die "could not download: $*"
for package in "$work"/debs/*.deb; do
    dpkg-deb -x "$package" "$work/root"
    dpkg-deb --show --showformat '${Package} ${Version}\n' "$package" >>"$work/versions"
done
mv "$work/versions" "$work/root/versions"
find "$work/root" -type f -perm /6000 -exec chmod ug-s {} +
printf '%s\n' "$suite $*" >"$work/root/packages"
rm -rf "$folder"
mv "$work/root" "$folder"
