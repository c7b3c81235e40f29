#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# What was imported is exported as it was: the same commits and tags, by their ids, in a fresh repository, whatever is in them;
# states on top of them have them as parents; and references that are elsewhere are left alone.

. "$TEST_LIB/common.sh"

# The branches and tags of a repository, but for those of heddle.
references() {
	git -C "$1" for-each-ref --format='%(objectname) %(refname)' refs/heads refs/tags | grep -v -e refs/heads/heddle/ -e of-a-tree
}

git config --global user.name "Test Person"
git config --global user.email "test@example.org"

# Valid histories, some of them, and one that fsck objects to.
for seed in 1 2 3; do
	python3 "$TEST_LIB/git_history.py" "valid$seed" --seed "$seed" --commits 60
	heddle_init "valid$seed"
	check heddle import git >/dev/null
	check heddle export git --all --repo "$TEST_DIRECTORY/copy$seed.git" >/dev/null
	diff <(references "valid$seed") <(references "copy$seed.git") || fail "references of $seed"
	check git -C "copy$seed.git" fsck --strict --no-dangling
	check_equal "$(git -C "copy$seed.git" rev-list --branches --tags --objects | cut -c1-40 | sort | sha1sum)" \
		"$(git -C "valid$seed" rev-list --branches --tags --objects | cut -c1-40 | sort | sha1sum)"
done
python3 "$TEST_LIB/git_history.py" odd --odd --seed 7 --commits 30
git -C odd symbolic-ref HEAD refs/heads/main
git -C odd reset -q --hard
heddle_init odd
check heddle import git >/dev/null
check heddle export git --all --repo "$TEST_DIRECTORY/odd.git" >/dev/null
diff <(references odd) <(references odd.git) || fail "references of the odd one"
check git -C odd.git fsck --connectivity-only --no-dangling

# In bundles, too. That of a range has its commits, and what they need of whoever takes it has git's word.
check heddle export git --all --bundle odd.bundle >/dev/null
check git -C odd bundle verify -q ../odd.bundle 2>/dev/null
check git clone -q --mirror odd.bundle unbundled.git
diff <(references odd) <(references unbundled.git) || fail "references of the bundle"
check_equal "$(git -C unbundled.git rev-list --branches --tags --objects | cut -c1-40 | sort | sha1sum)" \
	"$(git -C odd.git rev-list --branches --tags --objects | cut -c1-40 | sort | sha1sum)"
check heddle export git git/signed..git/odd --bundle range.bundle --branch range --json >said
check_equal "$(json_field 's["commits"]' <said)" "$(git -C odd rev-list --count signed..odd)"
git init -q --bare part.git
git -C part.git fetch -q ../odd main:main signed:signed
check git -C part.git fetch -q ../range.bundle '+refs/*:refs/got/*'
check_equal "$(git -C part.git rev-parse refs/got/heads/range)" "$(git -C odd rev-parse odd)"
check git -C part.git fsck --connectivity-only --no-dangling

# And a range can be imported that has them on both sides.
mkdir elsewhere
check heddle init odd --store elsewhere/.heddle >/dev/null
check heddle --store elsewhere/.heddle import git odd~3..odd --json >said
check_equal "$(json_field 's["commits"]' <said)" "$(git -C odd rev-list --count odd~3..odd)"

# Again: nothing new. Then what is.
check_equal "$(heddle export git --all --repo "$TEST_DIRECTORY/odd.git" --json | json_field '{x["unchanged"] for x in s["references"]} == {True}')" true
echo more >odd/more
git -C odd add more
git -C odd commit -q -m "More"
check heddle import git >/dev/null
got=$(check heddle export git --all --repo "$TEST_DIRECTORY/odd.git" --json)
check_equal "$(json_field '[x["reference"] for x in s["references"] if not x["unchanged"]]' <<<"$got")" '["refs/heads/main"]'
check_equal "$(git -C odd.git rev-parse main)" "$(git -C odd rev-parse main)"

