/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "mount/control/control_json.h"
#include "mount/doctor/doctor.h"
#include "overlay/platform/error.h"

/* A store that cannot be opened is a finding like any other, and without a store there is still the machine. */

static bool repair;

static const struct hd_option options[] = {
	{.long_name = "repair",
		.help = "repair what can be repaired without losing anything, instead of telling what would "
			"be",
		.flag = &repair},
	{0},
};

static json_t *finding_json(const struct hd_finding *finding)
{
	const struct hd_finding_row *row = &hd_finding_table[finding->kind];

	return json_pack("{s:s, s:s, s:o, s:s?, s:b, s:o}", "kind", row->name, "severity",
		row->severity == HD_FINDING_PROBLEM ? "problem" : "remark", "text",
		hd_control_text(finding->text), "repair", row->repair[0] ? row->repair : NULL, "repaired",
		finding->repaired == 0, "error",
		finding->repaired < 0 ? hd_control_text(hd_error_message(finding->repaired)) : json_null());
}

/* PAYLOAD is the list of findings, or NULL for text. */
static void show(const struct hd_finding *finding, void *payload)
{
	const struct hd_finding_row *row = &hd_finding_table[finding->kind];

	hd_progress_hide();
	if (payload) {
		(void)json_array_append_new(payload, finding_json(finding));
		return;
	}
	if (finding->repaired == 0)
		printf("repaired: %s: ", row->name);
	else
		printf("%s: %s: ", row->severity == HD_FINDING_PROBLEM ? "problem" : "remark", row->name);
	hd_output_text(stdout, finding->text, strlen(finding->text));
	if (finding->repaired < 0)
		printf("\n    not repaired: %s", hd_error_message(finding->repaired));
	else if (finding->repaired != 0 && row->repair[0])
		printf("\n    --repair would %s", row->repair);
	fputc('\n', stdout);
}

static int examine_store(struct hd_doctor *doctor, struct hd_store *store)
{
	int r = hd_doctor_files(doctor, store->path);

	if (r >= 0)
		r = hd_doctor_threads(doctor, store);
	if (r >= 0)
		r = hd_doctor_bases(doctor, store);
	if (r >= 0)
		r = hd_doctor_worktrees(doctor, store);
	if (r >= 0)
		r = hd_doctor_thread_directories(doctor, store);
	return r < 0 ? r : hd_doctor_stray_files(doctor, store);
}

/* A store that was named must be there; else none need be. */
static int examine(const struct hd_invocation *invocation, struct hd_doctor *doctor)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	int r;

	hd_doctor_system(doctor);
	r = hd_doctor_lost_mounts(doctor);
	if (r < 0)
		return r;
	r = hd_locate(invocation, NULL, &location);
	if (r >= 0)
		return examine_store(doctor, location.store);
	if (r == -HD_E_STORE_MISSING)
		return invocation->store ? r : 0;
	hd_doctor_tell(doctor, HD_FINDING_STORE, HD_REPAIR_NOT_TRIED, "%s", hd_error_message(r));
	return 0;
}

static int show_result(const struct hd_doctor *doctor)
{
	const struct hd_doctor_report *report = &doctor->report;

	if (doctor->payload)
		return hd_output_json(json_pack("{s:O, s:I, s:I, s:I}", "findings", doctor->payload,
			"problems", (json_int_t)report->problems, "repaired", (json_int_t)report->repaired,
			"remarks", (json_int_t)report->remarks));
	if (report->repaired)
		printf("%llu %s repaired, ", HD_COUNT(report->repaired, "problem"));
	if (report->problems)
		printf("%llu %s\n", HD_COUNT(report->problems, "problem"));
	else
		printf("no problems\n");
	return 0;
}

static int run_doctor(const struct hd_invocation *invocation)
{
	struct hd_doctor doctor = {
		.repair = repair, .emit = show, .payload = invocation->json ? json_array() : NULL};
	int r;

	hd_progress_begin("examining", HD_PROGRESS_STOPS);
	r = examine(invocation, &doctor);
	hd_progress_end();
	if (r >= 0)
		r = show_result(&doctor);
	json_decref(doctor.payload);
	if (r < 0)
		return r;
	return doctor.report.problems ? HD_EXIT_DIFFERENT : HD_EXIT_OK;
}

const struct hd_command hd_command_doctor = {
	.name = "doctor",
	.summary = "Find and repair what crashes and kills leave",
	.usage = "[--repair]",
	.description =
		"Finds dead mountpoints, sockets and notes of processes that are gone, threads that were not "
		"closed, unfinished files, a store that others may read, and what mounting needs of the "
		"machine and does not have; heddle(1) lists all. Changes nothing without --repair. "
		"'heddle check' verifies what the store holds.\n\n"
		"The exit status is 0 when no problem is left, and 1 when one is.",
	.options = options,
	.run = run_doctor,
};
