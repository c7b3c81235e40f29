/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture/git/export/export_all.h"
#include "capture/git/export/export_git.h"
#include "capture/git/series/export_bundle.h"
#include "cli/arguments/store_locate.h"
#include "cli/commands/export_choice.h"
#include "cli/commands/export_subject.h"
#include "cli/steps/take_commits.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/output_file.h"
#include "cli/terminal/progress.h"
#include "cli/text/state_text.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/* The export reads states, never the live overlay: what is to be exported is captured first. */

static int print_result(const struct hd_export_git_result *result, bool json)
{
	if (json) {
		json_t *object = json_object();

		if (!object || hd_json_set_path(object, "repository", result->repository) < 0 ||
			json_object_set_new(object, "reference", hd_control_text(result->reference)) < 0 ||
			json_object_set_new(object, "commit", json_string(result->commit)) < 0 ||
			json_object_set_new(object, "commits", json_integer((json_int_t)result->commits)) <
				0 ||
			json_object_set_new(object, "notes", json_integer((json_int_t)result->notes)) < 0 ||
			json_object_set_new(object, "skipped", json_integer((json_int_t)result->skipped)) <
				0 ||
			json_object_set_new(object, "ignored", json_integer((json_int_t)result->ignored)) <
				0 ||
			json_object_set_new(object, "unchanged", json_boolean(result->unchanged)) < 0 ||
			json_object_set_new(object, "lacks_ignored", json_boolean(result->lacks_ignored)) <
				0) {
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
	hd_export_git_remark(result->skipped, result->ignored);
	if (result->lacks_ignored)
		hd_output_remark("the state is a commit already, which was made without its ignored files "
				 "and stays as "
				 "it is; --ignored is for states that are none yet");
	return HD_EXIT_OK;
}

/* ---- all ---- */

static json_t *item_json(const struct hd_export_item *item)
{
	return json_pack("{s:o, s:s?, s:o, s:I, s:b}", "reference", hd_control_text(item->reference),
		"commit", item->target, "reason", item->reason ? hd_control_text(item->reason) : json_null(),
		"commits", (json_int_t)item->commits, "unchanged", (int)item->unchanged);
}

/* BUNDLE: the file that all went to; NULL: a repository. */
static int print_all_json(const struct hd_export_all_result *result, const char *bundle)
{
	json_t *items = json_array();
	json_t *object = json_pack("{s:o, s:I, s:I, s:I, s:I}", "references", items, "commits",
		(json_int_t)result->commits, "notes", (json_int_t)result->notes, "skipped",
		(json_int_t)result->skipped, "ignored", (json_int_t)result->ignored);
	bool complete = object != NULL;

	for (size_t i = 0; complete && i < result->n_items; i++)
		complete = json_array_append_new(items, item_json(&result->items[i])) >= 0;
	if (complete && bundle)
		complete = hd_json_set_path(object, "file", bundle) >= 0;
	else if (complete && result->repository)
		complete = hd_json_set_path(object, "repository", result->repository) >= 0;
	if (!complete) {
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

static int print_all(const struct hd_export_all_result *result, const char *bundle)
{
	printf("%llu %s %s", HD_COUNT(result->commits, "commit"), bundle ? "of states" : "more");
	if (bundle || result->repository) {
		fputs(", in ", stdout);
		hd_output_path(stdout, bundle ? bundle : result->repository);
	}
	fputc('\n', stdout);
	for (size_t i = 0; i < result->n_items; i++)
		print_item(&result->items[i]);
	hd_export_git_remark(result->skipped, result->ignored);
	if (hd_export_arguments.with_ignored && result->commits == 0)
		hd_output_remark(
			"states that are commits already stay as they are, with --ignored or without");
	return HD_EXIT_OK;
}

static int export_all(const struct hd_location *location, struct hd_base_set *bases,
	const struct hd_export_choice *choice, bool json)
{
	struct hd_export_all_result result = {0};
	int r = hd_export_all(location->store, bases, &choice->options, &result);

	hd_progress_end();
	if (r >= 0)
		r = json ? print_all_json(&result, NULL) : print_all(&result, NULL);
	if (r == HD_EXIT_OK && result.n_refused > 0)
		r = HD_EXIT_TEMPORARY;
	hd_export_all_result_clear(&result);
	return r;
}

static int bundle_all(const struct hd_location *location, struct hd_base_set *bases,
	const struct hd_export_choice *choice, bool json)
{
	HD_AUTO_OUTPUT_FILE struct hd_output_file file = HD_OUTPUT_FILE_NONE;
	struct hd_export_all_result result = {0};
	int r = hd_output_file_begin(hd_export_arguments.bundle, &file);

	if (r >= 0)
		r = hd_export_bundle_all(location->store, bases, &choice->options, file.fd, &result);
	if (r >= 0)
		r = hd_output_file_commit(&file);
	hd_progress_end();
	/* Standard output may be the bundle itself. */
	if (r >= 0 && !file.path)
		r = HD_EXIT_OK;
	else if (r >= 0)
		r = json ? print_all_json(&result, file.path) : print_all(&result, file.path);
	if (r == HD_EXIT_OK && result.n_refused > 0)
		r = HD_EXIT_TEMPORARY;
	hd_export_all_result_clear(&result);
	return r;
}

/* ---- one ---- */

static int export_one(const struct hd_location *location, struct hd_base_set *bases,
	const struct hd_export_choice *choice, bool json)
{
	struct hd_export_git_result result = {0};
	int r = hd_export_git(location->store, bases, &choice->options, &result);

	hd_progress_end();
	if (r >= 0)
		r = print_result(&result, json);
	hd_export_git_result_clear(&result);
	return r;
}

/* ---- what is to be done, which options may say ---- */

typedef int (*export_action)(const struct hd_location *location, struct hd_base_set *bases,
	const struct hd_export_choice *choice, bool json);

static int choose_action(const struct hd_invocation *invocation, export_action *ret_action)
{
	const struct hd_export_arguments *said = &hd_export_arguments;
	bool is_series = said->as_patch || said->bundle;

	if (said->all && (said->branch || invocation->n_arguments > 0))
		return hd_fail(HD_E_USAGE, "--all goes without a thread and --branch");
	if (said->as_patch && (said->bundle || said->branch))
		return hd_fail(HD_E_USAGE, "--patch goes without --bundle and --branch");
	if (said->as_patch && said->all)
		return hd_fail(HD_E_USAGE, "--patch goes without --all");
	if (is_series && (said->repository || said->force))
		return hd_fail(HD_E_USAGE, "--patch and --bundle go without --repo and --force");
	if (is_series && invocation->json &&
		hd_output_file_is_stdout(said->bundle ? said->bundle : said->output))
		return hd_fail(HD_E_USAGE, "--json needs a file for the series, which has standard output");
	if (said->all)
		*ret_action = said->bundle ? bundle_all : export_all;
	else
		*ret_action = is_series ? hd_export_series_command : export_one;
	return 0;
}

/* What git committed is part of a thread's states. */
static int take_commits(const struct hd_location *location, const struct hd_export_git_options *options)
{
	struct hd_location subject = *location;

	if (hd_export_arguments.all)
		return hd_take_all_commits(location);
	subject.thread = (char *)(uintptr_t)options->thread;
	return hd_take_commits(&subject);
}

int hd_export_git_command(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	struct hd_export_choice choice = {
		.options = {.repository = hd_export_arguments.repository,
			.branch = hd_export_arguments.branch,
			.force = hd_export_arguments.force,
			.keep_empty = hd_export_arguments.empty_directories &&
				      strcmp(hd_export_arguments.empty_directories, "keep-file") == 0,
			.without_notes = hd_export_arguments.without_notes,
			.with_ignored = hd_export_arguments.with_ignored}};
	struct hd_base_set *bases = NULL;
	export_action action = NULL;
	int r;

	r = choose_action(invocation, &action);
	if (r >= 0)
		r = hd_locate(invocation, NULL, &location);
	if (r >= 0)
		r = hd_export_choose(
			&location, invocation->n_arguments > 0 ? invocation->arguments[0] : NULL, &choice);
	if (r >= 0 && !choice.options.head)
		r = take_commits(&location, &choice.options);
	if (r >= 0)
		r = hd_base_set_new(location.store, 0, &bases);
	if (r >= 0) {
		hd_progress_begin("exporting", HD_PROGRESS_STOPS);
		r = action(&location, bases, &choice, invocation->json);
		hd_progress_end();
	}
	hd_base_set_free(bases);
	hd_export_choice_clear(&choice);
	return r;
}
