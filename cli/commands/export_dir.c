/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "capture/archive/export_directory.h"
#include "cli/commands/export_subject.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "cli/text/state_tree.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/new_directory.h"
#include "overlay/platform/threads/work.h"

static int report_json(const struct hd_directory_writer_result *result, const char *path)
{
	json_t *object = json_pack("{s:I, s:I, s:I, s:I, s:I}", "entries", (json_int_t)result->entries,
		"bytes", (json_int_t)result->bytes, "other_owners", (json_int_t)result->owners, "devices",
		(json_int_t)result->devices, "skipped_attributes", (json_int_t)result->attributes);

	if (object && hd_json_set_path(object, "directory", path) < 0) {
		json_decref(object);
		object = NULL;
	}
	return hd_output_json(object);
}

static int report(const struct hd_directory_writer_result *result, const char *path)
{
	char size[HD_SIZE_TEXT_SIZE];

	printf("%llu %s, %s, in ", (unsigned long long)result->entries,
		result->entries == 1 ? "entry" : "entries", hd_output_size(result->bytes, size));
	hd_output_path(stdout, path);
	fputc('\n', stdout);
	if (result->owners > 0)
		hd_output_remark("%llu %s of another owner than in the state: only root gives files away",
			HD_COUNT(result->owners, "name"));
	if (result->devices > 0)
		hd_output_remark(
			"%llu %s left out: only root makes devices", HD_COUNT(result->devices, "device"));
	if (result->attributes > 0)
		hd_output_remark("%llu extended %s left out: not allowed, or not on that filesystem",
			HD_COUNT(result->attributes, "attribute"));
	return HD_EXIT_OK;
}

static int write_state(const struct hd_state_tree *tree, struct hd_new_directory *directory,
	struct hd_directory_writer_result *result)
{
	struct hd_directory_export export = {.store = tree->location.store,
		.bases = tree->bases,
		.state = &tree->state,
		.root_fd = directory->fd};
	int r = hd_export_directory(&export, result);

	if (r < 0)
		return r;
	hd_work_step(HD_WORK_WRITING_TO_DISK, 0);
	r = hd_work_finish();
	return r < 0 ? r : hd_new_directory_commit(directory, true);
}

int hd_export_dir_command(const struct hd_invocation *invocation)
{
	HD_AUTO_STATE_TREE struct hd_state_tree tree = {0};
	HD_AUTO_NEW_DIRECTORY struct hd_new_directory directory = HD_NEW_DIRECTORY_NONE;
	struct hd_directory_writer_result result = {0};
	const char *path = invocation->arguments[invocation->n_arguments - 1];
	int r = hd_state_tree_open(
		invocation, invocation->n_arguments > 1 ? invocation->arguments[0] : NULL, &tree);

	if (r < 0)
		return r;
	hd_progress_begin("exporting", HD_PROGRESS_STOPS);
	r = hd_new_directory_begin(path, &directory);
	if (r >= 0)
		r = write_state(&tree, &directory, &result);
	/* An export that was stopped takes away what it made, which may be much. */
	hd_new_directory_clear(&directory);
	hd_progress_end();
	if (r < 0)
		return r == -HD_E_INTERRUPTED ? r : hd_fail_in(r, "'%s'", path);
	return invocation->json ? report_json(&result, path) : report(&result, path);
}
