#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Another implementation, Bouncy Castle of Debian 13, checks both signatures of our certificates
# (VEL-CERT-05, VEL-CERT-06), and finds them broken when a certificate was changed.
. "$(dirname "$0")/tap.sh"
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
jars=${VELOCITY_DEPS:-$root/build/deps}/bouncycastle

command -v java >/dev/null || skip_all 'java is not installed'
java -version 2>&1 | grep -qE 'version "(1[1-9]|[2-9][0-9])' || skip_all 'java is older than 11'
java --list-modules | grep -q '^jdk.compiler@' || skip_all 'java has no compiler (a JRE, not a JDK)'
command -v openssl >/dev/null || skip_all 'openssl is not installed'
"$root/scripts/unpack_debian.sh" trixie "$jars" libbcprov-java libbcutil-java libbcpkix-java \
    >"$stage/fetch" 2>&1 || skip_all "Bouncy Castle could not be fetched: $(tail -1 "$stage/fetch")"
cd "$stage" || exit 1

der() { openssl x509 -in "$1" -outform der -out "$2"; }
change() { # FROM TO PLACE: one bit, PLACE bytes from the start or, negative, from the end
    python3 -c "
import sys
b = bytearray(open(sys.argv[1], 'rb').read())
b[int(sys.argv[3])] ^= 1
open(sys.argv[2], 'wb').write(b)" "$@"
}

names=() files=() wanted=()
expect() { # NAME WANTED CERTIFICATE ISSUER
    names+=("$1") wanted+=("$2") files+=("$3" "$4")
}

for classical in p256 ed25519; do
    for profile in light balanced secure; do
        [ "$profile" = secure ] && [ "$classical" = p256 ] && classical=p384
        suite=$profile-$classical
        {
            velocity ca init --out "ca-$suite" --profile "$profile" --classical "$classical" &&
                velocity ca issue --ca "ca-$suite" --out "$suite" --dns a.example --ip ::1 \
                    --profile "$profile" --classical "$classical"
        } >>issue.log 2>&1
        der "ca-$suite/ca.pem" "ca-$suite.der"
        der "$suite/fullchain.pem" "$suite.der"
        expect "$suite: the CA's own signatures" 'true true' "ca-$suite.der" "ca-$suite.der"
        expect "$suite: the CA's signatures on a leaf" 'true true' "$suite.der" "ca-$suite.der"
        change "$suite.der" "$suite-serial.der" 20
        expect "$suite: serial number changed" 'false false' "$suite-serial.der" "ca-$suite.der"
        change "$suite.der" "$suite-alt.der" -400
        expect "$suite: alternative signature changed" 'false false' "$suite-alt.der" "ca-$suite.der"
        change "$suite.der" "$suite-classical.der" -10
        expect "$suite: classical signature changed" 'false true' "$suite-classical.der" "ca-$suite.der"
    done
done
expect 'keys of another CA' 'false false' balanced-p256.der ca-balanced-ed25519.der

classpath=$(printf '%s:' "$jars"/usr/share/java/bc*.jar)
java -cp "$classpath" "$here/AltSignature.java" "${files[@]}" >opinions 2>java.log || tap_output java.log
mapfile -t opinions <opinions
for i in "${!names[@]}"; do
    check "${names[$i]}: ${wanted[$i]}" [ "${opinions[$i]:-none}" = "${wanted[$i]}" ]
done
tap_done
