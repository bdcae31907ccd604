#!/usr/bin/env bash
# Runs the generators and fails when that changes a file under the given paths,
# or when one of the files there would be missing from a commit. Work in progress
# elsewhere in the tree does not matter.
set -euo pipefail
cd "$(dirname "$0")/.."

state() {
	# Every file that is there, tracked or not, with what it holds.
	git ls-files --cached --others --exclude-standard -- "$@" | sort -u |
		while read -r file; do
			[ ! -e "$file" ] || echo "$(git hash-object "$file") $file"
		done
}

before=$(state "$@")
make --no-print-directory generate manifests
if ! changed=$(diff <(echo "$before") <(state "$@")); then
	echo "$changed" | awk '$1 ~ /[<>]/ { print "stale: " $3 }' | sort -u >&2
	echo "The files above have just been written anew: commit them. (make generate manifests)" >&2
	exit 1
fi
if untracked=$(git ls-files --others --exclude-standard -- "$@") && [ -n "$untracked" ]; then
	echo "$untracked" | sed 's/^/not in git: /' >&2
	echo "The files above are generated or stand beside generated ones: add them to git." >&2
	exit 1
fi
