/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/import/import_git.h"
#include "cli/arguments/store_locate.h"
#include "cli/commands/import_subject.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "cli/text/operation_text.h"
#include "cli/text/state_text.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/* Of each outcome a word for people, and one for programs. */
static const struct {
	const char *said, *name;
} outcomes[] = {
	[HD_IMPORT_NEW] = {"new", "new"},
	[HD_IMPORT_MOVED] = {"moved", "moved"},
	[HD_IMPORT_SAME] = {"same", "same"},
	[HD_IMPORT_KEPT] = {"elsewhere, left there", "kept"},
	[HD_IMPORT_REFUSED] = {"not a name here", "refused"},
};

static json_t *name_json(const struct hd_import_name *name)
{
	json_t *object =
		json_pack("{s:o, s:s, s:o, s:s}", "reference", hd_control_text(name->reference), "kind",
			name->is_thread ? "thread"
			: name->name    ? "tag"
					: "state",
			"name", name->name ? hd_control_text(name->name) : json_null(), "outcome",
			outcomes[name->outcome].name);

	if (object && json_object_set_new(object, "state", hd_control_id_or_null(&name->state)) < 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static int report_json(const struct hd_import_git_result *result)
{
	json_t *names = json_array();
	json_t *object = json_pack("{s:o, s:I, s:I}", "names", names, "commits", (json_int_t)result->commits,
		"no_commits", (json_int_t)result->no_commits);

	for (size_t i = 0; object && i < result->n_names; i++) {
		if (json_array_append_new(names, name_json(&result->names[i])) < 0) {
			json_decref(object);
			return -ENOMEM;
		}
	}
	if (!object || hd_json_set_path(object, "repository", result->repository) < 0) {
		json_decref(object);
		return -ENOMEM;
	}
	return hd_output_json(object);
}

static void print_name(struct hd_index *index, const struct hd_import_name *name)
{
	char id[HD_STATE_ID_TEXT_SIZE];

	fputs("  ", stdout);
	hd_output_text(stdout, name->reference, strlen(name->reference));
	if (name->name) {
		fputs(name->is_thread ? " -> thread " : " -> ", stdout);
		hd_output_text(stdout, name->name, strlen(name->name));
	}
	if (hd_state_id_is_zero(&name->state))
		fputs(": nothing to import", stdout);
	else
		printf(" at %s%s%s", hd_output_color(stdout, HD_COLOR_IDENTIFIER),
			hd_state_short(index, &name->state, id), hd_output_color(stdout, HD_COLOR_NONE));
	if (name->name)
		printf(" (%s)", outcomes[name->outcome].said);
	fputc('\n', stdout);
}

static int report(struct hd_index *index, const struct hd_import_git_result *result)
{
	size_t same = 0, kept = 0, refused = 0;

	printf("%llu new %s of ", HD_COUNT(result->commits, "commit"));
	hd_output_path(stdout, result->repository);
	fputc('\n', stdout);
	for (size_t i = 0; i < result->n_names; i++) {
		const struct hd_import_name *name = &result->names[i];

		same += name->outcome == HD_IMPORT_SAME && name->name;
		kept += name->outcome == HD_IMPORT_KEPT;
		refused += name->outcome == HD_IMPORT_REFUSED;
		if (name->outcome != HD_IMPORT_SAME || !name->name)
			print_name(index, name);
	}
	if (same > 0)
		printf("  %llu %s at the same place\n", HD_COUNT(same, "name"));
	if (kept > 0)
		hd_output_remark("%llu %s not moved; --force moves tags", HD_COUNT(kept, "name"));
	if (refused > 0)
		hd_output_remark("%llu %s that the store cannot have, or has twice, left out",
			HD_COUNT(refused, "name"));
	if (result->no_commits > 0)
		hd_output_remark("%llu %s to no commit left out", HD_COUNT(result->no_commits, "reference"));
	return HD_EXIT_OK;
}

int hd_import_git_command(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	HD_CLEANUP(hd_import_git_result_clear) struct hd_import_git_result result = {0};
	HD_AUTO_FREE const char **revisions = calloc(invocation->n_arguments + 1, sizeof(*revisions));
	HD_AUTO_FREE char *actor = NULL;
	struct hd_base_set *bases = NULL;
	struct hd_import_git_options wanted = {.repository = hd_import_git_arguments.repository,
		.thread = hd_import_git_arguments.thread,
		.threads = hd_import_git_arguments.threads,
		.force = hd_import_git_arguments.force};
	int r;

	if (!revisions)
		return -ENOMEM;
	if (hd_import_git_arguments.all && invocation->n_arguments > 0)
		return hd_fail(HD_E_USAGE, "--all goes without revisions");
	if (wanted.thread && (wanted.threads || invocation->n_arguments != 1))
		return hd_fail(HD_E_USAGE, "--thread goes with one revision");
	for (size_t i = 0; i < invocation->n_arguments; i++)
		revisions[i] = invocation->arguments[i];
	wanted.revisions = revisions;
	r = hd_locate(invocation, NULL, &location);
	if (r < 0)
		return r;
	wanted.actor = actor = hd_operation_actor(&location);
	if (!actor)
		return -ENOMEM;
	r = hd_base_set_new(location.store, 0, &bases);
	if (r < 0)
		return r;
	hd_progress_begin("importing", HD_PROGRESS_STOPS);
	r = hd_import_git(location.store, bases, &wanted, &result);
	hd_progress_end();
	hd_base_set_free(bases);
	if (r < 0)
		return r;
	return invocation->json ? report_json(&result) : report(location.store->index, &result);
}
