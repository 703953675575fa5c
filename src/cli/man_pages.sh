#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man_pages.sh PROGRAM FOLDER: write a man page for the program and for each of its commands.
set -eu
program=$1 folder=$2
mkdir -p "$folder"
"$program" help --man >"$folder/velocity.1"
"$program" help | sed -nE 's/^  ([a-z]+( [a-z]+)?)  .*/\1/p' | while read -r command; do
    # shellcheck disable=SC2086 # one word an argument
    "$program" help --man $command >"$folder/velocity-$(echo "$command" | tr ' ' -).1"
done
