/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_SUPERVISOR_SUPERVISOR_TYPES_H
#define HEDDLE_MOUNT_SUPERVISOR_SUPERVISOR_TYPES_H

/* What the supervisor*.c and keeper*.c files share, from the bottom up. Nobody outside of them includes this. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "mount/mount_options.h"
#include "mount/parts/large_files.h"
#include "mount/parts/mount_parts.h"
#include "mount/program_arguments.h"
#include "overlay/platform/files/reserve.h"

/*
 *                                         ┌─────── ready ───────┐
 *                                         ▼                     │
 *     STARTING ──opened──► ATTACHED ──► SERVING ──dies──► TAKING_OVER ──┐
 *        │                     └─────────────────dies──────────►│▲      │ dies
 *        │ the worker ends                       the budget     ▼└──────┘
 *        └──────► ENDED ◄────────────── SALVAGING ◄──is used up─┘
 *
 * From each of them to ENDED when the worker says that it closed its overlay.
 */
enum supervisor_phase {
	SUPERVISOR_STARTING, /* the worker opens the overlay; nothing is mounted */
	SUPERVISOR_ATTACHED, /* mounted; the worker answers INIT */
	SUPERVISOR_SERVING,
	SUPERVISOR_TAKING_OVER, /* mounted; another worker goes on where one died */
	SUPERVISOR_SALVAGING,   /* the mount is gone; a salvager is at work */
	SUPERVISOR_ENDED,
};

#define SUPERVISOR_WAITER_LIMIT 16
/* How often a worker that may be dying is looked at: the kernel says nothing of one that it holds. */
#define HELD_LOOK_MS 100

/* A worker that has been started. */
struct hd_started_worker {
	pid_t pid;    /* 0: there is none, and the descriptors mean nothing */
	int link_fd;  /* owned */
	int watch_fd; /* owned: readable when it has ended */
};

struct hd_supervisor {
	struct hd_program_arguments arguments; /* borrowed texts */
	struct hd_mount_options options;
	uint32_t number; /* of the thread */
	enum supervisor_phase phase;

	int report_fd; /* owned: who started us waits there; -1 once answered */
	int signal_fd; /* owned */
	int listen_fd; /* owned: the control socket */
	int link_fd;   /* owned: the worker */
	int watch_fd;  /* owned: readable when the worker has ended */
	int dying_fd; /* owned: readable when a thread has ended that ends with it; -1: not to be known, or known */
	int parts[HD_PART_COUNT]; /* owned */
	int lock_fd;              /* owned: we are the thread's supervisor */
	int keeper_lock_fd; /* owned: no keeper lives but the one that we start with this; -1: it has it */
	int keeper_fd;      /* owned: the keeper, or -1 */
	pid_t keeper;
	pid_t worker;
	pid_t held;                    /* a dead one that the kernel has not let end; 0: none */
	uint64_t dying_since_ns;       /* of `worker`; 0: nothing says that it is */
	struct hd_started_worker next; /* waits to take over from a worker that is dying */
	char *directory;               /* owned: arguments.directory, if it was learned */

	struct hd_held_files large;
	struct hd_reserve reserve;                    /* owned */
	int waiters[SUPERVISOR_WAITER_LIMIT];         /* owned: clients that wait for the end of an unmount */
	bool waits_for_sync[SUPERVISOR_WAITER_LIMIT]; /* a lazy one: durability is enough */
	size_t n_waiters;

