#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# demo.sh BIN-FOLDER: a tour of heddle's main job, on a clone of this source tree's own repository.
#
# Every step is printed with its command and its output, and checked: the demo fails if heddle does not do what it
# says. Everything happens in one temporary directory, which is kept to look around in; the mount is ended.

set -eu
cd "$(dirname "$0")/.."
sources=$(pwd)
PATH=$1:$PATH
export PATH

place=$(mktemp -d "${TMPDIR:-/tmp}/heddle-demo.XXXXXX")
repository=$place/repository
tree=$place/tree
done=no

finish() {
	cd /
	if [ "$done" = no ]; then
		echo
		echo "demo: stopped; logs:"
		tail -n 20 "$repository"/.heddle/log/* 2>/dev/null || true
	fi
	if grep -q " $tree " /proc/self/mounts; then
		heddle --store "$repository/.heddle" unmount >/dev/null 2>&1 || umount -l "$tree" 2>/dev/null ||
			fusermount3 -u -z "$tree" || true
	fi
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

step() {
	printf '\n\033[1m# %s\033[0m\n' "$*"
}

# Prints the command, runs it, indents what it says.
run() {
	printf '$'
	for word in "$@"; do
		case $word in
		*[\ \>\|\;]*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	printf '\n'
	"$@" >"$place/output" 2>&1 || {
		sed 's/^/    /' "$place/output"
		echo "demo: this failed: $*"
		exit 1
	}
	lines=$(wc -l <"$place/output")
	if [ "$lines" -gt 24 ]; then
		head -n 4 "$place/output" | sed 's/^/    /'
		echo "    ... ($((lines - 7)) lines)"
		tail -n 3 "$place/output" | sed 's/^/    /'
	else
		sed 's/^/    /' "$place/output"
	fi
}

expect() {
	grep -q -e "$1" "$place/output" || {
		echo "demo: expected '$1' in the output"
		exit 1
	}
}

make_repository() {
	if git -C "$sources" rev-parse --verify -q HEAD >/dev/null 2>&1; then
		run git clone -q "$sources" "$repository"
	else # a tarball has no history: the sources as one commit
		mkdir "$repository"
		(cd "$sources" && tar -c --exclude=./build --exclude=./.heddle .) | tar -x -C "$repository"
		git -C "$repository" init -q
		git -C "$repository" add -A
		git -C "$repository" -c user.name=Demo -c user.email=demo@example.org commit -q -m "The sources"
	fi
}

[ -c /dev/fuse ] || {
	echo "demo: there is no /dev/fuse here; the kernel needs FUSE (modprobe fuse), a container --device /dev/fuse"
	exit 1
}

step "A repository to work on"
make_repository
cd "$repository"
git config user.name "Demo"
git config user.email "demo@example.org"

step "Make a store for it and mount its HEAD as a writable tree"
run heddle init
run heddle mount main "$tree"
cd "$tree"
run git -C "$repository" log --oneline -n 3
run ls

step "Edit, create, delete; rename a directory that so far exists in the commit only"
run sh -c 'echo "A line from the demo." >> README.md'
run sh -c 'echo "draft" > draft.txt'
run rm CHANGELOG.md draft.txt
run mv docs manual
run ls manual

step "Build heddle inside the mount, twice; the second time there is nothing to do"
run cmake -G Ninja -S . -B build -DHEDDLE_TESTS=OFF -DCMAKE_BUILD_TYPE=Release
run cmake --build build
run cmake --build build
expect "no work to do"
run build/bin/heddle version
run rm -r build

step "What changed"
run heddle status
expect "README.md"

step "Record it as a state; see the log and the difference"
run heddle capture -m "Try heddle" --meta run=demo
run heddle log -n 2
expect "Try heddle"
run heddle diff --stat @~1 @

step "Write the state to git as a commit on a branch, and let git check every object"
run heddle export git
run git -C "$repository" fsck --strict --no-dangling
run git -C "$repository" log --oneline -n 2 heddle/main
expect "Try heddle"
run git -C "$repository" show --stat --find-renames --format=full heddle/main
expect "docs.* => manual"

step "Unmount; mount again: all is there, what was captured and what was not"
run sh -c 'echo "not captured" > notes.txt'
cd "$place"
run heddle unmount "$tree"
cd "$repository"
run heddle mount main "$tree"
run cat "$tree/notes.txt"
expect "not captured"
run tail -n 1 "$tree/README.md"
expect "A line from the demo."
run heddle status
expect "notes.txt"
run heddle unmount "$tree"

rm -f "$place/output"
done=yes
cat <<END

Done. Look around:
    cd $repository
    git log --stat heddle/main        the exported branch
    heddle log                        the states (heddle is $(command -v heddle))
    heddle mount                      mount it again, at .heddle/mnt/main
Remove it: rm -rf $place
END
