/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture/git/export_all.h"
#include "capture/git/export_git.h"
#include "capture/git/export_patch.h"
#include "capture/git/import_tips.h"
#include "capture/history/state_spec.h"
#include "cli/commands/export_subject.h"
#include "cli/exit_status.h"
#include "cli/output.h"
#include "cli/output_file.h"
#include "cli/progress.h"
#include "cli/store_locate.h"
#include "cli/take_commits.h"
#include "cli/text/state_text.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/* The export reads states, never the live overlay: what is to be exported is captured first. */

static void remark_left_out(uint64_t skipped, uint64_t ignored)
{
	if (skipped > 0)
		hd_output_remark(
			"%llu %s that git cannot keep left out (empty directories, devices, sockets)",
			HD_COUNT(skipped, "name"));
	if (ignored > 0)
		hd_output_remark(
			"%llu ignored %s left out; --ignored takes them along", HD_COUNT(ignored, "name"));
}

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
	remark_left_out(result->skipped, result->ignored);
	return HD_EXIT_OK;
}

/* ---- all ---- */

static json_t *item_json(const struct hd_export_item *item)
{
	return json_pack("{s:o, s:s?, s:o, s:I, s:b}", "reference", hd_json_text(item->reference), "commit",
		item->target, "reason", item->reason ? hd_json_text(item->reason) : json_null(), "commits",
		(json_int_t)item->commits, "unchanged", (int)item->unchanged);
}

static int print_all_json(const struct hd_export_all_result *result)
{
	json_t *items = json_array();
	json_t *object =
		json_pack("{s:o, s:I, s:I, s:I}", "references", items, "commits", (json_int_t)result->commits,
			"skipped", (json_int_t)result->skipped, "ignored", (json_int_t)result->ignored);
	bool complete = object != NULL;

	for (size_t i = 0; complete && i < result->n_items; i++)
		complete = json_array_append_new(items, item_json(&result->items[i])) >= 0;
	if (!complete ||
		(result->repository && hd_json_set_path(object, "repository", result->repository) < 0)) {
		json_decref(object);
		return -ENOMEM;
	}
	return hd_output_json(object);
}

static void print_item(const struct hd_export_item *item)
{
	fputs("  ", stdout);
	hd_output_text(stdout, item->reference, strlen(item->reference));
	if (item->reason) {
		fputs(" left alone: ", stdout);
		hd_output_text(stdout, item->reason, strlen(item->reason));
		fputc('\n', stdout);
	} else {
		printf(" is %s%.*s\n", item->unchanged ? "" : "now ", HD_STATE_SHORT, item->target);
	}
}

static int print_all(const struct hd_export_all_result *result)
{
	printf("%llu %s more", HD_COUNT(result->commits, "commit"));
	if (result->repository) {
		fputs(", in ", stdout);
		hd_output_path(stdout, result->repository);
	}
	fputc('\n', stdout);
	for (size_t i = 0; i < result->n_items; i++)
		print_item(&result->items[i]);
	remark_left_out(result->skipped, result->ignored);
	return HD_EXIT_OK;
}

static int export_all(const struct hd_location *location, struct hd_base_set *bases,
	const struct hd_export_git_options *options, bool json)
{
	struct hd_export_all_result result = {0};
	int r = hd_export_all(location->store, bases, options, &result);

	hd_progress_end();
	if (r >= 0)
		r = json ? print_all_json(&result) : print_all(&result);
	if (r == HD_EXIT_OK && result.n_refused > 0)
		r = HD_EXIT_TEMPORARY;
	hd_export_all_result_clear(&result);
	return r;
}

/* ---- one ---- */

static int export_one(const struct hd_location *location, struct hd_base_set *bases,
	const struct hd_export_git_options *options, bool json)
{
	struct hd_export_git_result result = {0};
	int r = hd_export_git(location->store, bases, options, &result);

	hd_progress_end();
	if (r >= 0)
		r = print_result(&result, json);
	hd_export_git_result_clear(&result);
	return r;
}

/* The subject: a thread, or a state, for which a branch is to be named unless it is a tag's. */
static int choose_subject(const struct hd_invocation *invocation, struct hd_location *location,
	struct hd_state_id *state, struct hd_export_git_options *options)
{
	const char *subject = invocation->n_arguments > 0 ? invocation->arguments[0] : NULL;
	struct hd_thread thread = {0};
	struct hd_state_id tagged;
	int r = hd_locate(invocation, NULL, location);