	bool lacks;         /* of a keeper: something came that it had no descriptor for */
	bool lacks_still;   /* since it has asked again */
	bool lacks_device;  /* the device was that */
	bool adopted;       /* another supervisor mounted this */
	bool foreign;       /* another supervisor started the worker: nobody tells us how it ends */
	bool recovers;      /* all processes of the mount before were killed */
	bool detached;      /* the mountpoint is gone by our doing */
	bool link_lost;     /* the worker has closed its end, or broken the protocol */
	bool closed;        /* the worker said that it closed its overlay */
	json_t *failure;    /* owned: the failure that it named, as an "ok": false reply */
	bool lacks_room;    /* the last try failed for the disk, not for the memory */
	bool lost;          /* the memory was damaged, and what was in it alone is given up */
	bool refused;       /* a close failed: the memory is kept and tried again until the disk takes it */
	bool replaces;      /* the worker was asked to make way for another */
	bool stopping;      /* we were told to end */
	bool stepped_down;  /* another supervisor is to take over */
	bool is_left;       /* it has the worker: nothing of the mount is ours any more */
	uint64_t act_at_ns; /* when the worker was to be gone; 0: it was not asked to go */
	unsigned stop_step; /* what was tried */
	bool told_to_end;   /* while it was kept */
	json_t *unsaved;    /* owned: why what the mount left in memory is not on disk yet, as such a reply */
	unsigned salvages;  /* tries */
	uint64_t restarts;  /* workers that took over */
	uint64_t window_restarts, window_began_ns; /* those that the budget counts */
	uint64_t window_keepers, keepers_began_ns; /* keepers that died, likewise */
	bool status_due, keeper_due;               /* could not be written or started, and is to be */
	uint64_t catch_up_at_ns;                   /* when that is tried again; 0: nothing is due */
	char last_restart[160];                    /* why the last one had to; "": none did */
	int exit_status;
};

/* ---- supervisor_state.c ---- */

/* All descriptors -1. */
void hd_supervisor_init(struct hd_supervisor *supervisor, const struct hd_program_arguments *arguments);
void hd_supervisor_clear(struct hd_supervisor *supervisor);
/* R, with who has the thread if that is why. */
int hd_supervisor_explain_busy(const struct hd_supervisor *supervisor, int r);

/* ---- supervisor_reply.c ---- */

/* Answers who started us, once. REPLY's reference is consumed. */
void hd_supervisor_report(struct hd_supervisor *supervisor, json_t *reply);
/* *CLIENT, which is taken, waits for the end of the mount; LAZY: for durability alone. */
void hd_supervisor_add_waiter(struct hd_supervisor *supervisor, int *client, bool lazy);
/* Answers the clients that wait: with SYNCED only those that wait for durability. REPLY is borrowed. */
void hd_supervisor_answer_waiters(struct hd_supervisor *supervisor, json_t *reply, bool synced);
/* Tells a worker what the clients that wait need of it. */
void hd_supervisor_remind(const struct hd_supervisor *supervisor);

/* ---- supervisor_files.c ---- */

/* Listens where clients connect. */
int hd_supervisor_listen(struct hd_supervisor *supervisor);
/* Writes the file that says who serves the thread; what cannot be written is due. */
void hd_supervisor_write_status(struct hd_supervisor *supervisor);
/* Removes both, and the worker's socket. */
void hd_supervisor_remove_files(const struct hd_supervisor *supervisor);
/* Notes for `heddle status`, and for the next mount, how this one ended. */
void hd_supervisor_record_last(const struct hd_supervisor *supervisor, const char *text);

/* ---- supervisor_catch_up.c ---- */

/* *DUE, which is one of its own: what could not be done for R is tried again in a moment. False: it was due already. */
bool hd_supervisor_put_off(struct hd_supervisor *supervisor, bool *due);
/* Milliseconds until then, -1 if nothing is due. */
int hd_supervisor_catch_up_timeout(const struct hd_supervisor *supervisor);

/* ---- supervisor_mount.c ---- */

/* hd_mount_detach_own of its mount. */
int hd_supervisor_unmount(const struct hd_supervisor *supervisor, bool lazy);
/* The mount leaves the tree, and whoever waits for an answer in it gets ECONNABORTED. */
void hd_supervisor_detach(struct hd_supervisor *supervisor);
/* The same, with the files of a supervisor that has its lock. */
void hd_supervisor_remove_mount(struct hd_supervisor *supervisor);

/* ---- supervisor_spawn.c ---- */

enum hd_worker_role { HD_WORKER_FIRST, HD_WORKER_TAKES_OVER, HD_WORKER_SALVAGES };
/* A worker, with the link to it. One that takes over is tried for a minute where the machine has no room for it, and a
 * salvager for as long as nobody tells us to end. */