# One tag, one state, and a thread on top of what was imported, in a repository that has nothing of it.
check heddle export git v1.1-signed --repo "$TEST_DIRECTORY/tag.git" >/dev/null
check_equal "$(git -C tag.git rev-parse v1.1-signed)" "$(git -C odd rev-parse v1.1-signed)"
check_status 64 heddle export git git/main~2 --repo "$TEST_DIRECTORY/tag.git"
check heddle export git git/main~2 --repo "$TEST_DIRECTORY/tag.git" --branch some >/dev/null
check_equal "$(git -C tag.git rev-parse some)" "$(git -C odd rev-parse main~2)"
check heddle thread fork work git/signed >/dev/null
require_fuse
check heddle mount work "$MNT" >/dev/null
echo work >"$MNT/work"
(cd "$MNT" && capture "Work" >/dev/null)
check heddle export git work --repo "$TEST_DIRECTORY/work.git" >/dev/null
check git -C work.git fsck --strict --no-dangling
check_equal "$(git -C work.git rev-parse heddle/work~1)" "$(git -C odd rev-parse signed)"
check heddle export git work >/dev/null
check_equal "$(git -C odd rev-parse heddle/work)" "$(git -C work.git rev-parse heddle/work)"

# Of several references those that somebody moved are left alone, and the others are moved; --force moves them, too.
git -C odd.git update-ref refs/heads/main "$(git -C odd.git rev-parse signed)"
git -C odd.git update-ref refs/tags/light "$(git -C odd.git rev-parse signed)"
status=0
got=$(heddle export git --all --repo "$TEST_DIRECTORY/odd.git" --json) || status=$?
check_equal "$status" 75
check_equal "$(json_field 'len([x for x in s["references"] if x["reason"]])' <<<"$got")" 2
check_equal "$(git -C odd.git rev-parse main)" "$(git -C odd rev-parse signed)"
check_equal "$(git -C odd.git rev-parse heddle/work)" "$(git -C work.git rev-parse heddle/work)"
check heddle export git --all --force --repo "$TEST_DIRECTORY/odd.git" >/dev/null
diff <(references odd) <(references odd.git) || fail "references after --force"

# A branch that is in the way of others is said, and holds up none but those.
git init -q --bare blocked.git
git -C odd push -q "$TEST_DIRECTORY/blocked.git" main:refs/heads/heddle
check_status 73 heddle export git main --repo "$TEST_DIRECTORY/blocked.git"
check_contains "$(cat .output)" "refs/heads/heddle/main cannot be beside refs/heads/heddle"
check_status 73 heddle export git main --repo "$TEST_DIRECTORY/blocked.git" --branch heddle/deep/er
git -C blocked.git pack-refs --all
check_status 75 heddle export git --all --repo "$TEST_DIRECTORY/blocked.git"
check_contains "$(cat .output)" "refs/heads/heddle/work cannot be beside refs/heads/heddle"
check_equal "$(git -C blocked.git rev-parse signed)" "$(git -C odd rev-parse signed)"

# All of it into the repository itself: branches that are its own are not touched.
check heddle export git --all >/dev/null
check_equal "$(git -C odd for-each-ref --format='%(refname)' refs/heads/heddle | tr '\n' ' ')" "refs/heads/heddle/main refs/heads/heddle/work "

# A branch that a thread was exported to, and that was imported, is one reference: the thread's.
check heddle import git >/dev/null
got=$(check heddle export git --all --repo "$TEST_DIRECTORY/once.git" --json)
check_equal "$(json_field 'len(s["references"]) - len({x["reference"] for x in s["references"]})' <<<"$got")" 0
check_equal "$(git -C once.git rev-parse heddle/work)" "$(git -C odd rev-parse heddle/work)"

# Whatever there is of references, it is at most two packs: of imported commits, and of states.
for number in $(seq 30); do
    git -C odd commit-tree -p signed -m "line $number" 'signed^{tree}' >line
    git -C odd update-ref "refs/heads/line-$number" "$(cat line)"
    git -C odd tag -a -m "tag $number" "line-$number" "$(cat line)"
done
check heddle import git >/dev/null
check heddle export git --all --repo "$TEST_DIRECTORY/packs.git" >/dev/null
check_equal "$(git -C packs.git for-each-ref --format=x 'refs/heads/line-*' 'refs/tags/line-*' | wc -l)" 60
check test "$(find packs.git/objects/pack -name '*.pack' | wc -l)" -le 2
check git -C packs.git fsck --connectivity-only --no-dangling
