/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_MOUNT_OPTIONS_H
#define HEDDLE_MOUNT_MOUNT_OPTIONS_H

/*
 * Mount options: what `heddle mount -o`, heddled and the worker understand, as one table of rows.
 *
 *     hd_mount_options_default → hd_mount_options_parse("open=tracked,writeback") → hd_mount_options_settle
 *     → hd_mount_options_format
 *
 * A program passes the formatted text on to the next one, so that all three read the same values.
 *
 * Ownership   Values only. Threads: pure functions. Errors: -HD_E_USAGE with a detail that names the
 *             option.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hd_open_mode {
	HD_OPEN_UNTRACKED, /* the kernel opens and closes without asking */
	HD_OPEN_TRACKED,   /* OPEN, FLUSH and RELEASE are sent */
	HD_OPEN_MODE_COUNT
};

enum hd_readdirplus_mode {
	HD_READDIRPLUS_ALWAYS,
	HD_READDIRPLUS_AUTO,
	HD_READDIRPLUS_OFF,
	HD_READDIRPLUS_MODE_COUNT
};

enum hd_notify_mode {
	HD_NOTIFY_OTHERS, /* a change is announced to the views that did not make it */
	HD_NOTIFY_ALWAYS, /* to the one that made it, too: for testing the notifier */
	HD_NOTIFY_NEVER,  /* to none: for finding out whether a notice is to blame */
	HD_NOTIFY_MODE_COUNT
};

enum hd_access_times {
	HD_ACCESS_RELATIVE, /* reading moves an access time that is not after the last change, or a day old */
	HD_ACCESS_STRICT,   /* reading always moves it */
	HD_ACCESS_NEVER,
	HD_ACCESS_TIMES_COUNT
};

enum hd_git_mode {
	HD_GIT_NONE,
	HD_GIT_WORKTREE, /* a linked worktree of the base's repository, detached when it is made */
	HD_GIT_BRANCH,   /* on a branch of its own when it is made */
	HD_GIT_AUTO,     /* a worktree where there can be one, and no word where there can be none */
	HD_GIT_MODE_COUNT
};

/* Whether git asks the mount what changed, in its worktree: where its configuration may say so (worktree_config.h), always, never. */
enum hd_git_fsmonitor_mode {
	HD_GIT_FSMONITOR_AUTO,
	HD_GIT_FSMONITOR_YES,
	HD_GIT_FSMONITOR_NO,
};

#define HD_NO_ID UINT64_MAX

struct hd_mount_options {
	uint64_t open;              /* enum hd_open_mode */
	uint64_t readdirplus;       /* enum hd_readdirplus_mode */
	uint64_t notify;            /* enum hd_notify_mode */
	uint64_t access_times;      /* enum hd_access_times */
	uint64_t git;               /* enum hd_git_mode */
	uint64_t git_fsmonitor;     /* enum hd_git_fsmonitor_mode */
	uint64_t cache_s;           /* how long the kernel may keep names and attributes */
	uint64_t spin_us;           /* how long the reader of requests looks again before it sleeps */
	uint64_t readers;           /* limit of request threads */
	uint64_t flush_interval_ms; /* hd_overlay_options */
	uint64_t promote_idle_ms;
	uint64_t base_deadline_ms;
	uint64_t watchdog_ms;        /* age at which an operation is told of; 0: never */
	uint64_t hang_ms;            /* age at which one that waits for nothing ends the worker; 0: never */
	uint64_t hot_limit;          /* bytes; 0: half of hd_memory_limit */
	uint64_t uid, gid;           /* shown as every file's (owner_map.h), or HD_NO_ID */
	uint64_t restarts;           /* workers that may die within five minutes */
	uint64_t poison;             /* so many deaths in one request end it with EIO; 0: never */
	bool trace;                  /* log when requests are begun and done */
	bool single_threaded;        /* one request after the other */
	bool evict;                  /* store files in the background */
	bool directory_access_times; /* of directories, too */
	bool allow_other;
	bool default_permissions;
	bool read_only;
	bool is_volatile; /* hd_overlay_options */
	bool suid, dev;   /* honour set-user-id programs and device nodes: root alone may */
	bool writeback;   /* the kernel collects writes */
	bool is_private;  /* mounted where the supervisor cannot see it, see private/warden.h */
	bool record;      /* note who changes what, see mount/witness/ */
	bool killpriv;    /* set-user-id bits are dropped here instead of by a question per write */
};

/* The defaults; HEDDLE_NOTIFY=always in the environment sets `notify`. */
void hd_mount_options_default(struct hd_mount_options *ret_options);

/* Sets options from "name=value,name,no-name": what TEXT does not name stays as it is. NULL and "" are fine.
 */
int hd_mount_options_parse(struct hd_mount_options *options, const char *text);

/*
 * What can be said only of all together: who may ask for it, what goes with what, and whom a mount for one user alone
 * shows as the owner: that user, because nobody else can come in.
 */
int hd_mount_options_settle(struct hd_mount_options *options);

struct hd_option_value {
	const char *name;
	enum { HD_OPTION_SWITCH, HD_OPTION_WORD, HD_OPTION_NUMBER } kind;
	uint64_t number;  /* of a switch: whether it is on */
	const char *word; /* word_length bytes */
	size_t word_length;
};

/* Calls EMIT for each option that has a value. */
void hd_mount_options_list(const struct hd_mount_options *options,
	void (*emit)(const struct hd_option_value *value, void *payload), void *payload);

/* All options as text that parses to the same values. Fresh memory; NULL when memory is short. */
char *hd_mount_options_format(const struct hd_mount_options *options);

/* Calls EMIT for each row, for help texts. VALUES is "a|b", "N", "SIZE", "ID" or NULL for a switch. */
void hd_mount_options_describe(
	void (*emit)(const char *name, const char *values, const char *help, void *payload), void *payload);

#endif
