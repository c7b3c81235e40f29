/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/git_link.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/git/worktree/worktree.h"
#include "mount/fsmonitor/fsmonitor_hook.h"
#include "mount/owner_map.h"
#include "mount/run_file.h"
#include "overlay/changes/changed_paths.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/log.h"
#include "overlay/platform/processes/process.h"

#define GIT_NAME ".git"

static int attach(struct hd_overlay *overlay, const struct hd_mount_options *options, const char *mountpoint,
	char **ret_text)
{
	struct hd_worktree_settings settings = {.thread = hd_overlay_thread(overlay),
		.mountpoint = mountpoint,
		.branch = options->git == HD_GIT_BRANCH};
	HD_AUTO_FREE char *hook = NULL;
	char token[HD_CHANGES_TOKEN_SIZE];
	struct hd_attributes root;
	struct hd_owner_map owners;
	int r = hd_overlay_getattr(overlay, HD_ROOT_INO, &root);

	if (r < 0)
		return r;
	/* What a git base has belongs to who mounts. */
	hd_owner_map_init(&owners, options);
	hd_changes_begin(overlay, token);
	settings.is_of_base = hd_changes_are_of_base(overlay);
	settings.token = token[0] ? token : NULL;
	settings.root = root.number;
	settings.uid = hd_owner_map_uid(&owners, geteuid());
	settings.gid = hd_owner_map_gid(&owners, getegid());
	/* A tree with a repository in it, as a directory base may be: that is what git is to find. */
	if (hd_overlay_has_name(overlay, HD_ROOT_INO, GIT_NAME))
		return hd_fail(HD_E_WORKTREE, "the tree has a " GIT_NAME " of its own");
	if (options->git_fsmonitor != HD_GIT_FSMONITOR_NO &&
		hd_process_own_program(HD_FSMONITOR_PROGRAM, &hook) < 0)
		hd_error_clear();
	settings.hook = hook;
	settings.extend = options->git_fsmonitor == HD_GIT_FSMONITOR_YES ? HD_WORKTREE_EXTEND
									 : HD_WORKTREE_EXTEND_HARMLESSLY;
	return hd_worktree_attach(hd_overlay_store(overlay), &settings, ret_text);
}

int hd_git_link_prepare(
	struct hd_overlay *overlay, const struct hd_mount_options *options, const char *mountpoint)
{
	const char *store = hd_overlay_store(overlay)->path;
	uint32_t number = hd_overlay_thread_number(overlay);
	HD_AUTO_FREE char *text = NULL;
	int r;

	if (options->git == HD_GIT_NONE || !mountpoint) {
		hd_run_file_remove(store, number, HD_RUN_GIT);
		return 0;
	}
	r = attach(overlay, options, mountpoint, &text);
	if (r < 0) {
		if (options->git != HD_GIT_AUTO || r == -HD_E_BASE_OBJECT)
			hd_log(HD_LOG_NOTICE, "%s", hd_error_message(r));
		if (asprintf(&text, HD_GIT_LINK_NONE "%s%s\n",
			    r == -HD_E_BASE_OBJECT ? HD_GIT_LINK_UNREAD : "", hd_error_message(r)) < 0) {
			text = NULL;
			return -ENOMEM;
		}
		hd_error_clear();
	}
	return hd_run_file_write(store, number, HD_RUN_GIT, text);
}

/* Two that make a directory at once would make two. */
static _Atomic bool renewing;

static int renew(struct hd_overlay *overlay, const struct hd_mount_options *options, const char *mountpoint,
	char **ret_text)
{
	const struct hd_store *store = hd_overlay_store(overlay);
	uint32_t number = hd_overlay_thread_number(overlay);
	HD_AUTO_FREE char *text = NULL;
	int r = hd_git_link_read(overlay, &text);

	*ret_text = NULL;
	if (r < 0 || !text || hd_worktree_is_whole(store, number, text))
		return r;
	hd_cleanup_free(&text);
	text = NULL;
	r = attach(overlay, options, mountpoint, &text);
	if (r >= 0)
		r = hd_run_file_write(store->path, number, HD_RUN_GIT, text);
	if (r >= 0)
		*ret_text = HD_STEAL(text);
	return r;
}

int hd_git_link_renew(struct hd_overlay *overlay, const struct hd_mount_options *options,
	const char *mountpoint, char **ret_text)
{
	int r;

	if (atomic_exchange(&renewing, true))
		return hd_fail(HD_E_WORKTREE, "somebody else has it made at this moment");
	r = renew(overlay, options, mountpoint, ret_text);
	atomic_store(&renewing, false);
	return r;
}

int hd_git_link_read(struct hd_overlay *overlay, char **ret_text)
{
	HD_AUTO_FREE char *text = NULL;
	int r = hd_run_file_read(
		hd_overlay_store(overlay)->path, hd_overlay_thread_number(overlay), HD_RUN_GIT, &text);

	if (r < 0 && r != -ENOENT)
		return r;
	hd_error_clear();
	if (r >= 0 && strncmp(text, HD_GIT_LINK_NONE, strlen(HD_GIT_LINK_NONE)) != 0)
		*ret_text = HD_STEAL(text);
	else
		*ret_text = NULL;
	return 0;
}
