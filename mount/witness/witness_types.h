/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_WITNESS_WITNESS_TYPES_H
#define HEDDLE_MOUNT_WITNESS_WITNESS_TYPES_H

/* What the witness*.c files share. Nobody outside of them includes this. */

#include <pthread.h>

#include "mount/witness/witness.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/sockets/watch_set.h"

enum witness_actor_phase { ACTOR_FREE, ACTOR_UNSEEN, ACTOR_SEEN };

/* A process, or a thread of one, as the kernel numbers who asks. Number 0 is nobody. */
struct witness_actor {
	enum witness_actor_phase phase;
	bool noted;                        /* a change names it */
	bool awaited;                      /* its first change was held for a moment */
	bool alive;                        /* in `by_pid`: who asks under this pid is this one */
	pid_t pid;                         /* as asked under */
	pid_t process;                     /* what it is a thread of, once it is SEEN */
	uint32_t next;                     /* of the same bucket */
	uint32_t same_as;                  /* another thread of its process came first: that actor; else 0 */
	int watch_fd;                      /* owned: readable when the process ends; -1 */
	char *program, *actor, *tool_call; /* owned; NULL until it is SEEN, or if it could not be */
};

/* An inode (hash 0) or a name in one. */
struct witness_change {
	hd_ino ino;
	uint64_t hash;
	uint64_t when; /* the last time, as `clock` counts */
	uint32_t next; /* of the same bucket, +1 */
	uint32_t opened_by;
	uint8_t n_actors; /* 0: opened, not changed */
	uint32_t actors[HD_PROVENANCE_LIMIT];
};

#define WITNESS_PID_BUCKETS 1024u

struct hd_witness {
	struct hd_mutex mutex; /* rank leaf; protects all below but the set */
	struct hd_condition seen;
	struct hd_watch_set *set; /* owned */
	pthread_t thread;
	bool started, stopping, incomplete;
	uint64_t clock;
	uint64_t moment_ns;           /* immutable: how long a first change is held */
	struct witness_actor *actors; /* owned array of HD_WITNESS_ACTORS */
	uint32_t by_pid[WITNESS_PID_BUCKETS];
	uint32_t free_hint;             /* where to look for a free actor */
	uint32_t unseen;                /* how many are UNSEEN */
	struct witness_change *changes; /* owned array of HD_WITNESS_CHANGES */
	uint32_t *buckets;              /* owned array of as many: index +1 */
	uint32_t n_changes;
};

/* ---- witness_actors.c ---- */

/* The number of who asks as PID now; 0 when there is no room. *RET_IS_NEW: the thread is to be woken. */
uint32_t hd_witness_actor_of_locked(struct hd_witness *witness, pid_t pid, bool *ret_is_new);
/* A change names it from now on: it is looked at as it is now, which may be another program. True: wake the thread. */
bool hd_witness_name_actor_locked(struct hd_witness *witness, uint32_t number);
/* Frees the actors that no change names and that have ended. */
void hd_witness_sweep_actors_locked(struct hd_witness *witness);
/* The thread's life. PAYLOAD is the witness. */
void *hd_witness_watch(void *payload);

#endif
