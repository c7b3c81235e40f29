/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal/exit_status.h"

#include <stddef.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * A failure without a row of its own takes the row of its errno class, and an errno without a row is the
 * operating system's. Hints name a command that can be typed as it stands; what is specific to one occasion
 * is in the message.
 */

struct exit_row {
	int code;
	enum hd_exit_status status;
	const char *hint;
};

static const struct exit_row exit_table[] = {
	{HD_E_USAGE, HD_EXIT_USAGE, NULL},
	{HD_E_STORE_MISSING, HD_EXIT_NO_INPUT,
		"make one with 'heddle init' in a git repository or directory, or name one with --store"},
	{HD_E_STORE_FOREIGN, HD_EXIT_NO_PERMISSION,
		"who owns a store can make those who work in it write elsewhere; if you trust its owner, "
		"name "
		"it with --store or HEDDLE_STORE"},
	{HD_E_STORE_DELETED, HD_EXIT_IO, "what the mount still shows can be copied elsewhere"},
	{HD_E_STORE_EXISTS, HD_EXIT_CANNOT_CREATE,
		"it is ready for use: 'heddle status' shows it, 'heddle mount' mounts it"},
	{HD_E_STORE_VERSION, HD_EXIT_CONFIG,
		"use the version of heddle that wrote it; 'heddle version' shows this one"},
	{HD_E_STORE_CORRUPT, HD_EXIT_DATA, "copy the .heddle directory away before anything else is tried"},
	{HD_E_OBJECT_MISSING, HD_EXIT_DATA,
		"restore .heddle/objects from a backup; other states are not affected"},
	{HD_E_OBJECT_CORRUPT, HD_EXIT_DATA, "check the disk, then restore .heddle/objects from a backup"},
	{HD_E_TREE_CORRUPT, HD_EXIT_DATA,
		"restore .heddle/objects from a backup; other states are not affected"},
	{HD_E_ATTRIBUTES_CORRUPT, HD_EXIT_DATA,
		"restore .heddle/objects from a backup; other states are not affected"},
	{HD_E_BASE_MISSING, HD_EXIT_UNAVAILABLE,
		"make the base reachable again at the path it had, then repeat the command"},
	{HD_E_BASE_CHANGED, HD_EXIT_DATA,
		"put the base directory back as it was, or 'heddle init' a new store over it"},
	{HD_E_BASE_OBJECT, HD_EXIT_DATA,
		"fetch the missing objects into the base repository, or run 'git fsck' there"},
	{HD_E_BASE_TIMEOUT, HD_EXIT_UNAVAILABLE, "check the network filesystem that holds the base"},
	{HD_E_THREAD_MISSING, HD_EXIT_NO_INPUT, "'heddle mount NAME' makes a thread of that name"},
	{HD_E_THREAD_EXISTS, HD_EXIT_CANNOT_CREATE, NULL},
	{HD_E_THREAD_MOVED, HD_EXIT_TEMPORARY, "repeat the command"},
	{HD_E_FOLLOWED, HD_EXIT_TEMPORARY, "it mounts there what comes; end that one first"},
	{HD_E_THREAD_BUSY, HD_EXIT_TEMPORARY,
		"another heddle command or a mount that is starting or ending uses the thread; repeat the "
		"command"},
	{HD_E_STATE_MISSING, HD_EXIT_NO_INPUT, "'heddle log' lists the states of a thread"},
	{HD_E_STATE_AMBIGUOUS, HD_EXIT_DATA, "give more digits"},
	{HD_E_TAG_MISSING, HD_EXIT_NO_INPUT, "'heddle tag list' shows those that there are"},
	{HD_E_TAG_EXISTS, HD_EXIT_CANNOT_CREATE, "'heddle tag delete' takes it away"},
	{HD_E_OPERATION_MISSING, HD_EXIT_NO_INPUT, "'heddle op log' lists the operations"},
	{HD_E_OPERATION_BLOCKED, HD_EXIT_TEMPORARY,
		"'heddle op log' shows what happened; undo what came later first"},
	{HD_E_NAME_INVALID, HD_EXIT_USAGE,
		"a name has 1 to 200 bytes, no ':' or '~', '/' only if it is a tag's, and begins with "
		"neither "
		"'.' nor '-'"},
	{HD_E_ARENA_CORRUPT, HD_EXIT_DATA,
		"see the log in .heddle/log; copy the .heddle directory away first"},
	{HD_E_MEMORY_DAMAGED, HD_EXIT_DATA,
		"'heddle status' says what is still shown; 'heddle unmount', then 'heddle mount' go on from "
		"there"},
	{HD_E_JOURNAL_CORRUPT, HD_EXIT_DATA,
		"nothing was changed; copy the .heddle directory away and check the disk, then restore the "
		"journal from a backup, or go on with its whole part by 'heddle thread repair NAME'"},
	{HD_E_JOURNAL_VERSION, HD_EXIT_CONFIG,
		"use the version of heddle that wrote it; 'heddle version' shows this one"},
	{HD_E_PATH_MISSING, HD_EXIT_NO_INPUT,
		"a path begins where one stands in a mount, elsewhere at the root of the tree; 'heddle ls -r "
		"STATE' lists a state's"},
	{HD_E_STATE_SPEC, HD_EXIT_NO_INPUT,
		"a state is a thread's name (its head), a tag, @, or 4 or more digits of an id that "
		"'heddle log' shows; paths come behind '--'"},
	{HD_E_IDENTITY_INVALID, HD_EXIT_USAGE, NULL},
	{HD_E_FACT_INVALID, HD_EXIT_USAGE,
		"a key has 1 to 64 letters, digits and dashes and begins with a letter"},
	{HD_E_EXPORT_NAME, HD_EXIT_DATA, "rename it in the mount and capture again"},
	{HD_E_IMPORT_CHANGED, HD_EXIT_TEMPORARY, "repeat the command when nobody writes there"},
	{HD_E_BRANCH_CHECKED_OUT, HD_EXIT_TEMPORARY,
		"name another branch with --branch, or check out another one there"},
	{HD_E_SPARSE, HD_EXIT_TEMPORARY, "'git sparse-checkout disable' in the mount first"},
	{HD_E_WORKTREE, HD_EXIT_UNAVAILABLE, "mount without --git: the tree is the same"},
	{HD_E_NOTHING_CHANGED, HD_EXIT_DIFFERENT, NULL},
	{HD_E_INTERRUPTED, HD_EXIT_INTERRUPTED, NULL},
	{HD_E_REPOSITORY, HD_EXIT_DATA, NULL},
	{HD_E_REPOSITORY_MISSING, HD_EXIT_NO_INPUT, "name a git repository; 'git init' makes one"},
	{HD_E_REPOSITORY_UNBORN, HD_EXIT_NO_INPUT,
		"commit something first, or use 'heddle init --base .' to take the files as they are"},
	{HD_E_REFERENCE_MOVED, HD_EXIT_TEMPORARY, "repeat the command"},
	{HD_E_REFERENCE_ELSEWHERE, HD_EXIT_TEMPORARY, NULL},
	{HD_E_REFERENCE_COLLIDES, HD_EXIT_CANNOT_CREATE,
		"name another branch with --branch, or rename that one"},
	{HD_E_REFERENCE_MISSING, HD_EXIT_NO_INPUT,
		"'git branch' shows those that there are; --onto names one"},
	{HD_E_UNRELATED, HD_EXIT_DATA, NULL},
	{HD_E_CHECKOUT, HD_EXIT_TEMPORARY, "commit or stash there first, or check out another branch there"},
	{HD_E_UNCAPTURED, HD_EXIT_TEMPORARY, "'heddle capture' first, or give --capture"},
	{HD_E_CONFLICTS, HD_EXIT_CONFLICTS, NULL},
	{HD_E_IDENTITY_MISSING, HD_EXIT_CONFIG,
		"give --author 'Name <mail>', or run: git config --global user.name NAME; "
		"git config --global user.email MAIL"},
	{HD_E_MOUNT_REFUSED, HD_EXIT_NO_PERMISSION,
		"a FUSE mount needs /dev/fuse, and the setuid program fusermount3 (package fuse3) for "
		"ordinary users; "
		"--allow-other needs user_allow_other in /etc/fuse.conf"},
	{HD_E_FUSE_DEVICE, HD_EXIT_UNAVAILABLE,
		"load the kernel's module by 'modprobe fuse'; a container needs the device given to it, as "
		"by 'docker run --device /dev/fuse'; 'heddle doctor' looks again"},
	{HD_E_NOT_MOUNTED, HD_EXIT_UNAVAILABLE, "'heddle mount' mounts it"},
	{HD_E_MOUNTED, HD_EXIT_TEMPORARY, "'heddle status' shows where; 'heddle unmount' ends it"},
	{HD_E_WORKER_DIED, HD_EXIT_UNAVAILABLE, "see the log in .heddle/log; nothing written is lost"},
	{HD_E_CONTROL_TIMEOUT, HD_EXIT_UNAVAILABLE,
		"see the log in .heddle/log; 'heddle unmount --lazy' detaches the mount"},
	{HD_E_OTHER_FORMATS, HD_EXIT_CONFIG,
		"'heddle unmount' of that version, then 'heddle mount' of this one: nothing written is lost"},
	{HD_E_CONTROL_PROTOCOL, HD_EXIT_INTERNAL,
		"the mount may run another version of heddle: unmount and mount again"},
	{HD_E_COMMAND_MISSING, HD_EXIT_COMMAND_MISSING, NULL},
	{HD_E_COMMAND_REFUSED, HD_EXIT_COMMAND_REFUSED, NULL},
	{EINVAL, HD_EXIT_DATA, NULL},
	{ENOENT, HD_EXIT_NO_INPUT, NULL},
	{ENOTDIR, HD_EXIT_NO_INPUT, NULL},
	{EISDIR, HD_EXIT_NO_INPUT, NULL},
	{ENXIO, HD_EXIT_NO_INPUT, NULL},
	{EEXIST, HD_EXIT_CANNOT_CREATE, NULL},
	{ENOTEMPTY, HD_EXIT_CANNOT_CREATE, "name an empty directory or one that does not exist"},
	{EROFS, HD_EXIT_CANNOT_CREATE, "choose a place that can be written, with --store"},
	{EIO, HD_EXIT_IO, NULL},
	{ENOSPC, HD_EXIT_IO, "make room on that disk, then repeat the command"},
	{EDQUOT, HD_EXIT_IO, "make room within the quota, then repeat the command"},
	{EMFILE, HD_EXIT_SYSTEM, "raise the limit of open files ('ulimit -n'), then repeat the command"},
	{ENFILE, HD_EXIT_SYSTEM,
		"the machine has no room for more open files: close some, or raise fs.file-max"},
	{ENOMEM, HD_EXIT_SYSTEM,
		"make memory free, or raise the limit ('ulimit -v'), then repeat the command"},
	{EFBIG, HD_EXIT_IO, NULL},
	{EPIPE, HD_EXIT_IO, NULL},
	{EPROTO, HD_EXIT_DATA, NULL},
	{ESTALE, HD_EXIT_DATA, NULL},
	{EAGAIN, HD_EXIT_TEMPORARY, "repeat the command"},
	{EBUSY, HD_EXIT_TEMPORARY,
		"something has its working directory or files open there: 'fuser -vm DIR' shows what; "
		"--lazy detaches anyway"},
	{EINTR, HD_EXIT_TEMPORARY, NULL},
	{EACCES, HD_EXIT_NO_PERMISSION, NULL},
	{EPERM, HD_EXIT_NO_PERMISSION, NULL},
	{ENOTCONN, HD_EXIT_UNAVAILABLE,
		"the mount's server is gone: 'heddle unmount' clears it, 'heddle mount' mounts again"},
	{ECONNREFUSED, HD_EXIT_UNAVAILABLE,
		"the mount's server is gone: 'heddle unmount' clears it, 'heddle mount' mounts again"},
	{ECONNRESET, HD_EXIT_UNAVAILABLE, "the mount ended while it was asked; see the log in .heddle/log"},
	{ETIMEDOUT, HD_EXIT_UNAVAILABLE, NULL},
	{ENODEV, HD_EXIT_UNAVAILABLE, "load the kernel module: modprobe fuse"},
};

static const struct exit_row *find_row(int code)
{
	for (size_t i = 0; i < HD_ARRAY_SIZE(exit_table); i++) {
		if (exit_table[i].code == code)
			return &exit_table[i];
	}
	return NULL;
}

static const struct exit_row *row_of(int r)
{
	const struct exit_row *row = find_row(-r);

	return row ? row : find_row(hd_error_to_errno(r));
}

int hd_exit_status(int r)
{
	const struct exit_row *row;

	if (r >= 0)
		return r;
	row = row_of(r);
	return row ? (int)row->status : (int)HD_EXIT_SYSTEM;
}

const char *hd_exit_hint(int r)
{
	const struct exit_row *row = r < 0 ? row_of(r) : NULL;

	return row ? row->hint : NULL;
}
