#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# Imported histories are exported by the bytes that the repository's packs have: differences stay differences, whatever they are
# written as, wherever their bases are, in several packs, in borrowed ones and beside loose objects; the same objects arrive, and
# git is content. What the target has stays out. A damaged pack is refused, and nothing of it is left.

. "$TEST_LIB/common.sh"

git config --global user.name "Test Person"
git config --global user.email "test@example.org"
git config --global gc.auto 0

objects() {
	git -C "$1" rev-list --branches --tags --objects | cut -c1-40 | sort | sha1sum
}

deltas() {
	git verify-pack -v "$1"/objects/pack/*.idx | grep -c -E '^[0-9a-f]{40} .* [0-9a-f]{40}$' || true
}

# exports FROM TO: a new repository with the same objects, as git itself finds.
exports() {
	rm -rf "$2"
	(cd "$1" && check heddle import git >/dev/null && check heddle export git --all --repo "$TEST_DIRECTORY/$2" >/dev/null)
	check_equal "$(objects "$2")" "$(objects "$1")" "$3"
	check git -C "$2" fsck --strict --no-dangling >/dev/null
	for pack in "$2"/objects/pack/*.pack; do
		check git index-pack --strict -o made.idx "$pack" >/dev/null
		cmp made.idx "${pack%.pack}.idx" || fail "$3: another index than git's"
		rm -f made.idx
	done
}

git init -q -b main from
seq 2000 >from/numbers
seq 300 >from/others
mkdir -p from/deep/er
for n in $(seq 40); do
	sed -i "${n}s/\$/ changed/" from/numbers
	echo "$n" >"from/deep/er/f$n"
	git -C from add -A
	git -C from commit -q -m "Commit $n"
done
git -C from tag -a -m "A tag" tagged
heddle_init from

exports from loose.git "loose objects"
git -C from repack -q -a -d -f --depth=50
exports from one.git "one pack"
[ "$(deltas from/.git)" -gt 50 ] || fail "git made $(deltas from/.git) differences"
check_equal "$(deltas one.git)" "$(deltas from/.git)"
git -C from -c repack.useDeltaBaseOffset=false repack -q -a -d -f --depth=50
exports from ids.git "bases by their ids"
check_equal "$(deltas ids.git)" "$(deltas from/.git)"

# Incremental packs, as of fetches: bases that a pack was completed with are behind what needs them.
git init -q --bare -b main server.git
for n in 10 20 30 40; do
	git -C from push -q "$TEST_DIRECTORY/server.git" "main~$((40 - n)):refs/heads/main"
	[ -d fetched ] || git clone -q server.git fetched
	git -C fetched -c fetch.unpackLimit=1 pull -q
done
echo more >fetched/more
git -C fetched add more
git -C fetched commit -q -m "Loose"
check test "$(find fetched/.git/objects/pack -name '*.pack' | wc -l)" -ge 3
heddle_init fetched
exports fetched several.git "several packs"
[ "$(deltas several.git)" -gt 30 ] || fail "only $(deltas several.git) differences arrived"

# The same objects twice, as differences from each other the one way and the other.
git clone -q --bare from twice.git
git -C twice.git repack -q -a -d -f --depth=50 --window=50
git init -q twice
git -C twice fetch -q ../from main:main --tags
git -C twice repack -q -a -d -f --depth=3 --window=4
cp twice.git/objects/pack/*.pack twice.git/objects/pack/*.idx twice/.git/objects/pack/
git -C twice symbolic-ref HEAD refs/heads/main
heddle_init twice
exports twice twice-again.git "two packs of the same"

# Borrowed objects.
git clone -q --shared from borrowed
heddle_init borrowed
exports borrowed lent.git "borrowed objects"
check_equal "$(deltas lent.git)" "$(deltas from/.git)"

# What is there stays out, and little of much is read one by one.
export HEDDLE_STORE=$TEST_DIRECTORY/from/.heddle
before=$(find one.git/objects/pack -name '*.pack')
echo last >>from/others
git -C from commit -q -a -m "Last"
git -C from repack -q -a -d -f
(cd from && check heddle import git >/dev/null && check heddle export git --all --repo "$TEST_DIRECTORY/one.git" >/dev/null)
check_equal "$(objects one.git)" "$(objects from)"
check git -C one.git fsck --strict --no-dangling >/dev/null
for pack in one.git/objects/pack/*.pack; do
	[ "$pack" = "$before" ] || check_equal "$(git show-index <"${pack%.pack}.idx" | wc -l)" 3
done

# A byte of a file's content is another: the walk does not read it, the copy finds it.
pack=$(echo from/.git/objects/pack/pack-*.pack)
blob=$(git -C from rev-parse main:others)
offset=$(git show-index <"${pack%.pack}.idx" | awk -v id="$blob" '$2 == id { print $1 }')
chmod u+w "$pack"
printf 'XX' | dd of="$pack" bs=1 seek=$((offset + 6)) conv=notrunc status=none
status=0
got=$(cd from && heddle export git --all --repo "$TEST_DIRECTORY/damaged.git" 2>&1) || status=$?
[ "$status" -ne 0 ] || fail "a damaged pack was copied"
check_contains "$got" "damaged"
check_equal "$(find . -path './damaged.git/*objects/*' -type f)" ""
