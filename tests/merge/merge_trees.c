/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture/git/land/commit_merge.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/error.h"

/*
 * heddle-merge-trees REPOSITORY: reads lines "OURS THEIRS" of commit ids, writes for each "TREE CONFLICTS" and, indented
 * by a space, each conflict. tests/merge/merge_cases.py makes the commits.
 */

static int merge_pair(git_repository *repository, const char *line)
{
	struct hd_commit_merge merge = {
		.repository = repository, .ours_name = "ours", .theirs_name = "theirs"};
	struct hd_conflicts conflicts = {0};
	git_oid ours, theirs, tree;
	int r;

	if (strlen(line) < 2 * GIT_OID_HEXSZ + 1 || git_oid_fromstrn(&ours, line, GIT_OID_HEXSZ) < 0 ||
		git_oid_fromstrn(&theirs, line + GIT_OID_HEXSZ + 1, GIT_OID_HEXSZ) < 0)
		return -EINVAL;
	merge.ours = &ours;
	merge.theirs = &theirs;
	r = hd_commit_merge_run(&merge, &tree, &conflicts);
	if (r < 0)
		return r;
	printf("%s %zu\n", git_oid_tostr_s(&tree), conflicts.count);
	for (size_t i = 0; i < conflicts.count; i++)
		printf(" %s %s\n", hd_conflict_kind_name(conflicts.items[i].kind), conflicts.items[i].path);
	hd_conflicts_clear(&conflicts);
	return 0;
}

int main(int argc, char **argv)
{
	git_repository *repository = NULL;
	char line[128];
	int r = argc == 2 ? hd_git_library_start() : -EINVAL;

	if (r >= 0 && git_repository_open(&repository, argv[1]) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "%s", argv[1]);
	while (r >= 0 && fgets(line, sizeof(line), stdin))
		r = merge_pair(repository, line);
	git_repository_free(repository);
	if (r < 0)
		fprintf(stderr, "heddle-merge-trees: %s\n", hd_error_message(r));
	return r < 0;
}
