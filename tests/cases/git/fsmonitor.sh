#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# Unless it is told not to, git asks the mount what changed: the first status looks at no entry and lists no directory, nor does a later one at more than what
# changed, whatever .gitignore files there are; each kind of change is told of, also after new mounts, deaths of the worker and
# restores. Changes at random are in fsmonitor_random.sh, the index without fsmonitor in first_status.sh.

# EXPECT-LOG: .

. "$TEST_LIB/common.sh"

require_fuse
make_repository repository
for folder in one two two-a two/three four/five "six seven"; do
	mkdir -p "repository/$folder"
	for n in 1 2 3 4 5; do
		echo "$folder $n" >"repository/$folder/file $n"
	done
done
echo '*.o' >repository/.gitignore
echo 'build/' >repository/two/.gitignore
: >repository/two/three/.gitignore
git config --global core.excludesFile "$TEST_DIRECTORY/excludes"
echo '*.tmp' >excludes
echo '*.log' >repository/.git/info/exclude
git -C repository add -A -f
GIT_COMMITTER_DATE="2021-06-07T08:09:10Z" git -C repository commit -q -m "Old"
heddle_init repository
before=$(cat repository/.git/config)

# count FIELD: of the traces of the last status, all of that name together.
count() {
	sed -n "s/.*$1:\([0-9]*\)$/\1/p" trace | awk '{ sum += $1 } END { print sum + 0 }'
}

# looks LSTATS LISTINGS EXPECTED: what git status says, and how much it looks at, at the most.
looks() {
	rm -f trace
	check_equal "$(GIT_TRACE2_PERF=$TEST_DIRECTORY/trace git -C "$MNT" status --porcelain)" "$3"
	[ $(($(count sum_lstat) + $(count sum_scan))) -le "$1" ] || fail "git looked at $(count sum_lstat) files"
	[ "$(count opendir)" -le "$2" ] || fail "git listed $(count opendir) directories"
}

asks() {
	git -C "$MNT" config core.fsmonitor || true
}

# Without it nothing of the user's is changed, and the untracked cache alone saves the listings.
check heddle mount main "$MNT" --git=worktree --git-fsmonitor=no >/dev/null
check_equal "$(asks)" ""
check_equal "$(cat repository/.git/config)" "$before"
looks 1000 0 ""
check_equal "$(count gitignore-invalidation)" 0
check_equal "$(count directory-invalidation)" 0
heddle_unmount

# With it.
check heddle thread fork second main >/dev/null
check heddle mount second "$MNT" --git=worktree >/dev/null
check_contains "$(asks)" "heddle-fsmonitor"
check_equal "$(git -C repository config core.fsmonitor || true)" "" "of the other worktrees"
looks 0 0 ""
check_equal "$(count apply_count)" 0
check_equal "$(count gitignore-invalidation)" 0
looks 0 0 ""
git -C "$MNT" fsck --no-dangling 2>&1 || fail "the index has a wrong checksum"

# One after the other, each found with a look at little more than itself (there are 40 files and 13 directories).
echo changed >"$MNT/one/file 1"
looks 20 9 ' M "one/file 1"'
echo "one 1" >"$MNT/one/file 1"
looks 20 9 ""
rm "$MNT/two/three/file 2"
looks 20 9 ' D "two/three/file 2"'
git -C "$MNT" checkout -q -- two
looks 20 9 ""
echo u >"$MNT/six seven/untracked"
mkdir -p "$MNT/two/build/deep"
echo i >"$MNT/two/build/deep/ignored"
echo i >"$MNT/one/ignored.o"
echo i >"$MNT/one/ignored.tmp"
echo i >"$MNT/one/ignored.log"
looks 20 9 '?? "six seven/untracked"'
rm "$MNT/six seven/untracked"
looks 20 9 ""
echo '*.o' >"$MNT/two/.gitignore"
looks 20 9 ' M two/.gitignore
?? two/build/'
git -C "$MNT" checkout -q -- two/.gitignore
looks 20 9 ""
ln "$MNT/one/file 2" "$MNT/second name"
echo again >>"$MNT/second name"
looks 20 9 ' M "one/file 2"
?? "second name"'
git -C "$MNT" checkout -q -- one
rm "$MNT/second name"
looks 20 9 ""
python3 - "$MNT/one/file 3" <<'END'
import mmap, sys
with open(sys.argv[1], "r+b") as file, mmap.mmap(file.fileno(), 0) as view:
    view[0] = 33
