/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_OVERLAY_OVERLAY_H
#define HEDDLE_OVERLAY_OVERLAY_H

/*
 * Overlay: one thread's live tree, as a filesystem would see it, without knowing FUSE.
 *
 * Everything is keyed by inode; a path exists only as a directory entry. Calls mirror the requests of a
 * low-level filesystem one to one, so that mount/ unpacks, calls and replies, and a unit test can drive the
 * same calls without a kernel.
 *
 * Calling sequence
 *     hd_overlay_open → requests from any number of threads → hd_overlay_close
 *
 * Ids         An hd_ino is what the kernel calls a nodeid: index in the low 32 bits, generation above. An
 *             id that was never given out, or whose inode is gone, answers -ESTALE, never another node. Those with
 *             the highest bit are of trees of states (states/state_tree.h).
 * Lifetime    LIVE (has a name), ORPHAN (no name, but open or still looked up), RELEASED. lookup, create,
 *             mkdir, mknod, symlink, link and count_lookups add one lookup each; forget takes them away.
 *             open adds an open count and release takes it away; flush changes no lifetime.
 * Threads     All calls may run concurrently. No lock is held while a call reads a base or writes a disk.
 * Durability  What a call did survives the death of this process at once (it is in the arena and the hot
 *             tier, whose memory others hold), and a power cut after fsync, sync or the next periodic
 *             flush.
 * Errors      -errno as open(2), rename(2) ... say for a local filesystem, or an HD_E_* code.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "overlay/store/store.h"

typedef uint64_t hd_ino;
#define HD_ROOT_INO ((hd_ino)1)

struct hd_overlay;

/* Who asks. What is made gets a mode without the bits of the umask, or what its directory's default ACL says. */
struct hd_caller {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	mode_t umask;
};

struct hd_attributes {
	hd_ino ino;      /* the id for further calls */
	uint64_t number; /* st_ino: unique and stable; that of a directory base where it can be kept */
	uint32_t mode, nlink, uid, gid, device;
	uint64_t size, blocks; /* blocks of 512 bytes */
	struct timespec access_time, modify_time, change_time, birth_time;
};

struct hd_overlay_options {
	struct hd_store *store; /* borrowed; must outlive the overlay */
	const char *thread;     /* name */
	int arena_fd;           /* borrowed memfd from hd_overlay_memory, or -1: the overlay makes its own */
	int hot_fd;             /* likewise */
	bool attach; /* the memfds hold a dead worker's tables: recover them instead of reading the disk */
	bool keep_references; /* with attach: the mount goes on, and the kernel holds what it held */
	bool ignores_opens;   /* nobody will tell of a close: what create makes is not counted as opened */
	unsigned base_deadline_ms;  /* 0: 30000 */
	unsigned flush_interval_ms; /* unsynced changes reach the disk within this; 0: 5000 */
	unsigned
		promote_idle_ms; /* a file above 1 MiB not written for so long is stored in the CAS, a smaller
				     * one after ten times as long; 0: 1000 */
	uint64_t hot_limit_bytes; /* 0: half of the memory that there is for us */
	uint32_t large_blocks;    /* so many of a file stay in the shared memory file; 0: HD_LARGE_BLOCKS */
	bool is_volatile; /* hd_overlay_fsync does nothing, and nothing is flushed but by hd_overlay_sync and _save */
	bool keep_in_memory; /* no promotion thread: files are stored when memory is short, by who needs it */
	bool background; /* run the promotion and flush threads (a mount does, a command-line tool need not)
			    */
	/*
	 * Called when a large file got a memory file of its own, and with fd -1 when it is gone, so that
	 * somebody who outlives this process can hold it. May be NULL. SLOT identifies it. Negative: nobody holds it, and
	 * what is new is not used.
	 */
	int (*hold_large)(void *payload, uint32_t slot, int fd);
	void *hold_payload;
	/* Called by any thread when a record in memory does not verify: this process is to end without closing the
	 * overlay, and another one to attach. May be NULL. */
	void (*on_damage)(void *payload);
	void *damage_payload;
	const struct hd_large_file
		*large; /* with attach: what was held; n_large of them, descriptors borrowed */
	size_t n_large;
};

struct hd_large_file {
	uint32_t slot;
	int fd;
};

