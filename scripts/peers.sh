#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Other people's clients and servers, to test against: curl with OpenSSL's QUIC, ngtcp2's example
# client and server (Debian 13); curl with ngtcp2, nginx and caddy with HTTP/3 (Debian sid).
#
#   scripts/peers.sh            unpack them under build/peers (or $VELOCITY_PEERS, to share one copy
#                               between checkouts) and write one command each into its bin folder
#   scripts/peers.sh --list     name, version and origin of what is there, tab separated
#
# Nothing is installed and no root is needed: each program runs on its own suite's libraries and
# loader. Safe to repeat and to run twice at once. Exit status 1 when a suite cannot be had; what
# can be had is there then, and a file `missing` says what is not and why.
set -euo pipefail
cd "$(dirname "$0")/.."

peers=${VELOCITY_PEERS:-$PWD/build/peers}

# command | suite | package | program in the package
commands='
curl-openssl | trixie | curl           | usr/bin/curl
gtlsclient   | trixie | ngtcp2-client  | usr/bin/gtlsclient
gtlsserver   | trixie | ngtcp2-server  | usr/sbin/gtlsserver
curl-ngtcp2  | sid    | curl           | usr/bin/curl
nginx        | sid    | nginx          | usr/sbin/nginx
caddy        | sid    | caddy          | usr/bin/caddy
h2load       | sid    | nghttp2-client | usr/bin/h2load
'

rows() { sed -nE 's/^([a-z0-9-]+) *\| *([a-z]+) *\| *([a-z0-9-]+) *\| *(.+)$/\1 \2 \3 \4/p' <<<"$commands"; }

if [ "${1:-}" = --list ]; then
    while read -r command suite package _; do
        [ -x "$peers/bin/$command" ] || continue
        printf '%s\t%s\tDebian %s, package %s\n' "$command" \
            "$(sed -n "s/^$package //p" "$peers/$suite/versions")" "$suite" "$package"
    done < <(rows)
    exit
fi

# The program runs on the loader and the libraries beside it, whatever libc this machine has.
write_command() {
    local root=$1 program=$2 file=$3 loader libraries
    loader=$(echo "$root"/usr/lib/*-linux-gnu/ld-linux-*.so.?)
    libraries=${loader%/*}
    cat >"$file.new" <<COMMAND
#!/bin/sh
exec env OPENSSL_CONF=/dev/null '$loader' --library-path '$libraries:$root/lib/${libraries##*/}' \\
    --argv0 "\${0##*/}" '$root/$program' "\$@"
COMMAND
    chmod +x "$file.new"
    mv "$file.new" "$file"
}

mkdir -p "$peers/bin"
exec 9>"$peers/lock"
flock 9
: >"$peers/missing.new"
for suite in $(rows | awk '{print $2}' | sort -u); do
    packages=$(rows | awk -v suite="$suite" '$2 == suite {print $3}')
    # shellcheck disable=SC2086 # one word a package
    if ! scripts/unpack_debian.sh --with-depends "$suite" "$peers/$suite" $packages 9>&-; then
        printf 'the packages of Debian %s could not be downloaded\n' "$suite" >>"$peers/missing.new"
    fi
done
while read -r command suite _ program; do
    if [ -x "$peers/$suite/$program" ]; then
        write_command "$peers/$suite" "$program" "$peers/bin/$command"
    fi
done < <(rows)
mv "$peers/missing.new" "$peers/missing"
cat "$peers/missing" >&2
[ ! -s "$peers/missing" ]
