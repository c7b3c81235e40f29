/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "mount/control/control_json.h"
#include "overlay/check/check.h"

/* Reads everything that the store holds, and nothing of its bases. It may run while threads are mounted. */

struct findings {
	json_t *problems, *remarks; /* owned; NULL for text */
};

static void show(enum hd_check_kind kind, const char *text, void *payload)
{
	struct findings *findings = payload;
	json_t *list = kind == HD_CHECK_PROBLEM ? findings->problems : findings->remarks;

	hd_progress_hide();
	if (list)
		(void)json_array_append_new(list, hd_control_text(text));
	else
		printf("%s: %s\n", kind == HD_CHECK_PROBLEM ? "problem" : "remark", text);
}

static int show_result(const struct hd_check_report *report, struct findings *findings, bool json)
{
	if (json)
		return hd_output_json(json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:O,s:O}", "objects",
			(json_int_t)report->objects, "states", (json_int_t)report->states, "directories",
			(json_int_t)report->directories, "threads", (json_int_t)report->threads, "epochs",
			(json_int_t)report->epochs, "inodes", (json_int_t)report->inodes, "problems",
			findings->problems, "remarks", findings->remarks));
	printf("%llu %s, %llu %s, %llu %s, %llu %s: ", HD_COUNT(report->objects, "object"),
		HD_COUNT(report->states, "state"), (unsigned long long)report->directories,
		report->directories == 1 ? "directory" : "directories", HD_COUNT(report->threads, "thread"));
	if (report->problems)
		printf("%llu %s\n", HD_COUNT(report->problems, "problem"));
	else
		printf("no problems\n");
	return 0;
}

static int run_check(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	struct hd_check_report report = {0};
	struct findings findings = {0};
	int r = hd_locate(invocation, NULL, &location);

	if (r < 0)
		return r;
	if (invocation->json) {
		findings.problems = json_array();
		findings.remarks = json_array();
	}
	hd_progress_begin("checking", HD_PROGRESS_STOPS);
	r = hd_store_check(location.store, show, &findings, &report);
	hd_progress_end();
	if (r == 0)
		r = show_result(&report, &findings, invocation->json);
	json_decref(findings.problems);
	json_decref(findings.remarks);
	if (r < 0)
		return r;
	return report.problems ? HD_EXIT_DATA : HD_EXIT_OK;
}

const struct hd_command hd_command_check = {
	.name = "check",
	.summary = "Verify everything that the store holds",
	.usage = "",
	.description =
		"Reads all objects, states, trees and journals of the store, compares them with their names "
		"and checksums and with each other, and says what is wrong. Changes nothing. The exit "
		"status is 65 when there is a problem.\n\n"
		"A remark is something that a crash may leave and that harms nobody. What only the base "
		"holds is not read.",
	.run = run_check,
};
