#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GROUP: quick
#
# heddle import git: each commit is one state, with the trees, parents and texts that git shows; a second import adds what is
# new; gc takes nothing; threads begin at branches, and what is captured there is exported on top of the imported commit.

. "$TEST_LIB/common.sh"

tag_of() {
	heddle tag list --json | json_field "[t['state'] for t in s['tags'] if t['name'] == '$1'][0]"
}

git config --global user.name "Test Person"
git config --global user.email "test@example.org"
python3 "$TEST_LIB/git_history.py" repository --odd
git -C repository symbolic-ref HEAD refs/heads/main
git -C repository reset -q --hard
git clone -q --bare repository reference.git
heddle_init repository

# Branches and tags.
got=$(check heddle import git --json)
all=$(git -C repository rev-list --branches --tags | sort)
check_equal "$(json_field 's["commits"]' <<<"$got")" "$(wc -l <<<"$all")"
check_equal "$(json_field 's["no_commits"]' <<<"$got")" 1 "the tag of a tree"
check_equal "$(heddle tag list --json | json_field '" ".join(sorted(t["name"] for t in s["tags"]))')" \
	"git/long-lived git/main git/odd git/odd-tip git/orphan git/signed git/topic/one git/topic/two light nested/tag v1.0 v1.1-signed"

# Parents, in their order, and the trees.
heddle log --all --graph --json >states.json
git -C repository rev-list --parents --branches --tags | sort >parents.git
python3 - >parents.heddle <<'END'
import json
states = json.load(open("states.json"))["states"]
commit = {s["id"]: s["git_commit"] for s in states}
base = [s["id"] for s in states if s["message"].startswith("base: ")]
lines = [" ".join([s["git_commit"], *(commit[p] for p in s["parents"])]) for s in states if s["id"] not in base]
print("\n".join(sorted(lines)))
END
diff parents.git parents.heddle || fail "the parents are not git's"
for revision in main topic/two odd v1.0; do
	rm -rf tree.git && mkdir tree.git
	git -C repository -c tar.umask=0022 archive "$revision" | tar -x -C tree.git
	name=$revision
	[ "$revision" = v1.0 ] || name=git/$revision
	rm -rf tree.heddle && mkdir tree.heddle
	heddle export tar "$name" | tar -x -C tree.heddle
	check_same_tree tree.git tree.heddle
done

# Texts: git decodes as the commit says.
git -C repository log -z --format='%H%n%an <%ae>%n%B' main topic/one topic/two signed^0 >texts.git
python3 - <<'END' || fail "the texts are not git's"
import json
states = {s["git_commit"]: s for s in json.load(open("states.json"))["states"] if not s["message"].startswith("base: ")}
texts = [t.split("\n", 2) for t in open("texts.git", encoding="utf-8", errors="surrogateescape").read().split("\0") if t]
assert len(texts) > 100
for commit, author, message in texts:
    state = states[commit]
    assert state["author"] == author, (state["author"], author)
    # Of what no encoding explains, JSON has the bytes another way.
    if message.isprintable() or all(ord(c) < 0xd800 or ord(c) > 0xdfff for c in message):
        assert state["message"].strip() == message.strip(), (state["message"], message)
END

# Nothing is new; then what is.
before=$(heddle check --json | json_field 's["states"]')
got=$(check heddle import git --json)
check_equal "$(json_field 's["commits"]' <<<"$got")" 0
check_equal "$(json_field '{n["outcome"] for n in s["names"] if n["name"]} == {"same"}' <<<"$got")" true
check_equal "$(heddle check --json | json_field 's["states"]')" "$before"
old=$(tag_of git/main)
echo new >repository/new
git -C repository add new
git -C repository commit -q -m "New"
check_equal "$(heddle import git main --json | json_field '[s["commits"], [n["outcome"] for n in s["names"]]]')" '[1, ["moved"]]'
check_equal "$(heddle show git/main --json | json_field 's["state"]["parents"]')" "[\"$old\"]"

