#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Install what the build needs. Safe to repeat: does nothing, quickly, when nothing is missing.
#
#   scripts/setup.sh         what `make` needs
#   scripts/setup.sh test    also what `make test`, `make fuzz` and `make format` need
#
# Debian 12 has no OpenSSL 3.5, no current nghttp3 and no llhttp. There, Debian 13's own development
# packages are unpacked under build/deps (or $VELOCITY_DEPS, to share one copy between checkouts)
# and linked statically. The machine's apt sources and its libc stay as they are.
set -euo pipefail
cd "$(dirname "$0")/.."

deps=${VELOCITY_DEPS:-$PWD/build/deps}
wanted=" build ${1:-} "

# group | package | a command that makes the package unnecessary, or - | what for
packages='
build  | gcc                    | gcc          | compiler
build  | libc6-dev              | -            | C library headers
build  | cmake                  | cmake        | build description
build  | ninja-build            | ninja        | build
build  | pkg-config             | pkg-config   | finds libraries
build  | python3                | python3      | scripts
build  | zlib1g-dev             | -            | for libcrypto
build  | libzstd-dev            | -            | for libcrypto
build  | libuv1-dev             | -            | event loop
build  | libjansson-dev         | -            | JSON
deb12  | debian-archive-keyring | -            | checks the signature on the Debian 13 packages
amd64  | libipsec-mb-dev        | -            | faster AES-GCM; libcrypto does it otherwise
system | libssl-dev             | -            | OpenSSL 3.5 or later
system | libnghttp3-dev         | -            | tests compare with it
system | libnghttp2-dev         | -            | HTTP/2
system | libllhttp-dev          | -            | HTTP/1.1
test   | clang                  | clang        | second compiler, sanitizers, fuzzing
test   | libclang-rt-dev        | -            | sanitizer and fuzzer run-time
test   | llvm                   | llvm-symbolizer | readable sanitizer reports
test   | clang-format-19        | clang-format-19 | formatter, pinned
test   | libcmocka-dev          | -            | unit tests
test   | curl                   | curl         | HTTP/2 and HTTP/1.1 by someone else
test   | nghttp2-client         | h2load       | load over HTTP/2
test   | openssl                | openssl      | second opinion on certificates
wish   | iproute2               | ip           | network namespaces for the interop cases
wish   | chromium-headless-shell | chromium-headless-shell | a browser to test with
'

# Debian 13 packages whose static archives and headers are unpacked privately on Debian 12.
private_packages='libssl-dev libnghttp3-dev libnghttp2-dev libllhttp-dev'

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

id='' version=''
if [ -r /etc/os-release ]; then
    id=$(. /etc/os-release; echo "${ID:-}")
    version=$(. /etc/os-release; echo "${VERSION_ID:-}")
fi
if [ "$id $version" = 'debian 12' ]; then
    wanted+='deb12 '
else
    wanted+='system '
fi

# missing_packages ' GROUP ... '
missing_packages() {
    local groups=$1 group package command note installed=' '
    if command -v dpkg-query >/dev/null; then
        installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' |
            sed -n 's/^installed //p' | tr '\n' ' ')
        installed=" $installed"
    fi
    while IFS='|' read -r group package command note; do
        group=${group// /} package=${package// /} command=${command// /}
        [[ -n $group && $groups == *" $group "* ]] || continue
        [ "$command" != - ] && command -v "$command" >/dev/null && continue
        [[ $installed == *" $package "* ]] || echo "$package"
    done <<<"$packages"
}

install_packages() {
    local missing=$*
    command -v apt-get >/dev/null ||
        die "this is not a Debian or Ubuntu system: install what provides these packages, then run again: $missing"
    [ "$(id -u)" = 0 ] ||
        die "root is needed to install packages. Run as root, or ask for: apt-get install $missing"
    say "installing with apt-get: $missing"
    apt-get update -qq || { sleep 5; apt-get update -qq; } || die 'apt-get update failed'
    # shellcheck disable=SC2086 # one word a package
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing </dev/null >/dev/null ||
        die "apt-get could not install: $missing"
}

# What is only wished for has something else in its place: libcrypto, or tests that are skipped and say so.
install_wishes() {
    if [ "$(id -u)" != 0 ] || ! (install_packages "$@"); then
        say "going on without: $*"
    fi
}

missing=$(missing_packages "$wanted" | tr '\n' ' ')
[ -z "$missing" ] || install_packages "${missing% }"
wished=' '
[ "${1:-}" = test ] && wished+='wish '
[ "$(uname -m)" = x86_64 ] && wished+='amd64 '
wishes=$(missing_packages "$wished" | tr '\n' ' ')
[ -z "$wishes" ] || install_wishes "${wishes% }"

if [[ $wanted == *' deb12 '* ]]; then
    [ -d "$deps/root" ] || say "unpacking Debian 13's $private_packages under $deps"
    # shellcheck disable=SC2086
    scripts/unpack_debian.sh trixie "$deps/root" $private_packages
    # Only the static archives are for use: Debian 13's shared ones need its newer libc.
    find "$deps/root" -name '*.so*' -delete
fi
