/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "capture/git/export_git.h"
#include "cli/commands/export_subject.h"
#include "cli/exit_status.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/store_locate.h"
#include "cli/text/state_text.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/* The export reads states, never the live overlay: what is to be exported is captured first. */

static int print_result(const struct hd_export_git_result *result, bool json)
{
	if (json) {
		json_t *object = json_object();

		if (!object || hd_json_set_path(object, "repository", result->repository) < 0 ||
			json_object_set_new(object, "reference", hd_json_text(result->reference)) < 0 ||
			json_object_set_new(object, "commit", json_string(result->commit)) < 0 ||
			json_object_set_new(object, "commits", json_integer((json_int_t)result->commits)) <
				0 ||
			json_object_set_new(object, "skipped", json_integer((json_int_t)result->skipped)) <
				0 ||
			json_object_set_new(object, "ignored", json_integer((json_int_t)result->ignored)) <
				0 ||
			json_object_set_new(object, "unchanged", json_boolean(result->unchanged)) < 0) {
			json_decref(object);
			return -ENOMEM;
		}
		return hd_output_json(object);
	}
	if (result->unchanged)
		printf("%s is up to date at %.*s", result->reference, HD_STATE_SHORT, result->commit);
	else
		printf("%s is now %.*s, %llu %s more", result->reference, HD_STATE_SHORT, result->commit,
			HD_COUNT(result->commits, "commit"));
	fputs(", in ", stdout);
	hd_output_path(stdout, result->repository);
	fputc('\n', stdout);
	if (result->skipped > 0)
		hd_output_remark(
			"%llu %s that git cannot keep left out (empty directories, devices, sockets)",
			HD_COUNT(result->skipped, "name"));
	if (result->ignored > 0)
		hd_output_remark("%llu ignored %s left out; --ignored takes them along",
			HD_COUNT(result->ignored, "name"));
	return HD_EXIT_OK;
}

int hd_export_git_command(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	const char *thread = invocation->n_arguments > 0 ? invocation->arguments[0] : NULL;
	struct hd_export_git_options export_options = {.repository = hd_export_arguments.repository,
		.branch = hd_export_arguments.branch,
		.with_ignored = hd_export_arguments.with_ignored};
	struct hd_export_git_result result = {0};
	struct hd_base_set *bases = NULL;
	int r;

	r = hd_locate_thread(invocation, thread, &location);
	if (r < 0)
		return r;
	r = hd_base_set_new(location.store, 0, &bases);
	if (r < 0)
		return r;
	export_options.thread = location.thread;
	hd_progress_begin("exporting", HD_PROGRESS_STOPS);
	r = hd_export_git(location.store, bases, &export_options, &result);
	hd_progress_end();
	if (r >= 0)
		r = print_result(&result, invocation->json);
	hd_export_git_result_clear(&result);
	hd_base_set_free(bases);
	return r;
}