/* Makes the two memory files that an overlay lives in. Whoever holds them keeps the overlay alive. */
int hd_overlay_memory(int *ret_arena_fd, int *ret_hot_fd);

/*
 * Opens a thread's overlay: takes its lock (-HD_E_THREAD_BUSY if somebody has it), reads checkpoint and
 * journal or attaches to the memory of a dead worker, and starts the background threads.
 */
int hd_overlay_open(const struct hd_overlay_options *options, struct hd_overlay **ret_overlay);

/* Makes everything durable as close does, and leaves the overlay open: who holds the only copy of what was written
 * calls this until it succeeds, and then close. -HD_E_STORE_DELETED: the store was deleted, it never will. Blocks on
 * disks. */
int hd_overlay_save(struct hd_overlay *overlay);
/* Stops the threads, makes everything durable (much hot data in the store, a little in the journal), unlocks, frees.
 * The result says whether all is durable; the overlay is freed in any case. */
int hd_overlay_close(struct hd_overlay *overlay);
/* After much was stored: has the store put in order, in the background where there is one. Nothing depends on it. */
void hd_overlay_tidy(struct hd_overlay *overlay);

enum hd_memory_state {
	HD_MEMORY_SOUND,
	HD_MEMORY_SHOWN, /* something in it does not verify; the tables do, and are shown. Nothing can be changed */
	HD_MEMORY_LOST, /* the tables do not verify: what is shown is what the journal has. Nothing can be changed */
};

/* What was found in a dead worker's memory. */
struct hd_memory_report {
	enum hd_memory_state state;
	bool owner_died; /* the worker died with the lock of the tables ("namespace") */
	uint32_t owner;  /* its process */
	bool has_operation;
	uint32_t operation; /* of the last change: its kind in hd_activity, and the inode it was about */
	uint64_t subject;
	char flaw[160]; /* what does not verify; "" */
};

/* What recovery found, for the log and `status`; zero when nothing happened. */
struct hd_recovery_report {
	bool redo_applied;       /* a dead worker's unfinished transaction was completed */
	uint64_t journal_epochs; /* replayed */
	uint64_t torn_bytes;     /* cut off at the journal's end */
	char volatile_since[32]; /* a volatile mount that began then did not end well; "" */
	struct hd_memory_report memory;
};
void hd_overlay_recovery(const struct hd_overlay *overlay, struct hd_recovery_report *ret_report);

/* Says in the thread's lock that this process has it, as hd_overlay_open does but where programs wait for it: with `attach` and
 * `background` that is the caller's, after they were answered. Best effort (io). */
void hd_overlay_sign_lock(struct hd_overlay *overlay);

/* Looks at all of a dead worker's memory, which hd_overlay_open does not when programs wait: -HD_E_ARENA_CORRUPT, after
 * on_damage. While others work; BETWEEN the parts, of some 50 us each, it holds nothing. */
int hd_overlay_audit(struct hd_overlay *overlay, void (*between)(void *payload), void *payload);

/* 0, or -HD_E_MEMORY_DAMAGED: whoever is about to change the tree asks, operations of programs and captures alike. */
int hd_overlay_may_change(const struct hd_overlay *overlay);

/* ---- names ---- */

int hd_overlay_lookup(struct hd_overlay *overlay, hd_ino parent, const char *name, struct hd_attributes *ret);
/* Whether there is an entry, which is not looked up by that. False where the directory cannot be read. */
bool hd_overlay_has_name(struct hd_overlay *overlay, hd_ino parent, const char *name);
void hd_overlay_forget(struct hd_overlay *overlay, hd_ino ino, uint64_t count);
int hd_overlay_create(struct hd_overlay *overlay, const struct hd_caller *caller, hd_ino parent,
	const char *name, mode_t mode,
	struct hd_attributes
		*ret); /* regular file, counted as looked up and, unless opens are ignored, as opened */
/* O_TMPFILE: the same without a name. MAY_BE_NAMED: hd_overlay_link gives it one, else -ENOENT. */
int hd_overlay_create_unnamed(struct hd_overlay *overlay, const struct hd_caller *caller, hd_ino parent,
	mode_t mode, bool may_be_named, struct hd_attributes *ret);
int hd_overlay_mknod(struct hd_overlay *overlay, const struct hd_caller *caller, hd_ino parent,
	const char *name, mode_t mode, uint32_t device, struct hd_attributes *ret);
