/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_DOCTOR_DOCTOR_H
#define HEDDLE_MOUNT_DOCTOR_DOCTOR_H

/*
 * Doctor: finds what kills, crashes and a machine that is not set up leave around a store, and repairs what can be
 * repaired without losing anything. What the store holds is hd_store_check's affair.
 *
 *     struct hd_doctor doctor = {.repair = …, .emit = …} → hd_doctor_system, … _threads, … _files → doctor.report
 *
 * Every kind of finding is one row of hd_finding_table: its name, how bad it is, what it means, and what a repair does; ""
 * where only a person can do something. A thread's files are touched only while its lease is held, so that nobody can be
 * using them. Running it twice, or against a mount that comes or goes, does no harm.
 *
 * Ownership   The store is borrowed. Texts live during the call of EMIT.
 * Threads     One.
 * Errors      A finding that cannot be repaired is told with its reason, and is no failure; negative when it could
 *             not be looked for (the index, memory).
 */

#include <stdbool.h>
#include <stddef.h>

#include "overlay/store/store.h"

/* A problem makes the exit status 1; a remark is good to know. */
enum hd_finding_severity { HD_FINDING_PROBLEM, HD_FINDING_REMARK };

enum hd_finding_kind {
	HD_FINDING_DEAD_MOUNT,
	HD_FINDING_UNATTENDED,
	HD_FINDING_SILENT,
	HD_FINDING_LOST_STORE,
	HD_FINDING_UNRECOVERED,
	HD_FINDING_STALE_SOCKET,
	HD_FINDING_STALE_STATUS,
	HD_FINDING_STRAY_FILE,
	HD_FINDING_TEMPORARY,
	HD_FINDING_BASE,
	HD_FINDING_WORKTREE,
	HD_FINDING_NO_WORKTREE,
	HD_FINDING_INDEX_LOCK,
	HD_FINDING_PERMISSIONS,
	HD_FINDING_OWNER,
	HD_FINDING_STORE,
	HD_FINDING_FUSE_DEVICE,
	HD_FINDING_FUSERMOUNT,
	HD_FINDING_VERSION,
	HD_FINDING_LAST_END,
	HD_FINDING_ALLOW_OTHER,
	HD_FINDING_COUNT
};

struct hd_finding_row {
	const char *name;
	enum hd_finding_severity severity;
	const char *text;   /* what it means */
	const char *repair; /* what --repair does; "" for nothing */
};
extern const struct hd_finding_row hd_finding_table[HD_FINDING_COUNT];

/* What became of a repair: 0, a negative code, or that none was tried. */
#define HD_REPAIR_NOT_TRIED 1

struct hd_finding {
	enum hd_finding_kind kind;
	const char *text; /* what it is this time */
	int repaired;
};
typedef void (*hd_doctor_emit)(const struct hd_finding *finding, void *payload);

struct hd_doctor_report {
	size_t problems, repaired, remarks; /* `problems` counts those that are left */
};

struct hd_doctor {
	bool repair; /* else nothing is changed */
	hd_doctor_emit emit;
	void *payload;
	struct hd_doctor_report report;
};

/* What ordinary users, or root, need of the machine. */
void hd_doctor_system(struct hd_doctor *doctor);
/* Mounts of stores that are gone, dead or not. */
int hd_doctor_lost_mounts(struct hd_doctor *doctor);
/* Mounts, run files and journals of the store's threads. */
int hd_doctor_threads(struct hd_doctor *doctor, struct hd_store *store);
/* Run files and logs of threads that are no more. */
int hd_doctor_stray_files(struct hd_doctor *doctor, struct hd_store *store);
/* Directories of threads that are no more, or never were. */
int hd_doctor_thread_directories(struct hd_doctor *doctor, struct hd_store *store);
/* Bases that are not where the store knows them. */
int hd_doctor_bases(struct hd_doctor *doctor, struct hd_store *store);
/* What is left in the repositories of the store's bases: worktrees of threads that are no more, locks of those that are. */
int hd_doctor_worktrees(struct hd_doctor *doctor, struct hd_store *store);
/* Permissions and unfinished files. */
int hd_doctor_files(struct hd_doctor *doctor, const char *store_path);

/* ---- for the parts of the doctor ---- */

/* Whether PATH is ours, and so old that nobody can be at work on it. */
bool hd_doctor_is_abandoned(const char *path);
/* Has the request OP, which says nothing more, executed for THREAD, mounted or not. */
int hd_doctor_ask(struct hd_store *store, const char *thread, const char *op);
/* Counts and tells one finding. REPAIRED: the outcome of its repair, or HD_REPAIR_NOT_TRIED. */
void hd_doctor_tell(struct hd_doctor *doctor, enum hd_finding_kind kind, int repaired, const char *format,
	...) __attribute__((format(printf, 4, 5)));

#endif
