#!/usr/bin/env bash
# hledger 1.25 (Debian 12): a commodity directive is of looks, and by it transactions are balanced, too. With none of its decimals
# `check --strict` finds nothing wrong with a transaction that is 0.40 off; without the directive it refuses it.
#   with the directive: 0, without: 1
# Exits with 1 if the first is refused, or hledger is not there.
set -euo pipefail
command -v hledger > /dev/null || exit 1
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
export LANG=C.UTF-8
transaction=$'2026-04-10 a charge\n    assets:receivable   10.40 USD\n    income:charges     -10.00 USD\n'
printf 'commodity 1000. USD\naccount assets:receivable\naccount income:charges\n\n%s' "$transaction" > looks.journal
printf '%s' "$transaction" > plain.journal
with=0; hledger -f looks.journal check --strict > /dev/null 2>&1 || with=$?
without=0; hledger -f plain.journal check > /dev/null 2>&1 || without=$?
echo "with the directive: $with, without: $without"
[ "$with" = 0 ] && [ "$without" != 0 ]
