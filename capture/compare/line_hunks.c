/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/compare/line_hunks.h"

#include <git2.h>
#include <git2/sys/hashsig.h>

#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/error.h"

static int put_hunk(const git_diff_delta *delta, const git_diff_hunk *hunk, void *payload)
{
	/* Where a side has no lines its start is the line before, counted from 1: the line that follows, from 0. */
	struct hd_line_hunk found = {
		.old_start = (size_t)hunk->old_start - (hunk->old_lines > 0),
		.old_count = (size_t)hunk->old_lines,
		.new_start = (size_t)hunk->new_start - (hunk->new_lines > 0),
		.new_count = (size_t)hunk->new_lines,
	};

	(void)delta;
	hd_buffer_put(payload, &found, sizeof(found));
	return hd_buffer_status(payload);
}

int hd_line_hunks_find(
	const char *old_data, size_t old_size, const char *new_data, size_t new_size, struct hd_buffer *hunks)
{
	git_diff_options options;
	int r = hd_git_library_start();

	if (r < 0)
		return r;
	(void)git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.context_lines = 0;
	options.flags = GIT_DIFF_FORCE_TEXT | GIT_DIFF_INDENT_HEURISTIC;
	r = git_diff_buffers(old_data, old_size, NULL, new_data, new_size, NULL, &options, NULL, NULL,
		put_hunk, NULL, hunks);
	if (hd_buffer_status(hunks) < 0)
		return hd_buffer_status(hunks);
	return r < 0 ? hd_git_library_fail(HD_E_REPOSITORY, "compare lines") : 0;
}

int hd_line_hunks_similarity(
	const char *old_data, size_t old_size, const char *new_data, size_t new_size, unsigned *ret_percent)
{
	const git_hashsig_option_t options = GIT_HASHSIG_NORMAL | GIT_HASHSIG_ALLOW_SMALL_FILES;
	git_hashsig *old_signature = NULL, *new_signature = NULL;
	int r = hd_git_library_start();

	if (r < 0)
		return r;
	if (git_hashsig_create(&old_signature, old_data, old_size, options) == 0 &&
		git_hashsig_create(&new_signature, new_data, new_size, options) == 0)
		r = git_hashsig_compare(old_signature, new_signature);
	else
		r = -1;
	git_hashsig_free(old_signature);
	git_hashsig_free(new_signature);
	if (r < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "compare lines");
	*ret_percent = (unsigned)r;
	return 0;
}