int hd_overlay_mkdir(struct hd_overlay *overlay, const struct hd_caller *caller, hd_ino parent,
	const char *name, mode_t mode, struct hd_attributes *ret);
int hd_overlay_symlink(struct hd_overlay *overlay, const struct hd_caller *caller, hd_ino parent,
	const char *name, const char *target, struct hd_attributes *ret);
int hd_overlay_link(struct hd_overlay *overlay, hd_ino ino, hd_ino new_parent, const char *new_name,
	struct hd_attributes *ret);
int hd_overlay_unlink(struct hd_overlay *overlay, hd_ino parent, const char *name);
int hd_overlay_rmdir(struct hd_overlay *overlay, hd_ino parent, const char *name);
/* FLAGS: RENAME_NOREPLACE, RENAME_EXCHANGE; others -EINVAL. */
int hd_overlay_rename(struct hd_overlay *overlay, hd_ino parent, const char *name, hd_ino new_parent,
	const char *new_name, unsigned flags);
/* The same with a CALLER, and so with RENAME_WHITEOUT: a character device 0:0 of the caller's stays at the old name. */
int hd_overlay_rename_as(struct hd_overlay *overlay, const struct hd_caller *caller, hd_ino parent,
	const char *name, hd_ino new_parent, const char *new_name, unsigned flags);

/* ---- attributes ---- */

#define HD_SET_MODE (1u << 0)
#define HD_SET_UID (1u << 1)
#define HD_SET_GID (1u << 2)
#define HD_SET_SIZE (1u << 3)
#define HD_SET_ACCESS_TIME (1u << 4)
#define HD_SET_MODIFY_TIME (1u << 5)
#define HD_SET_CHANGE_TIME (1u << 6)
#define HD_SET_ACCESS_NOW (1u << 7)
#define HD_SET_MODIFY_NOW (1u << 8)

int hd_overlay_getattr(struct hd_overlay *overlay, hd_ino ino, struct hd_attributes *ret);
int hd_overlay_setattr(struct hd_overlay *overlay, const struct hd_caller *caller, hd_ino ino, unsigned set,
	const struct hd_attributes *values, struct hd_attributes *ret);
/* The target without NUL; *RET_SIZE bytes; -EINVAL unless a symbolic link. BUFFER holds at least 4096 bytes.
 */
int hd_overlay_readlink(struct hd_overlay *overlay, hd_ino ino, char *buffer, size_t size, size_t *ret_size);
/* INO was read: its access time moves if it is due as relatime has it (not after the last change, or a day old), or ALWAYS.
 * Reading is no change: a capture does not hear of it. */
void hd_overlay_accessed(struct hd_overlay *overlay, hd_ino ino, bool always);
/* Would reading move it? */
bool hd_overlay_access_is_due(struct hd_overlay *overlay, hd_ino ino);
/*
 * FLAGS: XATTR_CREATE, XATTR_REPLACE; with an access control list, which changes the mode as well, _DROP_SETGID: the
 * caller is not of the file's group, so the set-group-ID bit goes.
 */
#define HD_SETXATTR_DROP_SETGID (1 << 16)
int hd_overlay_setxattr(
	struct hd_overlay *overlay, hd_ino ino, const char *name, const void *value, size_t size, int flags);
/* SIZE 0 asks for the size; -ERANGE if it does not fit; -ENODATA if there is none. */
int hd_overlay_getxattr(struct hd_overlay *overlay, hd_ino ino, const char *name, void *buffer, size_t size,
	size_t *ret_size);
/* Names that begin with "trusted." are listed WITH_TRUSTED alone: for who may read them. */
int hd_overlay_listxattr(struct hd_overlay *overlay, hd_ino ino, bool with_trusted, char *buffer, size_t size,
	size_t *ret_size);
int hd_overlay_removexattr(struct hd_overlay *overlay, hd_ino ino, const char *name);

/* ---- files ---- */

/* FLAGS as open(2); O_TRUNC is done here. */
int hd_overlay_open_file(struct hd_overlay *overlay, hd_ino ino, int flags);
/* After a close(2): puts the inode on the promotion queue. Changes no lifetime, waits for nothing. */
int hd_overlay_flush(struct hd_overlay *overlay, hd_ino ino);
int hd_overlay_release(struct hd_overlay *overlay, hd_ino ino);
int hd_overlay_read(
	struct hd_overlay *overlay, hd_ino ino, void *buffer, size_t size, uint64_t offset, size_t *ret_size);
