#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The main job, end to end and with nothing faked: issue a hybrid certificate, serve a site, fetch
# all of it over velocity/1, h3, h2 and http/1.1, all with that one certificate, compare every file,
# and print what was negotiated.
set -euo pipefail
cd "$(dirname "$0")/.."

velocity=$PWD/build/release/bin/velocity
work=$PWD/build/demo
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }
step() { printf '\n== %s\n' "$*"; }

rm -rf "$work"
mkdir -p "$work"
export XDG_STATE_HOME=$work/state
cp -r examples/site "$work/site"
head -c $((64 * 1024 * 1024)) /dev/urandom >"$work/site/64 MiB of noise.bin"

step 'a hybrid certificate: ECDSA P-256 and ML-DSA-65, both halves in one file'
"$velocity" cert issue --dns localhost --ip 127.0.0.1 --out "$work/certs"
"$velocity" cert show "$work/certs/fullchain.pem"

step "a server for $(find "$work/site" -type f | wc -l) files, one of 64 MiB"
"$velocity" serve --root "$work/site" --listen 127.0.0.1:0 --cert "$work/certs/fullchain.pem" \
    --key "$work/certs/privkey.pem" >"$work/server.log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
for _ in $(seq 200); do
    port=$(sed -nE 's/^serving .* on [^ ]*:([0-9]+),.*/\1/p' "$work/server.log")
    [ -n "$port" ] && break
    kill -0 "$server" 2>/dev/null || { cat "$work/server.log" >&2; die 'the server did not start'; }
    sleep 0.05
done
[ -n "$port" ] || die 'the server did not say where it listens'
grep '^serving' "$work/server.log"

python3 - "$work/site" "$port" >"$work/urls" <<'PYTHON'
import pathlib, sys, urllib.parse
root = pathlib.Path(sys.argv[1])
for path in sorted(root.rglob("*")):
    if path.is_file():
        name = urllib.parse.quote(str(path.relative_to(root)))
        print(f"https://localhost:{sys.argv[2]}/{name}")
PYTHON
mapfile -t urls <"$work/urls"
sums() { (cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum); }
sums "$work/site" >"$work/site.sums"

for protocol in velocity/1 h3 h2 http/1.1; do
    step "$protocol: fetch every file over one connection, and compare"
    "$velocity" client get --alpn "$protocol" --no-fallback --cacert "$work/certs/fullchain.pem" \
        --output-dir "$work/fetched" --json "${urls[@]}" >"$work/facts.json" ||
        die "the client failed with exit status $?"
    sums "$work/fetched" >"$work/fetched.sums"
    diff "$work/site.sums" "$work/fetched.sums" || die 'what was fetched is not what was served'
    echo "SHA-256 of all $(wc -l <"$work/site.sums") files agree"
    python3 scripts/facts.py "$protocol" "$work/facts.json"
    rm -rf "$work/fetched"
done

step 'what the server offers'
"$velocity" client probe --cacert "$work/certs/fullchain.pem" "https://localhost:$port/"

step 'the end'
kill -TERM "$server"
status=0
wait "$server" || status=$?
trap - EXIT
[ "$status" = 0 ] || die "the server ended with exit status $status"
echo 'the server ended cleanly'
