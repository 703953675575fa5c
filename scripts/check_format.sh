#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Check the layout of the C files against .clang-format; with --fix, rewrite them.
# Other versions of clang-format decide differently, so the version is pinned.
set -euo pipefail
cd "$(dirname "$0")/.."

formatter=clang-format-19
command -v "$formatter" >/dev/null || { echo "format: $formatter is missing: scripts/setup.sh test" >&2; exit 1; }

files=()
for folder in include src tests fuzz bench examples cmake; do
    [ -d "$folder" ] || continue
    while IFS= read -r -d '' file; do files+=("$file"); done \
        < <(find "$folder" -name '*.[ch]' -print0 | sort -z)
done
[ ${#files[@]} -gt 0 ] || { echo 'format: no files'; exit 0; }

if [ "${1:-}" = --fix ]; then
    "$formatter" -i "${files[@]}"
elif ! "$formatter" --dry-run --Werror --ferror-limit=1 "${files[@]}"; then
    echo 'format: run `make format`'
    exit 1
fi
echo "format: ${#files[@]} files"
