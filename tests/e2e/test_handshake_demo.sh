#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The example says what it should: a handshake of one round trip, an exchange, two refusals. How many
# datagrams that takes is not fixed here.
set -u
out=$(mktemp)
trap 'rm -f "$out"' EXIT

echo 1..2
"$VELOCITY_BIN/handshake_demo" >"$out" 2>&1
status=$?
[ $status -eq 0 ] || printf 'not '
echo "ok 1 - exit status $status"

sed -E -i 's/[0-9]+ datagrams there, [0-9]+ back/N datagrams there, N back/' "$out"
diff - "$out" <<'EXPECTED' || printf 'not '
1. A full handshake
   version       0x56553102, ALPN velocity/1
   profile       balanced: X25519MLKEM768, VEL_BALANCED_AES_256_GCM_SHA384
   signatures    ECDSA P-256 and ML-DSA-65, both verified
   certificate   5.8 kB
   it took       N datagrams there, N back, 1 round trip
2. One HTTP exchange
   server: GET /hello
   client: status 200
   client: Hello over a hybrid handshake.
   client: complete, 31 bytes of body
   client: closed by this side, application code 0x100, reason "that was all"
   server: closed by the peer, application code 0x100, reason "that was all"
3. A client that offers only the application protocol "gopher/9"
   client: closed by the peer, transport code 0x178, reason "no application protocol in common"
4. A datagram of version 0x1a2a3a4a, written by hand
   server: not that; I speak 0x56553102
EXPECTED
echo 'ok 2 - output'
