#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
#
# Repositories of all kinds: bare, linked, shallow, with alternates, a submodule's; and where a mount cannot be a git
# worktree: it is mounted as it always was, and says why.

. "$TEST_LIB/common.sh"

make_repository repository
require_fuse

# works REPOSITORY: a mount over it is a worktree, and clean.
works() {
	rm -rf store
	heddle init "$1" --store "$TEST_DIRECTORY/store" >/dev/null
	local text
	text=$(heddle --store store mount main "$MNT" --git=worktree 2>&1)
	check_equal "$(git -C "$MNT" status --short)" "" "$1: $text"
	echo "$1" >"$MNT/README"
	check git -C "$MNT" commit -q -a -m "In $1"
	check_equal "$(git -C "$MNT" log --format=%s -1)" "In $1"
	check heddle --store store unmount main >/dev/null
	check heddle --store store thread drop main >/dev/null
}

git clone -q --bare repository bare.git
works bare.git
git -C repository worktree add -q --detach "$TEST_DIRECTORY/linked"
works linked
git clone -q --depth 1 "file://$TEST_DIRECTORY/repository" shallow
works shallow
git clone -q --shared repository shared
works shared
git clone -q repository super
git -C super -c protocol.file.allow=always submodule --quiet add "$TEST_DIRECTORY/bare.git" sub
git -C super commit -q -m "Submodule"
works super
works super/sub
git -C repository config extensions.worktreeConfig true
works repository

# One that libgit2 cannot read is refused with the reason, and nothing is left in it.
git init -q --object-format=sha256 sha256
git -C sha256 commit -q --allow-empty -m "First"
check_status 65 heddle init sha256
check_contains "$(cat .output)" "its objects are named by SHA-256"
check_missing sha256/.heddle

# refuses PATTERN: it is mounted, without .git, and a remark says why.
refuses() {
	local text
	text=$(heddle --store store mount main "$MNT" --git="${MODE:-worktree}" 2>&1) || fail "not mounted: $text"
	check_contains "$text" "$1"
	check_missing "$MNT/.git"
	[ -e "$MNT/README" ] || fail "nothing is mounted"
	check heddle --store store unmount main >/dev/null
}

rm -rf store
make_directory_base plain
heddle init --base plain --store "$TEST_DIRECTORY/store" >/dev/null
refuses "base is no git commit: the mount cannot be a git worktree"

# Without the option there is one where there can be one, and no remark where there is none.
check_equal "$(heddle --store store mount main "$MNT" 2>&1 >/dev/null)" ""
check_missing "$MNT/.git"
check heddle --store store unmount main >/dev/null
rm -rf store
heddle init repository --store "$TEST_DIRECTORY/store" >/dev/null
check_equal "$(heddle --store store mount main "$MNT" 2>&1 >/dev/null)" ""
check_equal "$(git -C "$MNT" status --short)" ""
check_contains "$(cat "$MNT/.git")" "/worktrees/"
check heddle --store store unmount main >/dev/null
check heddle --store store mount main "$MNT" -o git=none >/dev/null
check_missing "$MNT/.git"
check heddle --store store unmount main >/dev/null
check heddle --store store thread drop main >/dev/null

# A tree with a repository of its own in it.
rm -rf store
heddle init repository --store "$TEST_DIRECTORY/store" >/dev/null
heddle --store store mount main "$MNT" --git=none >/dev/null
git init -q "$MNT"
heddle --store store unmount main >/dev/null
text=$(heddle --store store mount main "$MNT" --git=worktree 2>&1)
check_contains "$text" "has a .git of its own"
[ -d "$MNT/.git" ] || fail "the tree's own .git is covered"
rm -rf "$MNT/.git"
heddle --store store unmount main >/dev/null

# The branch is somebody's: of another worktree, or git does not allow its name.
git -C repository branch heddle/main
git -C repository worktree add -q taken heddle/main
MODE=branch refuses "the branch is checked out"
git -C repository worktree remove --force taken
check heddle --store store thread rename main "with blank" >/dev/null
text=$(heddle --store store mount "with blank" "$MNT" --git=branch 2>&1)
check_contains "$text" "with blank"
check_missing "$MNT/.git"
check heddle --store store unmount "with blank" >/dev/null
check heddle --store store mount "with blank" "$MNT" --git=worktree >/dev/null
check_equal "$(git -C "$MNT" status --short)" ""
check heddle --store store unmount "with blank" >/dev/null
check heddle --store store thread rename "with blank" main >/dev/null

# A partial clone lacks files: who makes the store and who mounts is told so, without having asked for a worktree, and what fetches them.
git -C repository config uploadpack.allowFilter true
git clone -q --filter=blob:none --no-checkout "file://$TEST_DIRECTORY/repository" partial
text=$(heddle init partial --store "$TEST_DIRECTORY/of-partial" 2>&1)
check_contains "$text" "partial/.git is a partial clone that lacks"
text=$(heddle --store of-partial mount main "$MNT" 2>&1 >/dev/null)
check_contains "$text" "files cannot be read: $TEST_DIRECTORY/partial/.git is a partial clone that lacks"
check_fails ls "$MNT"
advice=$(sed "s/.*'\(git -C [^']*\)'.*/\1/" <<<"$text")
check $advice -q
check_content "$MNT/README" "readme
second"
check heddle --store of-partial unmount main >/dev/null
check_equal "$(heddle --store of-partial mount main "$MNT" 2>&1 >/dev/null)" ""
check_equal "$(git -C "$MNT" status --short)" ""
check heddle --store of-partial unmount main >/dev/null
[ "$(id -u)" -eq 0 ] || exit 0

# The repository is another user's.
check heddle --store store thread create second main >/dev/null
chown -R nobody repository
text=$(heddle --store store mount second "$MNT" --git=worktree 2>&1)
check_contains "$text" "belongs to user"
check_missing "$MNT/.git"
check heddle --store store unmount second >/dev/null
chown -R root repository

# It cannot be written.
mount --bind repository/.git repository/.git 2>/dev/null || exit 0
trap 'umount repository/.git' EXIT
mount -o remount,bind,ro repository/.git
text=$(heddle --store store mount second "$MNT" --git=worktree 2>&1)
check_contains "$text" "cannot be written"
check_missing "$MNT/.git"
check heddle --store store unmount second >/dev/null
