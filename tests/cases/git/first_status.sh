#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# The index of a mount that is a git worktree says of each file what the mount says: git reads none to find that nothing is
# changed, at the first look and after every new mount; and whatever is changed, it finds.

. "$TEST_LIB/common.sh"

make_repository repository
for folder in one two three/four three/five; do
	mkdir -p "repository/$folder"
	for n in 1 2 3 4 5 6 7 8 9; do
		echo "$folder $n" >"repository/$folder/file $n"
	done
done
printf 'a\r\nb\r\n' >repository/windows.txt
# shellcheck disable=SC2016 # git's, not the shell's
echo '$Id$' >repository/id.txt
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n' >repository/large.bin
printf '*.txt text eol=crlf\nid.txt ident\n*.bin filter=lfs\n' >repository/.gitattributes
touch "repository/$(printf 'odd \xff\n name')"
git -C repository -c core.safecrlf=false add -A
GIT_COMMITTER_DATE="2021-06-07T08:09:10Z" git -C repository commit -q -m "Old"
heddle_init repository

reads() {
	heddle status main --json | json_field 's["messages"].get("READ", 0)'
}

# Nothing is changed, and git has read the .git and what it looks for ignored names in, no more.
check_reads_nothing() {
	local before
	before=$(reads)
	check_equal "$(git -C "$MNT" status --porcelain)" ""
	[ "$(reads)" -le $((before + 4)) ] || fail "git read $(($(reads) - before)) times"
}

check heddle mount main "$MNT" --git=worktree --git-fsmonitor=no >/dev/null
check_reads_nothing
check_equal "$(git -C "$MNT" diff-files)" "" "no entry needs to be looked at"
check_equal "$(git -C "$MNT" ls-files --debug -- 'three/five/file 5' | grep -c "mtime: $(date -d 2021-06-07T08:09:10Z +%s):0")" 1
check_equal "$(git -C "$MNT" ls-files --debug -- README | sed -n 's/.*ino: *\([0-9]*\).*/\1/p')" \
	"$(($(stat -c %i "$MNT/README") % (1 << 32)))"
check_equal "$(find "$MNT" -printf '%i\n' | sort | uniq -d)" "" "no number twice"

# Other threads at the commit get what was computed for the first, and damage to that is noticed: then it is made again.
template=$(echo "$STORE"/cache/worktree-*.index)
kept=$(stat -c '%i %s' "$template")
entries=$(git -C "$MNT" ls-files --debug)
for thread in copied again; do
	heddle_unmount
	check heddle mount "$thread" "$MNT" --git=worktree --git-fsmonitor=no >/dev/null
	check_equal "$(git -C "$MNT" ls-files --debug)" "$entries" "thread $thread"
	check_equal "$(git -C "$MNT" status --porcelain)$(git -C "$MNT" diff-files)" ""
	check git -C "$MNT" fsck --no-dangling
	if [ "$thread" = copied ]; then
		check_equal "$(stat -c '%i %s' "$template")" "$kept" "it was not made again"
		printf 'damage' | dd of="$template" bs=1 seek=700 conv=notrunc status=none
	else
		[ "$(stat -c %i "$template")" != "${kept% *}" ] || fail "damage was not noticed"
	fi
done
heddle_unmount
check heddle mount main "$MNT" --git=worktree --git-fsmonitor=no >/dev/null

# The same after new mounts, whichever directory is looked into first.
numbers=$(find "$MNT" -mindepth 1 -printf '%P %i\n' | sort)
for round in 1 2; do
	heddle_unmount
	check heddle mount main "$MNT" --git=worktree --git-fsmonitor=no >/dev/null
	[ "$round" -eq 1 ] || ls "$MNT/three/five" >/dev/null
	check_reads_nothing
	check_equal "$(find "$MNT" -mindepth 1 -printf '%P %i\n' | sort)" "$numbers"
done

# Changes with the same size, with the time put back, and by a name in the place of another.
echo "one Z" >"$MNT/one/file 1"
echo "one Y" >"$MNT/one/file 2"
touch -d "@$(stat -c %Y "$MNT/one/file 3")" "$MNT/one/file 2"
mv "$MNT/two/file 1" "$MNT/two/saved"
mv "$MNT/two/file 2" "$MNT/two/file 1"
mv "$MNT/two/saved" "$MNT/two/file 2"
chmod +x "$MNT/two/file 3"
changed=' M "one/file 1"
 M "one/file 2"
 M "two/file 1"
 M "two/file 2"
 M "two/file 3"'
check_equal "$(git -C "$MNT" status --porcelain)" "$changed"
heddle_unmount
check heddle mount main "$MNT" --git=worktree --git-fsmonitor=no >/dev/null
check_equal "$(git -C "$MNT" status --porcelain)" "$changed"

# A thread that begins at a state with these changes: its index is made of the commit, and git finds them.
check heddle capture -m "Changed" >/dev/null
heddle_unmount
check heddle thread fork second main >/dev/null
check heddle mount second "$MNT" --git=worktree --git-fsmonitor=no >/dev/null
check_equal "$(git -C "$MNT" status --porcelain)" "$changed"
check git -C "$MNT" commit -q -a -m "Committed"
check_equal "$(git -C "$MNT" status --porcelain)" ""
# git compares whole seconds of the change time, and some of these files get their size and modification time back.
second=$(date +%s)
until [ "$(date +%s)" != "$second" ]; do sleep 0.05; done
check heddle restore --thread second "$(heddle log second --json | json_field 's["states"][-1]["id"]')" >/dev/null
check_equal "$(git -C "$MNT" status --porcelain | cut -c1-2 | sort | uniq -c | tr -d ' ')" "5M"
check_equal "$(git -C "$MNT" diff HEAD --stat | tail -1 | cut -c2-16)" "5 files changed"
