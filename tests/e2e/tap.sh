# SPDX-License-Identifier: MIT
# What end-to-end tests written in shell share: TAP lines and a folder that goes away. Source it
# first; call `tap_done` last.
#
#   velocity                 the program under test
#   $stage                   an empty folder of this run
#   check NAME COMMAND...    passes when the command succeeds
#   refuses NAME STATUS TEXT COMMAND...
#                            passes when the command exits with STATUS and its stderr holds TEXT
#   skip_all REASON          ends the program; nothing is tested
set -u

velocity=${VELOCITY_BIN:?folder of the programs}/velocity
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
tap_count=0 tap_failed=0

velocity() { "$velocity" "$@"; }

tap_line() { # ok|"not ok" NAME
    tap_count=$((tap_count + 1))
    printf '%s %d - %s\n' "$1" "$tap_count" "$2"
    [ "$1" = ok ] || tap_failed=$((tap_failed + 1))
}

tap_output() { sed 's/^/# /' "$1"; }

check() {
    local name=$1
    shift
    if "$@" >"$stage/.output" 2>&1; then
        tap_line ok "$name"
    else
        tap_line 'not ok' "$name"
        tap_output "$stage/.output"
    fi
}

refuses() {
    local name=$1 want=$2 text=$3 status=0
    shift 3
    "$@" >"$stage/.output" 2>"$stage/.errors" || status=$?
    if [ "$status" = "$want" ] && grep -qF -- "$text" "$stage/.errors"; then
        tap_line ok "$name"
    else
        tap_line 'not ok' "$name"
        printf '# exit status %s, wanted %s and "%s"\n' "$status" "$want" "$text"
        tap_output "$stage/.errors"
    fi
}

skip_all() {
    printf '1..0 # SKIP %s\n' "$1"
    exit 0
}

tap_done() {
    printf '1..%d\n' "$tap_count"
    exit $((tap_failed > 0))
}
