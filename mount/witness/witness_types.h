/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_WITNESS_WITNESS_TYPES_H
#define HEDDLE_MOUNT_WITNESS_WITNESS_TYPES_H

/* What the witness*.c files share. Nobody outside of them includes this. */

#include <pthread.h>

#include "mount/witness/witness.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/processes/process_identity.h"
#include "overlay/platform/sockets/watch_set.h"

enum witness_actor_phase { ACTOR_FREE, ACTOR_UNSEEN, ACTOR_SEEN };

/* Who somebody is: one for all processes of a program with the same environment. */
struct witness_identity {
	char *program, *actor, *tool_call; /* owned */
	uint64_t hash;
	uint32_t n_users;
	struct witness_identity *next; /* of the same bucket */
};

/* A process, or a thread of one, as the kernel numbers who asks. Number 0 is nobody. */
struct witness_actor {
	uint8_t phase;                     /* enum witness_actor_phase */
	bool noted;                        /* a change names it */
	bool awaited;                      /* its first change was held for a moment */
	bool alive;                        /* in `by_pid`: who asks under this pid is this one */
	pid_t pid;                         /* as asked under */
	pid_t process;                     /* what it is a thread of, once it is SEEN */
	uint32_t next;                     /* of the same bucket of `by_pid`; of those that are FREE */
	uint32_t next_unseen;              /* behind this one */
	uint32_t next_process;             /* of the same bucket of `by_process` */
	uint32_t same_as;                  /* another thread of its process came first: that actor; else 0 */
	uint32_t first_thread;             /* of those that are the same as this, while it is watched */
	uint32_t next_thread;              /* of the same one */
	int watch_fd;                      /* owned: readable when the process ends; -1 */
	int image_fd;                      /* owned: what it executes, if a change names it; -1 */
	struct witness_identity *identity; /* NULL until it is SEEN, or if it could not be */
};

/* An inode (hash 0) or a name in one. */
struct witness_change {
	hd_ino ino;
	uint64_t hash;
	uint64_t when; /* the last time, as `clock` counts */
	uint32_t next; /* of the same bucket, +1 */
	uint32_t opened_by;
	uint16_t n_opened; /* for writing, and not released */
	uint8_t n_actors;  /* 0: opened, not changed, or by nobody that there was room for */
	uint32_t actors[HD_PROVENANCE_LIMIT];
};

#define WITNESS_BUCKETS 4096u /* of pids, processes and identities */
#define WITNESS_CHANGE_BUCKETS 65536u
#define WITNESS_CHANGES_AT_FIRST 4096u

struct hd_witness {
	struct hd_mutex mutex; /* rank leaf; protects all below but the set */
	struct hd_condition seen;
	struct hd_watch_set *set; /* owned */
	pthread_t thread;
	bool started, stopping, incomplete;
	bool full; /* of actors, none of which can be spared until a capture forgets */
	uint64_t clock;
	uint64_t moment_ns;           /* immutable: how long a first change is held */
	struct witness_actor *actors; /* owned array of HD_WITNESS_ACTORS */
	uint32_t n_actors;            /* of them were ever used: 1 to that */
	uint32_t first_free;
	uint32_t first_unseen, last_unseen; /* in the order in which they came */
	uint32_t unseen;                    /* how many are UNSEEN */
	uint32_t by_pid[WITNESS_BUCKETS];
	uint32_t by_process[WITNESS_BUCKETS]; /* those that are watched */
	struct witness_identity *identities[WITNESS_BUCKETS];
	struct witness_change *changes; /* owned array of `capacity` */
	uint32_t *buckets;              /* owned array of WITNESS_CHANGE_BUCKETS: index +1 */
	uint32_t n_changes, capacity;
};

/* ---- witness_identities.c ---- */

/* The one with the texts of IDENTITY, which go to it or stay; it has one more user. NULL when memory is short. */
struct witness_identity *hd_witness_identity_get_locked(
	struct hd_witness *witness, struct hd_process_identity *identity);
/* One user less. NULL is fine. */
void hd_witness_identity_put_locked(struct hd_witness *witness, struct witness_identity *identity);

/* ---- witness_actors.c ---- */

/* The number of who asks as PID now; 0 when there is no room. *RET_IS_NEW: the thread is to be woken. */
uint32_t hd_witness_actor_of_locked(struct hd_witness *witness, pid_t pid, bool *ret_is_new);
/* A change names it from now on: it is looked at as it is now, which may be another program. True: wake the thread. */
bool hd_witness_name_actor_locked(struct hd_witness *witness, uint32_t number);
/* Who asks under its pid from now on is another. */
void hd_witness_unlink_actor_locked(struct hd_witness *witness, uint32_t number);
/* The process, which is watched, has ended, or goes on as another program: whoever asks under its pids is somebody else. */
void hd_witness_end_process_locked(struct hd_witness *witness, uint32_t number);
/* Nobody is known by this number. It is no longer linked or watched. */
void hd_witness_clear_actor_locked(struct hd_witness *witness, uint32_t number);
/* Frees the actors that no change names and that have ended. */
void hd_witness_sweep_actors_locked(struct hd_witness *witness);

/* ---- witness_watch.c ---- */

/* The thread's life. PAYLOAD is the witness. */
void *hd_witness_watch(void *payload);

#endif