int hd_overlay_write(struct hd_overlay *overlay, hd_ino ino, const void *data, size_t size, uint64_t offset,
	size_t *ret_size);
/* MODE: FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, FALLOC_FL_ZERO_RANGE and 0; others -EOPNOTSUPP. */
int hd_overlay_fallocate(struct hd_overlay *overlay, hd_ino ino, int mode, uint64_t offset, uint64_t length);
/* WHENCE: SEEK_DATA, SEEK_HOLE. -ENXIO past the end. */
int hd_overlay_lseek(
	struct hd_overlay *overlay, hd_ino ino, uint64_t offset, int whence, uint64_t *ret_offset);
int hd_overlay_copy_file_range(struct hd_overlay *overlay, hd_ino from, uint64_t from_offset, hd_ino to,
	uint64_t to_offset, size_t size, size_t *ret_size);

/* ---- directories ---- */

struct hd_directory_item {
	const char *name; /* NUL-terminated, borrowed during the call */
	size_t name_length;
	struct hd_attributes attributes;
	uint64_t cookie; /* where to go on behind this item */
	bool partial; /* a directory whose link count is not known yet: the caller must not hand out its id; a
		       * lookup will complete it */
};
/* Takes one item; false when it does not fit, which ends the call. Runs without locks; may not call the
 * overlay. */
typedef bool (*hd_directory_fill)(const struct hd_directory_item *item, void *payload);

/*
 * Entries behind COOKIE (0: from the start), "." and ".." first. Cookies stay valid while entries come and
 * go. Counts no lookups.
 */
int hd_overlay_readdir(
	struct hd_overlay *overlay, hd_ino ino, uint64_t cookie, hd_directory_fill fill, void *payload);
/*
 * One lookup more of each of N inodes that a listing is about to hand out, all or none. An id that is gone since it was
 * listed becomes 0, which must be handed out instead. SIZE is the reply's, for hd_request_done_size.
 */
int hd_overlay_count_lookups(struct hd_overlay *overlay, hd_ino *inos, size_t n, uint64_t size);

/* ---- durability and numbers ---- */

/* Data, entry and journal of INO are on disk when this returns 0. Blocks on disks: not for a request thread.
 */
int hd_overlay_fsync(struct hd_overlay *overlay, hd_ino ino, bool data_only);
/* Everything acknowledged so far is on disk. Blocks likewise. */
int hd_overlay_sync(struct hd_overlay *overlay);

struct hd_overlay_space {
	uint64_t block_size, total_blocks, free_blocks, available_blocks, total_inodes, free_inodes;
	uint32_t name_limit;
};
/* statfs: the numbers of the filesystem that holds the store. */
int hd_overlay_statfs(struct hd_overlay *overlay, struct hd_overlay_space *ret);

struct hd_overlay_counters {
	uint64_t inodes, entries;   /* records in use */
	uint64_t looked_up, opened; /* kernel references now: sum of lookup counts, of open counts */
	uint64_t orphans;
	uint64_t state_nodes;          /* of trees of states, that the kernel holds (states/state_tree.h) */
	uint64_t hot_bytes, hot_limit; /* bytes of file data in memory */
	uint64_t large_files;          /* memory files of their own */
	uint64_t unstored_files;       /* files whose bytes are not in the store yet */
	uint64_t journal_bytes;
	uint64_t transactions;
	int flush_failure; /* code of the last flush, 0 if it succeeded: what was done since is in memory only */
};
void hd_overlay_counters(struct hd_overlay *overlay, struct hd_overlay_counters *ret);

/* The thread's last state: what the overlay lies over. Changes when a capture is published. */
void hd_overlay_head(struct hd_overlay *overlay, struct hd_state_id *ret_id);
const char *hd_overlay_thread(const struct hd_overlay *overlay);
uint32_t hd_overlay_thread_number(const struct hd_overlay *overlay);
struct hd_store *hd_overlay_store(struct hd_overlay *overlay);
struct hd_base_set *hd_overlay_bases(struct hd_overlay *overlay);

#endif