# Tags stay where they are unless that is said.
git -C repository update-ref refs/tags/light main
check_equal "$(heddle import git light --json | json_field 's["names"][0]["outcome"]')" kept
check_equal "$(heddle import git light --force --json | json_field 's["names"][0]["outcome"]')" moved

# gc takes nothing that a state has.
git -C repository checkout -q --detach
git -C repository for-each-ref --format='delete %(refname)' refs/heads refs/tags | git -C repository update-ref --stdin
git -C repository checkout -q "$(git -C repository commit-tree -m "Elsewhere" "HEAD^{tree}")"
git -C repository reflog expire --all --expire=now
# Of one of the odd commits git 2.39 never finishes a commit graph.
git -C repository -c gc.writeCommitGraph=false gc -q --prune=now
check heddle check >/dev/null
sed 's/$/^{tree}/' <<<"$all" | git -C repository cat-file --batch-check >after.gc
check_equal "$(grep -c ' tree ' after.gc)" "$(wc -l <<<"$all")" "gc took some"

# A thread at a branch, and a state on top of it.
check heddle thread fork work git/topic/two >/dev/null
require_fuse
check heddle mount work "$MNT" >/dev/null
echo work >"$MNT/work"
(cd "$MNT" && capture "Work" >/dev/null)
check heddle export git work >/dev/null
check_equal "$(git -C repository rev-parse heddle/work~1)" "$(git -C reference.git rev-parse topic/two)"
check_equal "$(git -C repository diff --name-status heddle/work~1 heddle/work)" "A	work"

# The tree of an older commit in a thread that nobody mounted yet: git sees what is missing. Files that both have are as old as the
# commit that the thread began at, before and after a capture.
heddle_unmount
check heddle thread fork older git/topic/two >/dev/null
check heddle restore --thread older git/topic/two~1 >/dev/null
check heddle mount older "$MNT" >/dev/null
check_equal "$(git -C "$MNT" status --porcelain | cut -c4- | sort)" \
	"$(git -C reference.git diff --name-only topic/two topic/two~1 | sort)"
find "$MNT" -name .git -prune -o -type f -printf '%P %Ts\n' | sort >times.mount
(cd "$MNT" && capture "Older" >/dev/null)
check heddle export dir older "$TEST_DIRECTORY/older" >/dev/null
find older -type f -printf '%P %Ts\n' | sort >times.state
check_equal "$(cut -d' ' -f2 times.mount | sort -u)" "$(git -C reference.git log -1 --format=%ct topic/two)"
check_equal "$(cat times.state)" "$(cat times.mount)"
heddle_unmount

# What was exported is the state that it was exported of, and what git put on top of it comes after that.
exported=$(heddle show work --json | json_field 's["state"]["id"]')
commit=$(git -C repository commit-tree -m "On top" "heddle/work^{tree}" -p heddle/work)
git -C repository update-ref refs/heads/onto "$commit"
check_equal "$(heddle import git onto --thread onto --json | json_field 's["commits"]')" 1
check_equal "$(heddle show onto --json | json_field 's["state"]["parents"]')" "[\"$exported\"]"
check_status 73 heddle import git onto --thread onto

# A range begins after a base as `heddle init` makes one; the whole history is another one.
git -C repository fetch -q ../reference.git '+refs/heads/*:refs/heads/*'
git -C repository tag before main~5
heddle init "$TEST_DIRECTORY/repository" --revision main~5 --store "$TEST_DIRECTORY/other/.heddle" >/dev/null
export HEDDLE_STORE=$TEST_DIRECTORY/other/.heddle
check_equal "$(heddle import git main~5..main --json | json_field 's["commits"]')" "$(git -C repository rev-list --count main~5..main)"
check_equal "$(heddle show git/main~5 --json | json_field 's["state"]["id"]')" "$(heddle show main --json | json_field 's["state"]["id"]')"
check_equal "$(heddle import git main --json | json_field 's["commits"]')" "$(git -C repository rev-list --count main)"
check_status 66 heddle import git no-such-branch
check_status 64 heddle import git --all main