END
looks 20 9 ' M "one/file 3"'
git -C "$MNT" checkout -q -- one

# Directories that trade places, and one that comes where another was: what was seen at a path is at another.
mv "$MNT/two" "$MNT/aside"
mv "$MNT/one" "$MNT/two"
mv "$MNT/aside" "$MNT/one"
echo u >"$MNT/one/three/new"
moved=$(git -C "$MNT" status --porcelain)
check_equal "$moved" "$(git -C "$MNT" --no-optional-locks -c core.fsmonitor= -c core.untrackedCache=false status --porcelain)"
check_contains "$moved" '?? one/three/'
rm "$MNT/one/three/new"
mv "$MNT/one" "$MNT/aside"
mv "$MNT/two" "$MNT/one"
mv "$MNT/aside" "$MNT/two"
check_equal "$(git -C "$MNT" status --porcelain)" ""

# Tokens outlive captures, new mounts and workers.
echo c >>"$MNT/two-a/file 1"
check heddle capture -m "Captured" second >/dev/null
looks 20 9 ' M "two-a/file 1"'
check python3 "$TEST_LIB/kill_mount.py" worker second
echo d >>"$MNT/four/five/file 1"
changed=' M "four/five/file 1"
 M "two-a/file 1"'
looks 20 9 "$changed"
heddle_unmount
check heddle mount second "$MNT" --git=worktree >/dev/null
looks 20 9 "$changed"
echo e >>"$MNT/six seven/file 1"
changed=' M "four/five/file 1"
 M "six seven/file 1"
 M "two-a/file 1"'
looks 20 9 "$changed"

# Names that are gone are known to the process that saw them go: after its death git looks at everything, twice, and then not.
rm "$MNT/one/file 1"
check python3 "$TEST_LIB/kill_mount.py" worker second
deleted=$(sort <<<" D \"one/file 1\"
$changed")
check_equal "$(git -C "$MNT" status --porcelain | sort)" "$deleted"
check_equal "$(git -C "$MNT" status --porcelain | sort)" "$deleted"
looks 10 0 "$(git -C "$MNT" status --porcelain)"

# A restore: everything may be another, also if nobody asks git for what is untracked first.
second=$(date +%s)
until [ "$(date +%s)" != "$second" ]; do sleep 0.05; done
check heddle restore --thread second "$(heddle log second --json | json_field 's["states"][-1]["id"]')" >/dev/null
git -C "$MNT" diff --quiet || fail "the first state is not the commit"
check_equal "$(git -C "$MNT" status --porcelain)" ""
git -C "$MNT" status --porcelain >/dev/null
looks 0 0 ""

# A mount at another place: git does not warn of a cache that is not of this place.
heddle_unmount
mkdir elsewhere
check heddle mount second "$TEST_DIRECTORY/elsewhere" --git=worktree >/dev/null
check_equal "$(git -C elsewhere status --porcelain 2>&1)" ""
echo u >elsewhere/untracked
check_equal "$(git -C elsewhere status --porcelain 2>&1)" "?? untracked"
check heddle unmount "$TEST_DIRECTORY/elsewhere" >/dev/null

# Programs in a folder that git has to be told of in quotes, its own and the shell's.
programs="$TEST_DIRECTORY/a \"b\\c' d"
mkdir "$programs" quoted
cp "$HEDDLE_BIN"/heddle* "$programs"
check "$programs/heddle" mount third "$TEST_DIRECTORY/quoted" >/dev/null
check_equal "$(git -C quoted config --worktree core.fsmonitor)" "'${programs//\'/\'\\\'\'}/heddle-fsmonitor'"
check_equal "$(git -C quoted config --worktree --get-regexp 'core\.(untr|prel).*')" "core.untrackedcache true
core.preloadindex false"
check_equal "$(git -C quoted status --porcelain 2>&1)" ""
echo u >quoted/untracked
check_equal "$(git -C quoted status --porcelain 2>&1)" "?? untracked"
check "$programs/heddle" unmount "$TEST_DIRECTORY/quoted" >/dev/null
