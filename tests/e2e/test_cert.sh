#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The certificate commands with real files, and openssl's opinion of what they make.
. "$(dirname "$0")/tap.sh"
here=$(cd "$(dirname "$0")" && pwd)
cd "$stage" || exit 1
umask 000 # the commands must set permissions themselves

command -v openssl >/dev/null || skip_all 'openssl is not installed'
mode_is() { [ "$(stat -c %a "$1")" = "$2" ]; }
same() { [ "$(sha256sum <"$1")" = "$(sha256sum <"$2")" ]; }
strict() { # CAFILE CERTIFICATE [OPTION...]
    local ca=$1 certificate=$2
    shift 2
    openssl verify -x509_strict -CAfile "$ca" "$@" "$certificate"
}

# ---- self-signed ----
check 'issue a self-signed certificate' \
    velocity cert issue --dns localhost --dns '*.example.org' --ip 127.0.0.1 --ip ::1 --out certs/self
check 'the keys have mode 0600 (VEL-CERT-25)' mode_is certs/self/privkey.pem 600
check 'the folder has mode 0700' mode_is certs/self 700
check 'the chain is for everybody' mode_is certs/self/fullchain.pem 644
for name in localhost www.example.org; do
    check "openssl accepts $name" strict certs/self/fullchain.pem certs/self/fullchain.pem \
        -purpose sslserver -verify_hostname "$name"
done
for ip in 127.0.0.1 ::1; do
    check "openssl accepts $ip" strict certs/self/fullchain.pem certs/self/fullchain.pem -verify_ip "$ip"
done
key_matches() {
    [ "$(openssl pkey -in certs/self/privkey.pem -pubout)" = \
        "$(openssl x509 -in certs/self/fullchain.pem -noout -pubkey)" ]
}
check 'the first key is the classical one' key_matches
check 'two keys and no more' [ "$(grep -c 'BEGIN PRIVATE KEY' certs/self/privkey.pem)" = 2 ]
no_leftovers() { [ "$(ls -A certs/self)" = "$(printf 'fullchain.pem\nprivkey.pem')" ]; }
check 'nothing else in the folder' no_leftovers

# ---- nothing is overwritten ----
cp -r certs/self before
refuses 'a second issue is refused (VEL-CERT-25)' 1 'exists already; --force' \
    velocity cert issue --dns localhost --out certs/self
check 'the certificate is as it was' same certs/self/fullchain.pem before/fullchain.pem
check 'the keys are as they were' same certs/self/privkey.pem before/privkey.pem
mkdir only_key
echo precious >only_key/privkey.pem
refuses 'a key without a certificate is kept too' 1 'exists already' \
    velocity cert issue --dns localhost --out only_key
check 'it is as it was' [ "$(cat only_key/privkey.pem)" = precious ]
check 'and no certificate was left' [ ! -e only_key/fullchain.pem ]
chmod 644 certs/self/privkey.pem
check '--force replaces both' velocity cert issue --dns localhost --out certs/self --force
check 'with other keys' sh -c '! cmp -s certs/self/privkey.pem before/privkey.pem'
check 'of mode 0600' mode_is certs/self/privkey.pem 600

