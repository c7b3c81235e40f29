#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# heddle export git --bundle, judged by git bundle verify, fetch and clone: the commits are those of an export, a range needs
# what it comes after and nothing else, and neither the repository nor the store has anything more. --patch of a range, too.

. "$TEST_LIB/common.sh"

# take BUNDLE DIRECTORY: fetches all of a bundle into a clone of the repository.
take() {
    git clone -q repository "$2"
    git -C "$2" bundle verify -q "../$1" 2>/dev/null || fail "git does not believe $1"
    git -C "$2" fetch -q "../$1" "+refs/*:refs/got/*"
    check git -C "$2" fsck --strict --no-dangling
}

make_repository repository
heddle_mount_of repository
echo one >"$MNT/one"
head -c 3000000 /dev/urandom >"$MNT/large"
capture "One" >/dev/null
heddle tag create one >/dev/null
for number in $(seq 150); do
    echo "$number" >"$MNT/src/file$number"
done
capture "Two" >/dev/null
rm "$MNT/large"
capture "Three" >/dev/null

before=$(git -C repository count-objects -v; git -C repository for-each-ref)
check heddle export git --bundle all.bundle >said
check grep -q '^3 commits of refs/heads/heddle/main in all.bundle, for who has the 1 commit before$' said
check heddle export git one..@ --bundle range.bundle --branch range >/dev/null
check heddle export git one --bundle - >tag.bundle
check heddle export git @~.. --bundle last.bundle --json >said
check_equal "$(json_field 's["commits"]' <said) $(json_field 's["needed"]' <said)" "1 1"
check heddle export git one.. --patch -o range.mbox >/dev/null
check_equal "$(git -C repository count-objects -v; git -C repository for-each-ref)" "$before"
check_equal "$(find "$STORE/run" -name '*series*')" ""

take all.bundle all
take tag.bundle tag
check heddle export git >/dev/null
check_equal "$(git -C all rev-parse refs/got/heads/heddle/main)" "$(git -C repository rev-parse heddle/main)"
check_equal "$(git -C tag rev-parse refs/got/tags/one)" "$(git -C repository rev-parse heddle/main~2)"
take range.bundle range
check_equal "$(git -C range rev-parse refs/got/heads/range)" "$(git -C repository rev-parse heddle/main)"
check test "$(stat -c %s range.bundle)" -lt 100000

# Who does not have what it needs is told so.
git init -q empty
check_status 1 git -C empty bundle verify -q ../range.bundle 2>/dev/null
git -C all checkout -q refs/got/heads/heddle/main~2
check_equal "$(grep -c '^From ' range.mbox)" 2
git -C all am -q ../range.mbox || fail "git am does not take the range"
check_equal "$(git -C all rev-parse 'HEAD^{tree}')" "$(git -C repository rev-parse 'heddle/main^{tree}')"

# A history that begins with no commit needs nothing, and can be cloned.
mkdir plain
echo plain >plain/file
check heddle init --base plain --store plain/.heddle >/dev/null
check heddle --store plain/.heddle export git --bundle plain.bundle >/dev/null
git clone -q plain.bundle cloned || fail "git clone does not take it"
check_content cloned/file plain

check_status 1 heddle export git main..main --bundle nothing.bundle
check test ! -e nothing.bundle
check_status 64 heddle export git one..main --branch x
check_status 64 heddle export git --bundle x --patch

# All of it needs nothing: a clone has what an export of all to a new repository has.
git -C repository tag -a -m "Of git" annotated main
check heddle import git >/dev/null
check heddle thread create other one >/dev/null
check heddle export git --all --repo new.git >/dev/null
before=$(git -C repository count-objects -v; git -C repository for-each-ref)
check heddle export git --all --bundle everything.bundle --json >said
check_equal "$(json_field 's["file"]' <said)" everything.bundle
check_equal "$(git -C repository count-objects -v; git -C repository for-each-ref)" "$before"
check_equal "$(find "$STORE/run" -name '*series*')" ""
check_equal "$(git bundle list-heads everything.bundle | grep -v ' HEAD$' | sort -k 2)" \
    "$(git -C new.git for-each-ref --format='%(objectname) %(refname)' | sort -k 2)"
(cd new.git && git bundle verify ../everything.bundle) >said 2>&1 || fail "git does not believe it"
check grep -q 'records a complete history' said
git clone -q --mirror everything.bundle mirror.git || fail "git clone does not take it"
check_equal "$(git -C mirror.git for-each-ref)" "$(git -C new.git for-each-ref)"
check_equal "$(git -C mirror.git cat-file -t annotated)" tag
check git -C mirror.git fsck --strict --no-dangling
git clone -q everything.bundle checked-out
check_equal "$(git -C checked-out rev-parse HEAD)" "$(git -C repository rev-parse main)"
check heddle export git --all --bundle - >standard.bundle
check_equal "$(git bundle list-heads standard.bundle)" "$(git bundle list-heads everything.bundle)"
check_status 64 heddle export git --bundle x --all main
check_status 64 heddle export git --bundle x --all --repo new.git
check_status 64 heddle export git --patch --all
check_status 66 heddle export git one..nobody --bundle x
