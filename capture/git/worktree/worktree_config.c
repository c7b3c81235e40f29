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
#define WORKTREE_FILE "config.worktree"

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

/* What is set beside the hook, unless somebody has said something of it. */
static const struct setting {
	const char *name;
	const char *word; /* in "[core]" of a file */
	bool value;
} settings[] = {
	/* git writes what it found of untracked files, and with it a new token, only where it is told to keep a cache of them. */
	{UNTRACKED, "untrackedcache", true},
	/* It would start threads, a tenth of the work of a status, to look at entries of which nearly none is to be looked at. */
	{PRELOAD, "preloadindex", false},
};

/* Sets RET_OPEN of each of them that neither the repository's nor the user's configuration has. */
static int find_open_settings(const char *location, bool ret_open[HD_ARRAY_SIZE(settings)])
{
	git_config *common = NULL, *personal = NULL;
	int r = open_file(location, "config", &common);
	bool is_personal = r >= 0 && git_config_open_default(&personal) == 0;

	for (size_t i = 0; i < HD_ARRAY_SIZE(settings); i++)
		ret_open[i] = r >= 0 && !has(common, settings[i].name) &&
			      !(is_personal && has(personal, settings[i].name));
	git_config_free(personal);
	git_config_free(common);
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

static int set_open(git_config *config, const bool open[])
{
	for (size_t i = 0; i < HD_ARRAY_SIZE(settings); i++)
		if (open[i] && !has(config, settings[i].name) &&
			git_config_set_bool(config, settings[i].name, settings[i].value) < 0)
			return hd_git_library_fail(
				HD_E_REPOSITORY, "set %s of the worktree", settings[i].name);
	return 0;
}

/* VALUE in git's own quotes. */
static void put_value(struct hd_buffer *text, const char *value)
{
	hd_buffer_put_u8(text, '"');
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			hd_buffer_put_u8(text, '\\');
		if (*value == '\n')
			hd_buffer_put_text(text, "\\n");
		else
			hd_buffer_put_u8(text, (uint8_t)*value);
	}
	hd_buffer_put_text(text, "\"\n");
}

static int write_new(int directory_fd, const struct hd_buffer *text)
{
	struct hd_atomic_file file;
	int r = hd_file_atomic_begin(directory_fd, 0666, &file);

	if (r < 0)
		return r;
	r = hd_file_write_at(file.fd, text->data, text->size, 0);
	if (r < 0) {
		hd_file_atomic_abort(&file);
		return r;
	}
	return hd_file_atomic_commit(&file, WORKTREE_FILE, false, false);
}

/* All of a new worktree's file at once: libgit2 would write and read it back for each word. -EEXIST: it is there. */
static int make_file(const char *admin, const char *hook, const bool open[])
{
	HD_AUTO_CLOSE int directory_fd = hd_directory_open(AT_FDCWD, admin);
	HD_AUTO_BUFFER struct hd_buffer quoted = {0};
	HD_AUTO_BUFFER struct hd_buffer text = {0};
	int r = directory_fd < 0 ? directory_fd : quote(hook, &quoted);

	if (r < 0)
		return r;
	if (hd_file_exists(directory_fd, WORKTREE_FILE))
		return -EEXIST;
	hd_buffer_put_text(&text, "[core]\n\tfsmonitor = ");
	put_value(&text, (const char *)quoted.data);
	for (size_t i = 0; i < HD_ARRAY_SIZE(settings); i++)
		if (open[i])
			hd_buffer_printf(
				&text, "\t%s = %s\n", settings[i].word, settings[i].value ? "true" : "false");
	r = hd_buffer_status(&text);
	return r < 0 ? r : write_new(directory_fd, &text);
}

static int set_in_file(const char *admin, const char *hook, const bool open[], bool *ret_asks)
{
	git_config *config = NULL;
	int r = open_file(admin, WORKTREE_FILE, &config);

	if (r == 0)
		r = set_hook(config, hook, ret_asks);
	if (r == 0 && *ret_asks)
		r = set_open(config, open);
	git_config_free(config);
	return r;
}

int hd_worktree_config_set_hook(const char *location, const char *admin, const char *hook,
	enum hd_worktree_extend extend, bool *ret_asks)
{
	bool open[HD_ARRAY_SIZE(settings)];
	int r = has_worktrees(location, extend, ret_asks);

	if (r < 0 || !*ret_asks)
		return r;
	*ret_asks = false;
	r = find_open_settings(location, open);
	if (r < 0)
		return r;
	r = make_file(admin, hook, open);
	if (r == -EEXIST)
		return set_in_file(admin, hook, open, ret_asks);
	*ret_asks = r >= 0;
	return r < 0 ? hd_fail_in(r, "write %s/" WORKTREE_FILE, admin) : 0;
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
		r = open_file(admin, WORKTREE_FILE, &config);
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

	if (asprintf(&path, "%s/" WORKTREE_FILE, admin) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (!hd_file_exists(AT_FDCWD, path))
		return 0;
	r = open_file(admin, WORKTREE_FILE, &config);
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
