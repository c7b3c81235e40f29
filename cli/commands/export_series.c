/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "capture/git/series/export_bundle.h"
#include "capture/git/series/export_patch.h"
#include "cli/commands/export_choice.h"
#include "cli/commands/export_subject.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/output_file.h"
#include "cli/terminal/progress.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/* Standard output may be the series itself. */
static int print_patches(const struct hd_export_patch_result *result, const char *path, bool json)
{
	if (json && path)
		return hd_output_json(hd_control_with_name(
			json_pack("{s:n, s:I, s:I, s:I, s:I, s:I}", "file", "patches",
				(json_int_t)result->patches, "merges", (json_int_t)result->merges, "empty",
				(json_int_t)result->empty, "skipped", (json_int_t)result->skipped, "ignored",
				(json_int_t)result->ignored),
			"file", path));
	if (path) {
		printf("%llu %s in ", (unsigned long long)result->patches,
			result->patches == 1 ? "patch" : "patches");
		hd_output_path(stdout, path);
		fputc('\n', stdout);
	}
	if (result->merges > 0)
		hd_output_remark(
			"%llu %s left out: a patch has one parent", HD_COUNT(result->merges, "merge"));
	if (result->empty > 0)
		hd_output_remark(
			"%llu %s without changes in what git keeps left out: git am would stop there",
			HD_COUNT(result->empty, "commit"));
	hd_export_git_remark(result->skipped, result->ignored);
	return HD_EXIT_OK;
}

static int print_bundle(const struct hd_export_bundle_result *result, const char *path, bool json)
{
	if (json && path)
		return hd_output_json(hd_control_with_name(
			json_pack("{s:n, s:o, s:I, s:I, s:I, s:I, s:I}", "file", "reference",
				hd_control_text(result->reference), "commits", (json_int_t)result->commits,
				"notes", (json_int_t)result->notes, "needed", (json_int_t)result->needed,
				"skipped", (json_int_t)result->skipped, "ignored",
				(json_int_t)result->ignored),
			"file", path));
	if (path) {
		printf("%llu %s of %s in ", HD_COUNT(result->commits, "commit"), result->reference);
		hd_output_path(stdout, path);
		if (result->needed > 0)
			printf(", for who has the %llu %s before", HD_COUNT(result->needed, "commit"));
		fputc('\n', stdout);
	}
	hd_export_git_remark(result->skipped, result->ignored);
	return HD_EXIT_OK;
}

static int write_bundle(const struct hd_location *location, struct hd_base_set *bases,
	const struct hd_export_choice *choice, struct hd_output_file *file, bool json)
{
	struct hd_export_bundle_result result = {0};
	int r = hd_export_bundle(location->store, bases, &choice->options,
		choice->has_since ? &choice->since : NULL, file->fd, &result);

	if (r >= 0)
		r = hd_output_file_commit(file);
	hd_progress_end();
	if (r >= 0)
		r = print_bundle(&result, file->path, json);
	hd_export_bundle_result_clear(&result);
	return r;
}

static int write_patches(const struct hd_location *location, struct hd_base_set *bases,
	const struct hd_export_choice *choice, struct hd_output_file *file, bool json)
{
	struct hd_export_patch_result result = {0};
	int r = hd_export_patch(location->store, bases, &choice->options,
		choice->has_since ? &choice->since : NULL, file->fd, &result);

	if (r >= 0)
		r = hd_output_file_commit(file);
	hd_progress_end();
	return r < 0 ? r : print_patches(&result, file->path, json);
}

int hd_export_series_command(const struct hd_location *location, struct hd_base_set *bases,
	const struct hd_export_choice *choice, bool json)
{
	HD_AUTO_OUTPUT_FILE struct hd_output_file file = HD_OUTPUT_FILE_NONE;
	const char *bundle = hd_export_arguments.bundle;
	int r = hd_output_file_begin(bundle ? bundle : hd_export_arguments.output, &file);

	if (r < 0)
		return r;
	return bundle ? write_bundle(location, bases, choice, &file, json)
		      : write_patches(location, bases, choice, &file, json);
}
