/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/merge/merge_lines.h"

#include <errno.h>
#include <git2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "capture/compare/git_patch.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/error.h"

static bool is_binary(const struct hd_lines *lines)
{
	return lines->size > 0 && hd_git_patch_is_binary(lines->data, lines->size);
}

static void fill(const struct hd_lines *lines, git_merge_file_input *input)
{
	(void)git_merge_file_input_init(input, GIT_MERGE_FILE_INPUT_VERSION);
	input->ptr = lines->data ? lines->data : "";
	input->size = lines->size;
	input->mode = GIT_FILEMODE_BLOB;
}

int hd_merge_lines(const struct hd_lines *ours, const struct hd_lines *base, const struct hd_lines *theirs,
	char **ret_data, size_t *ret_size)
{
	git_merge_file_input inputs[3];
	git_merge_file_result result = {0};
	char *data = NULL;
	int r = hd_git_library_start();

	if (r < 0)
		return r;
	if (is_binary(ours) || is_binary(base) || is_binary(theirs))
		return -EFBIG;
	fill(base, &inputs[0]);
	fill(ours, &inputs[1]);
	fill(theirs, &inputs[2]);
	if (git_merge_file(&result, &inputs[0], &inputs[1], &inputs[2], NULL) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "merge lines");
	if (result.automergeable) {
		data = malloc(result.len + 1);
		r = data ? 1 : -ENOMEM;
	}
	if (data) {
		memcpy(data, result.ptr, result.len);
		data[result.len] = '\0';
		*ret_data = data;
		*ret_size = result.len;
	}
	git_merge_file_result_free(&result);
	return r;
}