int hd_supervisor_spawn(struct hd_supervisor *supervisor, enum hd_worker_role role);
/* The worker's THREAD ends with it: from now on it is noticed when it begins to die. */
void hd_supervisor_watch_dying(struct hd_supervisor *supervisor, pid_t thread);
/* Starts a worker that waits until it is handed the mount: hd_supervisor_spawn appoints it. What fails is tried there again. */
void hd_supervisor_spawn_next(struct hd_supervisor *supervisor);
/* It is not needed: ends it. */
void hd_supervisor_discard_next(struct hd_supervisor *supervisor);
/* Sends the new worker the large files, then MESSAGE, whose reference is consumed, with DEVICE or -1. */
int hd_supervisor_hand_over(struct hd_supervisor *supervisor, json_t *message, int device);

/* ---- supervisor_ladder.c ---- */

/* The worker is asked to go (OP), and louder if it does not. */
void hd_supervisor_ask_to_go(struct hd_supervisor *supervisor, const char *op);
/* Milliseconds until the next step is due, -1 if none is. */
int hd_supervisor_ladder_timeout(const struct hd_supervisor *supervisor);
/* Takes the step that is due. */
void hd_supervisor_ladder_climb(struct hd_supervisor *supervisor);

/* ---- supervisor_step_down.c ---- */

/* Leaves its place to another supervisor, which CLIENT is about to start. */
void hd_supervisor_step_down(struct hd_supervisor *supervisor, int client);

/* ---- supervisor_link.c ---- */

/* One message of the worker. A negative result: the link is at its end. */
int hd_supervisor_hear(struct hd_supervisor *supervisor, int timeout_ms);
void hd_supervisor_accept(struct hd_supervisor *supervisor);
/* SIGTERM: ends the mount, whoever uses it. */
void hd_supervisor_stop(struct hd_supervisor *supervisor);

/* ---- supervisor_restart.c ---- */

/* Whether a dead worker is replaced: there is a mount, and the budget is not used up. */
bool hd_supervisor_may_restart(struct hd_supervisor *supervisor);
/* The worker has begun to die: the next one is started, if there is to be one, and waits for its end. */
void hd_supervisor_prepare_next(struct hd_supervisor *supervisor);
/* Starts the next worker and gives it the mount. WHY the last one ended. */
int hd_supervisor_restart(struct hd_supervisor *supervisor, const char *why);

/* ---- supervisor_worker.c ---- */

/* The worker has ended: what it still said is read, and the next phase begins. */
void hd_supervisor_worker_ended(struct hd_supervisor *supervisor);
/*
 * The same if it has been dying for long and is held by the kernel, which waits for what the next worker will answer. And one
 * that was held is done with, once it has ended.
 */
void hd_supervisor_look_at_held(struct hd_supervisor *supervisor);
/* Milliseconds until that is worth another look, -1 if nothing is. */
int hd_supervisor_held_timeout(const struct hd_supervisor *supervisor);
/* What is left to say and to remove; no worker lives. */
void hd_supervisor_finish(struct hd_supervisor *supervisor);

/* ---- supervisor_adopt.c ---- */

/* The locks of keeper and supervisor. PATIENT: their holders are on their way out. */
int hd_supervisor_take_locks(struct hd_supervisor *supervisor, bool patient);
/* What a supervisor of a mount that is there does before it serves. */
int hd_supervisor_take_office(struct hd_supervisor *supervisor);
/* Becomes the supervisor of a worker that has none. 0 with `worker` 0: there was nothing to do. */
int hd_supervisor_adopt(struct hd_supervisor *supervisor);
/* The keeper's way to that: everything but the worker's part is known. */
int hd_supervisor_succeed(struct hd_supervisor *supervisor);

/* ---- supervisor_watch_over.c ---- */

/* Holds the mount until the other one has it: false then, true when nobody took it, and it is ours again. */
bool hd_supervisor_watch_over(struct hd_supervisor *supervisor);

/* ---- supervisor.c ---- */

/* Until the mount has ended, or another supervisor has it. */
void hd_supervisor_serve(struct hd_supervisor *supervisor);

#endif