	if (r < 0)
		return r;
	options->thread = subject ? subject : location->thread;
	r = hd_index_get_thread(location->store->index, options->thread, &thread);
	hd_thread_clear(&thread);
	if (!subject || r != -HD_E_THREAD_MISSING)
		return r;
	if (hd_state_spec_resolve(location->store->index, subject, location->thread, state) < 0)
		return r;
	hd_error_clear();
	options->head = state;
	if (options->branch || hd_export_arguments.as_patch)
		return 0;
	if (hd_index_get_tag(location->store->index, subject, &tagged) < 0)
		return hd_fail(HD_E_USAGE, "'%s' is a state: name a branch for it, with --branch", subject);
	if (strncmp(subject, HD_IMPORT_BRANCH_PREFIX, strlen(HD_IMPORT_BRANCH_PREFIX)) == 0)
		options->branch = subject + strlen(HD_IMPORT_BRANCH_PREFIX);
	else
		options->tag = subject;
	return 0;
}

/* ---- patches ---- */

/* Standard output may be the series itself. */
static int print_series(const struct hd_export_patch_result *result, const char *path, bool json)
{
	if (json && path)
		return hd_output_json(json_pack("{s:s, s:I, s:I, s:I, s:I}", "file", path, "patches",
			(json_int_t)result->patches, "merges", (json_int_t)result->merges, "skipped",
			(json_int_t)result->skipped, "ignored", (json_int_t)result->ignored));
	if (path) {
		printf("%llu %s in ", (unsigned long long)result->patches,
			result->patches == 1 ? "patch" : "patches");
		hd_output_path(stdout, path);
		fputc('\n', stdout);
	}
	if (result->merges > 0)
		hd_output_remark(
			"%llu %s left out: a patch has one parent", HD_COUNT(result->merges, "merge"));
	remark_left_out(result->skipped, result->ignored);
	return HD_EXIT_OK;
}

static int export_patch(const struct hd_location *location, struct hd_base_set *bases,
	const struct hd_export_git_options *options, bool json)
{
	HD_AUTO_OUTPUT_FILE struct hd_output_file file = HD_OUTPUT_FILE_NONE;
	struct hd_export_patch_result result = {0};
	int r = hd_output_file_begin(hd_export_arguments.output, &file);

	if (r >= 0)
		r = hd_export_patch(location->store, bases, options, file.fd, &result);
	if (r >= 0)
		r = hd_output_file_commit(&file);
	hd_progress_end();
	return r < 0 ? r : print_series(&result, file.path, json);
}

/* What is to be done, which options may say. */
typedef int (*export_action)(const struct hd_location *location, struct hd_base_set *bases,
	const struct hd_export_git_options *options, bool json);

static int choose_action(const struct hd_invocation *invocation, export_action *ret_action)
{
	const struct hd_export_arguments *said = &hd_export_arguments;

	if (said->all && (said->branch || invocation->n_arguments > 0))
		return hd_fail(HD_E_USAGE, "--all goes without a thread and --branch");
	if (said->as_patch && (said->all || said->branch || said->repository || said->force))
		return hd_fail(HD_E_USAGE, "--patch goes without --all, --branch, --repo and --force");
	*ret_action = said->as_patch ? export_patch : said->all ? export_all : export_one;
	return 0;
}

/* What git committed is part of a thread's states. */
static int take_commits(const struct hd_location *location, const struct hd_export_git_options *options)
{
	struct hd_location subject = *location;

	if (hd_export_arguments.all)
		return hd_take_all_commits(location);
	subject.thread = (char *)(uintptr_t)options->thread;
	return hd_take_commits(&subject, NULL);
}

int hd_export_git_command(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	struct hd_export_git_options options = {.repository = hd_export_arguments.repository,
		.branch = hd_export_arguments.branch,
		.force = hd_export_arguments.force,
		.with_ignored = hd_export_arguments.with_ignored};
	struct hd_base_set *bases = NULL;
	struct hd_state_id state;
	export_action action;
	int r;

	r = choose_action(invocation, &action);
	if (r >= 0)
		r = choose_subject(invocation, &location, &state, &options);
	if (r >= 0 && !options.head)
		r = take_commits(&location, &options);
	if (r >= 0)
		r = hd_base_set_new(location.store, 0, &bases);
	if (r < 0)
		return r;
	hd_progress_begin("exporting", HD_PROGRESS_STOPS);
	r = action(&location, bases, &options, invocation->json);
	hd_progress_end();
	hd_base_set_free(bases);
	return r;
}
