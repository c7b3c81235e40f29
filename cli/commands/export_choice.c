/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands/export_choice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/import/import_tips.h"
#include "capture/history/state_spec.h"
#include "cli/commands/export_subject.h"
#include "cli/terminal/output.h"
#include "overlay/platform/error.h"

static bool is_series(void)
{
	return hd_export_arguments.as_patch || hd_export_arguments.bundle;
}

static bool is_thread(const struct hd_location *location, const char *name)
{
	struct hd_thread thread = {0};
	int r = hd_index_get_thread(location->store->index, name, &thread);

	hd_thread_clear(&thread);
	if (r < 0)
		hd_error_clear();
	return r >= 0;
}

static int resolve(const struct hd_location *location, const char *text, struct hd_state_id *ret_id)
{
	return hd_state_spec_resolve(location->store->index, *text ? text : "@", location->thread, ret_id);
}

/* A state, for which a branch is to be named unless it is a tag's. */
static int choose_state(
	const struct hd_location *location, const char *subject, struct hd_export_choice *choice)
{
	struct hd_export_git_options *options = &choice->options;
	size_t prefix = strlen(HD_IMPORT_BRANCH_PREFIX);
	struct hd_state_id tagged;
	int r = resolve(location, subject, &choice->head);

	if (r < 0)
		return r;
	options->head = &choice->head;
	if (options->branch)
		return 0;
	if (hd_index_get_tag(location->store->index, subject, &tagged) < 0)
		return hd_fail(HD_E_USAGE, "'%s' is a state: name a branch for it, with --branch", subject);
	if (strncmp(subject, HD_IMPORT_BRANCH_PREFIX, prefix) == 0)
		options->branch = subject + prefix;
	else
		options->tag = subject;
	return 0;
}

/* Takes "A.." off TEXT. */
static int take_since(const struct hd_location *location, char **text, struct hd_export_choice *choice)
{
	char *dots = strstr(*text, "..");

	if (!dots || is_thread(location, *text))
		return 0;
	if (!is_series())
		return hd_fail(
			HD_E_USAGE, "a range goes with --patch and --bundle: a commit has all its history");
	*dots = '\0';
	choice->has_since = true;
	int r = resolve(location, *text, &choice->since);
	*text = dots + 2;
	return r;
}

int hd_export_choose(const struct hd_location *location, const char *subject, struct hd_export_choice *choice)
{
	struct hd_export_git_options *options = &choice->options;
	char *text = choice->text = strdup(subject ? subject : "");
	int r = text ? take_since(location, &text, choice) : -ENOMEM;

	if (r < 0)
		return r;
	/* No repository has it, but an item has a name. */
	if (hd_export_arguments.as_patch)
		options->branch = "series";
	options->thread = *text && strcmp(text, "@") != 0 ? text : location->thread;
	return is_thread(location, options->thread) ? 0 : choose_state(location, text, choice);
}

void hd_export_choice_clear(struct hd_export_choice *choice)
{
	free(choice->text);
	choice->text = NULL;
}

void hd_export_git_remark(uint64_t skipped, uint64_t ignored)
{
	if (skipped > 0)
		hd_output_remark(
			"%llu %s that git cannot keep left out (empty directories, devices, sockets)",
			HD_COUNT(skipped, "name"));
	if (ignored > 0)
		hd_output_remark(
			"%llu ignored %s left out; --ignored takes them along", HD_COUNT(ignored, "name"));
}