# ---- under a CA, every suite ----
for suite in light:p256 light:ed25519 balanced:p256 balanced:ed25519 secure:p384 secure:ed25519; do
    profile=${suite%:*} classical=${suite#*:} ca=ca-$profile-$classical leaf=leaf-$profile-$classical
    check "ca init, $suite" \
        velocity ca init --out "$ca" --name "Test $suite" --profile "$profile" --classical "$classical"
    check "ca issue, $suite" velocity ca issue --ca "$ca" --dns localhost --out "$leaf" \
        --profile "$profile" --classical "$classical"
    check "openssl accepts the CA, $suite" strict "$ca/ca.pem" "$ca/ca.pem"
    check "openssl accepts the leaf, $suite" strict "$ca/ca.pem" "$leaf/fullchain.pem" \
        -purpose sslserver -verify_hostname localhost
done
check 'the keys of a CA have mode 0600' mode_is ca-balanced-p256/privkey.pem 600
lives() { openssl x509 -in "$1" -noout -checkend $((86400 * $2)); }
check 'a leaf lives nine days' lives leaf-balanced-p256/fullchain.pem 9
check 'and not eleven' sh -c "! openssl x509 -in leaf-balanced-p256/fullchain.pem -noout -checkend $((86400 * 11))"
check 'a certificate does not outlive its CA (VEL-CERT-09)' sh -c "
    '$velocity' ca init --out short --days 3 &&
    '$velocity' ca issue --ca short --dns a.example --out short-leaf --days 300 &&
    ! openssl x509 -in short-leaf/fullchain.pem -noout -checkend $((86400 * 4))"

# ---- name constraints (VEL-CERT-08, VEL-CERT-17) ----
check 'a CA of one domain' velocity ca init --out domain --domain example.org
check 'certifies inside it' velocity ca issue --ca domain --dns www.example.org --out inside
check 'which openssl accepts' strict domain/ca.pem inside/fullchain.pem
refuses 'not outside' 1 'name constraints' velocity ca issue --ca domain --dns example.com --out outside
refuses 'and no address' 1 'name constraints' velocity ca issue --ca domain --ip 192.0.2.1 --out outside
check 'nothing was written' [ ! -e outside ]

# ---- show ----
cat leaf-balanced-p256/fullchain.pem ca-balanced-p256/ca.pem >chain.pem
field() { # FILE EXPRESSION on the list of certificates, as python
    velocity cert show "$1" --json | python3 -c "
import json, sys
c = json.load(sys.stdin)['certificates']
sys.exit(not ($2))"
}
check 'show as text' velocity cert show chain.pem
check 'show as JSON: both halves' field chain.pem "
[h['signature'] for x in c for h in (x['classical'], x['alternative'])] == ['valid'] * 4"
check 'names, suite, CA' field chain.pem "
c[0]['names'] == ['localhost'] and c[0]['suite'] == 'VEL1-MLDSA65-P256' and not c[0]['ca'] and c[1]['ca']"
fingerprint=$(openssl x509 -in chain.pem -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr A-F a-f)
check 'the fingerprint is openssl'\''s' field chain.pem "c[0]['sha256'] == '$fingerprint'"
check 'without its issuer: unchecked' field leaf-balanced-p256/fullchain.pem "
c[0]['alternative']['signature'] == 'unchecked'"
openssl x509 -in before/fullchain.pem -outform der -out self.der
check 'DER' field self.der "c[0]['self_issued'] and c[0]['classical']['signature'] == 'valid'"
python3 -c "
b = bytearray(open('self.der', 'rb').read())
b[len(b) // 2] ^= 1
open('broken.der', 'wb').write(b)"
check 'a changed byte breaks both halves' field broken.der "
c[0]['classical']['signature'] == c[0]['alternative']['signature'] == 'broken'"
halves() { # HOW CLASSICAL ALTERNATIVE CERTIFICATE KEYS: what show says when that half is broken
    python3 "$here/break_cert.py" "$1" "$4" "$5" broken.pem &&
        field broken.pem "
c[0]['classical']['signature'] == '$2' and c[0]['alternative']['signature'] == '$3'"
}
for suite in balanced:p256 secure:p384 light:ed25519; do
    own=self-${suite%:*} keys=self-${suite%:*}/privkey.pem
    velocity cert issue --dns a.example --out "$own" --profile "${suite%:*}" \
        --classical "${suite#*:}" >issue.log 2>&1 || tap_output issue.log
    check "$own: classical half broken" halves classical broken valid "$own/fullchain.pem" "$keys"
    check "$own: alternative half broken" halves alternative valid broken "$own/fullchain.pem" "$keys"
    check "$own: alternative half unsigned" halves unsigned valid missing "$own/fullchain.pem" "$keys"
    check "$own: alternative half missing" halves missing valid missing "$own/fullchain.pem" "$keys"
done
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null \
    -subj /CN=classical -out classical.pem 2>/dev/null
check 'a classical certificate' field classical.pem "
c[0]['suite'] is None and c[0]['alternative']['signature'] == 'missing'"
head -c 2000 before/fullchain.pem >cut.pem
refuses 'a cut file' 1 'holds no certificate' velocity cert show cut.pem
refuses 'a key for a certificate' 1 'holds no certificate' velocity cert show before/privkey.pem
refuses 'no such file' 1 'no such file' velocity cert show nothing.pem

# ---- wrong use ----
refuses 'no name' 2 '--dns and --ip' velocity cert issue --out x
refuses 'no folder' 2 '--out is missing' velocity cert issue --dns a.example
refuses 'not a DNS name' 2 'not a DNS name' velocity cert issue --dns 'a b' --out x
refuses 'an address as a DNS name' 2 'not a DNS name' velocity cert issue --dns 192.0.2.1 --out x
refuses 'a name as an address' 2 'not an IP address' velocity cert issue --ip localhost --out x
refuses 'a pair in no profile' 2 'does not admit' velocity cert issue --dns a.example --classical p384 --out x
refuses 'an unknown algorithm' 2 'p256, p384 or ed25519' velocity cert issue --dns a.example --classical rsa --out x
refuses 'ca issue without a CA' 2 '--ca is missing' velocity ca issue --dns a.example --out x
refuses 'a CA that is not there' 1 'no such file' velocity ca issue --ca nowhere --dns a.example --out x
mkdir leaf-as-ca mixed
cp leaf-balanced-p256/fullchain.pem leaf-as-ca/ca.pem
cp leaf-balanced-p256/privkey.pem leaf-as-ca/
refuses 'a leaf as a CA' 1 'no hybrid CA' velocity ca issue --ca leaf-as-ca --dns a.example --out x
cp ca-balanced-p256/ca.pem mixed/
cp ca-light-p256/privkey.pem mixed/
refuses 'a CA weaker than the profile' 1 'weaker than the profile' \
    velocity ca issue --ca ca-balanced-p256 --dns a.example --profile secure --out x
refuses 'keys of another CA' 1 'do not belong' velocity ca issue --ca mixed --dns a.example --out x
check 'nothing was written by any of them' [ ! -e x ]
tap_done
