/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/worktree/worktree_config.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

#define EXTENSION "extensions.worktreeconfig"
#define HOOK "core.fsmonitor"
#define UNTRACKED "core.untrackedcache"
#define PRELOAD "core.preloadindex"
#define OUR_HOOK "heddle-fsmonitor"
#define SPARSE "core.sparsecheckout"

static int open_file(const char *directory, const char *name, git_config **ret_config)
{
	HD_AUTO_FREE char *path = NULL;

	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return git_config_open_ondisk(ret_config, path) < 0
		       ? hd_git_library_fail(HD_E_REPOSITORY, "read the configuration %s", path)
		       : 0;
}

static bool says(git_config *config, const char *name)
{
	int value = 0;

	return git_config_get_bool(&value, config, name) == 0 && value;
}

/*
 * As `git config extensions.worktreeConfig true` does. With it what is of the main worktree alone (core.bare, core.worktree)
 * would have to move to a file of that one, which is not ours to decide.
 */
static int extend(git_config *config, enum hd_worktree_extend extend, bool *ret_extended)
{
	git_buf worktree = GIT_BUF_INIT;
	int32_t format = 0;

	if (git_config_get_int32(&format, config, "core.repositoryformatversion") == GIT_ENOTFOUND)
		format = 0;
	*ret_extended = (format == 0 || extend == HD_WORKTREE_EXTEND) && !says(config, "core.bare") &&
			git_config_get_string_buf(&worktree, config, "core.worktree") == GIT_ENOTFOUND;
	git_buf_dispose(&worktree);
	if (*ret_extended && git_config_set_bool(config, EXTENSION, 1) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "set " EXTENSION);
	return 0;
}

static bool has(git_config *config, const char *name)
{
	git_buf value = GIT_BUF_INIT;
	bool found = git_config_get_string_buf(&value, config, name) == 0;

	git_buf_dispose(&value);
	return found;
}

static int set_unless_said(const char *location, git_config *config, const char *name, bool value)
{
	git_config *common = NULL, *personal = NULL;
	int r = open_file(location, "config", &common);
	bool is_set = r < 0 || has(common, name) || has(config, name);

	if (git_config_open_default(&personal) == 0)
		is_set |= has(personal, name);
	git_config_free(personal);
	git_config_free(common);
	if (!is_set && git_config_set_bool(config, name, value) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "set %s of the worktree", name);
	return r;
}

static int has_extension(const char *location, bool *ret_has)
{
	git_config *config = NULL;
	int r = open_file(location, "config", &config);

	*ret_has = r == 0 && says(config, EXTENSION);
	git_config_free(config);
	return r;
}

static int has_worktrees(const char *location, enum hd_worktree_extend how, bool *ret_has)
{
	git_config *config = NULL;
	int r = has_extension(location, ret_has);

	if (r < 0 || *ret_has)
		return r;
	r = open_file(location, "config", &config);
	if (r == 0)
		r = extend(config, how, ret_has);
	git_config_free(config);
	/* It may be that somebody held the lock of the file to do just that. */
	if (r < 0 && has_extension(location, ret_has) == 0 && *ret_has) {
		hd_error_clear();
		r = 0;
	}
	return r;
}

/* git gives what has none but these bytes to no shell. */
static int quote(const char *hook, struct hd_buffer *buffer)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+,:@";
	bool is_plain = hook[strspn(hook, plain)] == '\0';

	hd_buffer_put_text(buffer, is_plain ? "" : "'");
	for (; *hook; hook++)
		if (*hook == '\'')
			hd_buffer_put_text(buffer, "'\\''");
		else
			hd_buffer_put_u8(buffer, (uint8_t)*hook);
	hd_buffer_put_text(buffer, is_plain ? "" : "'");
	hd_buffer_put_u8(buffer, 0);
	return hd_buffer_status(buffer);
}

static int set_hook(git_config *config, const char *hook, bool *ret_asks)
{
	HD_AUTO_BUFFER struct hd_buffer quoted = {0};
	git_buf value = GIT_BUF_INIT;
	bool is_there = git_config_get_string_buf(&value, config, HOOK) == 0;
	bool is_other = is_there && !strstr(value.ptr, OUR_HOOK);
	int r = quote(hook, &quoted);

	if (r == 0 && !is_other && (!is_there || strcmp(value.ptr, (const char *)quoted.data) != 0) &&
		git_config_set_string(config, HOOK, (const char *)quoted.data) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "set " HOOK " of the worktree");
	*ret_asks = r == 0 && !is_other;
	git_buf_dispose(&value);
	return r;
}

int hd_worktree_config_set_hook(const char *location, const char *admin, const char *hook,
	enum hd_worktree_extend extend, bool *ret_asks)
{
	git_config *config = NULL;
	int r = has_worktrees(location, extend, ret_asks);

	if (r < 0 || !*ret_asks)
		return r;
	*ret_asks = false;
	r = open_file(admin, "config.worktree", &config);
	if (r == 0)
		r = set_hook(config, hook, ret_asks);
	/* git writes what it found of untracked files, and with it a new token, only where it is told to keep a cache of them. */
	if (r == 0 && *ret_asks)
		r = set_unless_said(location, config, UNTRACKED, true);
	/* It would start threads, a tenth of the work of a status, to look at entries of which nearly none is to be looked at. */
	if (r == 0 && *ret_asks)
		r = set_unless_said(location, config, PRELOAD, false);
	git_config_free(config);
	return r;
}

int hd_worktree_config_is_sparse(const char *location, const char *admin, bool *ret_sparse)
{
	git_config *config = NULL, *common = NULL;
	HD_AUTO_FREE char *patterns = NULL;
	int r;

	*ret_sparse = false;
	if (asprintf(&patterns, "%s/info/sparse-checkout", admin) < 0) {
		patterns = NULL;
		return -ENOMEM;
	}
	/* Mostly there is none, and libgit2 need not be loaded. */
	if (!hd_file_exists(AT_FDCWD, patterns))
		return 0;
	r = hd_git_library_start();
	if (r >= 0)
		r = open_file(location, "config", &common);
	if (r >= 0)
		r = open_file(admin, "config.worktree", &config);
	if (r >= 0)
		*ret_sparse = says(has(config, SPARSE) ? config : common, SPARSE);
	git_config_free(config);
	git_config_free(common);
	return r;
}

int hd_worktree_config_clear_hook(const char *admin)
{
	static const char *const names[] = {HOOK, UNTRACKED, PRELOAD};
	git_config *config = NULL;
	git_buf value = GIT_BUF_INIT;
	HD_AUTO_FREE char *path = NULL;
	int r;

	if (asprintf(&path, "%s/config.worktree", admin) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (!hd_file_exists(AT_FDCWD, path))
		return 0;
	r = open_file(admin, "config.worktree", &config);
	if (r == 0 && git_config_get_string_buf(&value, config, HOOK) == 0 && strstr(value.ptr, OUR_HOOK)) {
		for (size_t i = 0; i < HD_ARRAY_SIZE(names) && r == 0; i++) {
			int g = git_config_delete_entry(config, names[i]);

			if (g < 0 && g != GIT_ENOTFOUND)
				r = hd_git_library_fail(
					HD_E_REPOSITORY, "take back %s of the worktree", names[i]);
		}
	}
	git_buf_dispose(&value);
	git_config_free(config);
	return r;
}
