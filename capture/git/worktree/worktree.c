/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/worktree/worktree.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/git/head_text.h"
#include "capture/git/thread_branch.h"
#include "capture/git/walk/partial_clone.h"
#include "capture/git/worktree/worktree_config.h"
#include "capture/git/worktree/worktree_head.h"
#include "capture/git/worktree/worktree_index.h"
#include "capture/git/worktree/worktree_index_edit.h"
#include "capture/git/worktree/worktree_publish.h"
#include "capture/history/state_log.h"
#include "overlay/bases/base.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/bases/git/base_git_reference.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/log.h"
#include "overlay/platform/random.h"

/*
 * What is in the directory, and in which order it is written: `locked` first, so that at no instant git would prune it,
 * `gitdir` last. One that is there and lacks something (an older git's prune, a person) is completed by the same code.
 *
 *     locked      why git must not remove it: it is not where its files are when it is not mounted
 *     heddle      whose it is (worktree_record.h)
 *     commondir   "../.."
 *     HEAD        the commit, or the branch
 *     heddle-head where HEAD was when heddle saw it last (worktree_head.h)
 *     index       of that commit; with it git finds nothing changed that is not
 *     gitdir      the mount's .git, wherever that is now
 */

#define TEXT_LIMIT 65536
#define LINK_BEGIN "gitdir: "

struct making {
	struct hd_store *store;
	const struct hd_worktree_settings *settings;
	uint32_t number;            /* of the thread */
	char *location;             /* owned: the repository's git directory */
	git_repository *repository; /* owned */
	git_oid base;               /* the commit that the thread began at */
	git_oid first;              /* where HEAD of a new one is: the last commit that the thread is at */
	struct hd_state_id head;    /* the thread's */
	struct hd_worktree_stat stat;
	mode_t directory_mode; /* as the repository's own, for files without x */
};

static void making_clear(struct making *making)
{
	git_repository_free(making->repository);
	free(making->location);
	*making = (struct making){0};
}

/* ---- which repository ---- */

static int find_base(struct making *making)
{
	struct hd_index *index = making->store->index;
	struct hd_base_record base = {0};
	struct hd_state first = {0};
	struct hd_thread thread;
	int r;

	r = hd_index_get_thread(index, making->settings->thread, &thread);
	if (r < 0)
		return r;
	making->number = thread.number;
	making->head = thread.head;
	r = hd_index_find_first(index, &thread.head, &first);
	if (r >= 0 && hd_worktree_head_nearest(index, &thread.head, &making->first) < 0)
		making->first = (git_oid){0};
	hd_thread_clear(&thread);
	if (r < 0)
		return r;
	if (!hd_state_git_tree(&first) || !first.git_commit)
		r = hd_fail(HD_E_WORKTREE, "the thread's base is no git commit");
	else if (git_oid_fromstr(&making->base, first.git_commit) < 0)
		r = hd_fail(HD_E_WORKTREE, "the commit %s of the thread's base", first.git_commit);
	else
		r = hd_index_get_base(index, hd_state_git_tree(&first)->base, &base);
	making->stat.time_s = first.time_s;
	hd_state_clear(&first);
	if (r < 0)
		return r;
	making->location = HD_STEAL(base.location);
	hd_base_record_clear(&base);
	return 0;
}

/* git uses no repository that is somebody else's, and must not find files there that its owner cannot write. */
static int check_owner(struct making *making)
{
	struct stat stat;
	int r = hd_file_stat_at(AT_FDCWD, making->location, &stat);

	if (r < 0)
		return hd_fail(HD_E_WORKTREE, "%s (%s)", making->location, hd_error_text(r));
	if (stat.st_uid != geteuid())
		return hd_fail(HD_E_WORKTREE, "the repository %s belongs to user %u", making->location,
			(unsigned)stat.st_uid);
	making->directory_mode = (stat.st_mode & 0777) | 0700;
	return 0;
}

static int check_texts(const struct making *making)
{
	if (strchr(making->settings->mountpoint, '\n') || strchr(making->location, '\n') ||
		strchr(making->store->path, '\n'))
		return hd_fail(HD_E_WORKTREE, "a path has a line break in it");
	return 0;
}

/*
 * git knows a changed file by its change time, in seconds. Whatever was changed in a thread was changed after the store was made: where
 * that is later than the commit, no file that is another has the commit's time.
 */
static void describe_files(struct making *making)
{
	const struct hd_worktree_settings *settings = making->settings;
	struct hd_worktree_stat *said = &making->stat;
	struct stat stat;

	said->known = hd_file_stat_at(making->store->fd, "format", &stat) >= 0 &&
		      said->time_s < stat.st_mtim.tv_sec;
	said->root = settings->root;
	said->worktree = settings->is_of_base ? settings->mountpoint : NULL;
	said->uid = settings->uid;
	said->gid = settings->gid;
}

static int open_repository(struct making *making)
{
	git_commit *first = NULL;
	int r = hd_git_library_start();

	if (r >= 0)
		r = find_base(making);
	if (r >= 0)
		r = check_owner(making);
	if (r >= 0)
		r = check_texts(making);
	if (r >= 0)
		describe_files(making);
	if (r >= 0 && git_repository_open_bare(&making->repository, making->location) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "open git repository %s", making->location);
	if (r >= 0 && git_commit_lookup(&first, making->repository, &making->first) < 0)
		making->first = making->base;
	git_commit_free(first);
	return r;
}

/* ---- HEAD ---- */

static int begin_on_branch(const struct making *making, git_oid *ret_commit, char **ret_head)
{
	HD_AUTO_FREE char *name = NULL;
	git_reference *branch = NULL;
	git_object *commit = NULL;
	int r = 0;

	if (asprintf(&name, HD_THREAD_BRANCH_PREFIX "%s", making->settings->thread) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	if (git_reference_lookup(&branch, making->repository, name) == 0 &&
		git_branch_is_checked_out(branch) == 1)
		r = hd_fail(HD_E_BRANCH_CHECKED_OUT, "%s", name);
	else if (!branch && git_reference_create(&branch, making->repository, name, &making->first, 0,
				    "heddle: begin thread") < 0)
		r = hd_git_reference_fail(making->repository, name);
	else if (git_reference_peel(&commit, branch, GIT_OBJECT_COMMIT) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "read the branch %s", name);
	if (r == 0 && asprintf(ret_head, "ref: %s\n", name) < 0)
		r = -ENOMEM;
	if (r == 0)
		*ret_commit = *git_object_id(commit);
	git_object_free(commit);
	git_reference_free(branch);
	return r;
}

static int choose_head(const struct making *making, git_oid *ret_commit, char **ret_head)
{
	char hex[GIT_OID_HEXSZ + 1];

	if (making->settings->branch)
		return begin_on_branch(making, ret_commit, ret_head);
	if (asprintf(ret_head, "%s\n", git_oid_tostr(hex, sizeof(hex), &making->first)) < 0)
		return -ENOMEM;
	*ret_commit = making->first;
	return 0;
}

/* ---- the files ---- */

static int write_text(const struct making *making, int directory_fd, const char *name, const char *text)
{
	struct hd_atomic_file file;
	int r = hd_file_atomic_begin(directory_fd, making->directory_mode & 0666, &file);

	if (r < 0)
		return r;
	/* Whatever the mask of this process is. */
	r = hd_file_set_mode(file.fd, making->directory_mode & 0666);
	if (r >= 0)
		r = hd_file_write_at(file.fd, text, strlen(text), 0);
	if (r < 0) {
		hd_file_atomic_abort(&file);
		return r;
	}
	return hd_file_atomic_commit(&file, name, true, false);
}

/* A git that looks meanwhile sees the old text or the new one. */
static int write_changed(const struct making *making, int directory_fd, const char *name, const char *text)
{
	HD_AUTO_FREE char *old = NULL;
	size_t size;

	if (hd_file_read_whole(directory_fd, name, TEXT_LIMIT, &old, &size) >= 0 && strcmp(old, text) == 0)
		return 0;
	return write_text(making, directory_fd, name, text);
}

struct search {
	const char *commit; /* hex */
	struct hd_state_id found;
};

static int match_commit(const struct hd_state *state, void *payload)
{
	struct search *search = payload;

	if (!state->git_commit || strcmp(state->git_commit, search->commit) != 0)
		return 0;
	search->found = state->id;
	return 1;
}

/* 1 with the state of the thread's history that stands for COMMIT; 0: none does. */
static int find_shown(const struct making *making, const git_oid *commit, struct hd_state *ret_state)
{
	char hex[GIT_OID_HEXSZ + 1];
	struct search search = {.commit = git_oid_tostr(hex, sizeof(hex), commit)};
	struct hd_index *index = making->store->index;
	int r = hd_state_log_walk(index, &making->head, HD_STATE_LOG_FIRST_PARENT, match_commit, &search);

	if (r > 0)
		r = hd_index_get_state(index, &search.found, ret_state);
	return r < 0 ? r : !hd_state_id_is_zero(&search.found);
}

/* Where files are converted, it is known how by a state alone: of another commit git looks at each file itself. */
static int fill_index(
	const struct making *making, const git_oid *commit, struct hd_worktree_stat *stat, const char *index)
{
	struct hd_state shown = {0};
	int r = making->store->smudges ? find_shown(making, commit, &shown) : 1;

	if (r == 0)
		stat->known = false;
	if (r >= 0)
		r = hd_worktree_index_write(making->store, making->repository, commit, stat, &shown, index);
	hd_state_clear(&shown);
	return r;
}

/* Under another name first: git finds none or the whole one. What is there under it is left of a death in between. */
static int write_index(const struct making *making, int directory_fd, const char *path, const git_oid *commit)
{
	struct hd_worktree_stat stat = making->stat;
	HD_AUTO_FREE char *index = NULL;
	int r;

	if (asprintf(&index, "%s/" HD_WORKTREE_INDEX_TEMPORARY, path) < 0) {
		index = NULL;
		return -ENOMEM;
	}
	/* What is said of the base holds for the base's commit alone. */
	if (!git_oid_equal(commit, &making->base))
		stat.worktree = stat.token = NULL;
	r = hd_file_unlink(directory_fd, HD_WORKTREE_INDEX_TEMPORARY);
	if (r >= 0 || r == -ENOENT)
		r = fill_index(making, commit, &stat, index);
	return r < 0 ? r : hd_worktree_index_publish(directory_fd, making->directory_mode & 0666);
}

/* The commit that HEAD of a directory that is there names. */
static int read_head(const struct making *making, int directory_fd, git_oid *ret_commit)
{
	HD_AUTO_FREE char *text = NULL;
	struct hd_head_text head;
	int r = hd_head_text_read(directory_fd, "HEAD", &text, &head);

	if (r < 0)
		return r;
	if (head.reference)
		return git_reference_name_to_id(ret_commit, making->repository, head.reference) < 0 ? -ENOENT
												    : 0;
	*ret_commit = head.commit;
	return 0;
}

/* Nothing here is synced: after a power cut a file may be there and be empty, which is as good as none. */
static bool is_there(int directory_fd, const char *name)
{
	struct stat stat;

	return hd_file_stat_at(directory_fd, name, &stat) >= 0 && stat.st_size > 0;
}

static int write_head_and_index(const struct making *making, int directory_fd, const char *path)
{
	HD_AUTO_FREE char *head = NULL;
	git_oid commit;
	int r = 0;

	if (!is_there(directory_fd, "HEAD")) {
		r = choose_head(making, &commit, &head);
		if (r >= 0)
			r = write_text(making, directory_fd, "HEAD", head);
		if (r >= 0)
			r = hd_worktree_head_note(path, &commit);
	} else if (!is_there(directory_fd, "index")) {
		r = read_head(making, directory_fd, &commit);
		/* A branch without a commit has an empty index, as git understands one that is missing. */
		if (r == -ENOENT)
			return 0;
	}
	if (r >= 0 && !is_there(directory_fd, "index"))
		r = write_index(making, directory_fd, path, &commit);
	return r;
}

/* The mount was somewhere else the last time. */
static bool has_moved(int directory_fd, const char *gitdir)
{
	HD_AUTO_FREE char *old = NULL;
	size_t size;

	return hd_file_read_whole(directory_fd, "gitdir", TEXT_LIMIT, &old, &size) >= 0 &&
	       strcmp(old, gitdir) != 0;
}

/* Without it git looks at the files itself, which needs no word. */
static void set_hook(struct making *making, const char *path)
{
	const struct hd_worktree_settings *settings = making->settings;
	bool asks = false;

	int r = settings->hook ? hd_worktree_config_set_hook(
					 making->location, path, settings->hook, settings->extend, &asks)
			       : hd_worktree_config_clear_hook(path);

	if (r < 0) {
		/* Who did not ask for it is told nothing of a configuration that cannot be written. */
		hd_log(settings->extend == HD_WORKTREE_EXTEND ? HD_LOG_NOTICE : HD_LOG_DEBUG,
			"git will not ask what changed: %s", hd_error_message(r));
		hd_error_clear();
	}
	making->stat.token = asks ? settings->token : NULL;
}

/* What `locked` says. */
static char *format_reason(const struct making *making)
{
	char *text;

	return asprintf(&text, "thread %s of %s\n", making->settings->thread, making->store->path) < 0 ? NULL
												       : text;
}

static int complete(struct making *making, const char *path)
{
	const struct hd_worktree_settings *settings = making->settings;
	HD_AUTO_FREE char *locked = format_reason(making);
	HD_AUTO_FREE char *gitdir = NULL;
	HD_AUTO_FREE char *born = hd_worktree_record_birth(making->store->path);
	struct hd_worktree_record said = {.store = making->store->path,
		.born = born,
		.number = making->number,
		.thread = (char *)settings->thread};
	HD_AUTO_FREE char *record = hd_worktree_record_format(&said);
	HD_AUTO_CLOSE int fd = hd_directory_open(AT_FDCWD, path);
	int r = fd;

	if (r < 0)
		return r;
	if (asprintf(&gitdir, "%s/.git\n", settings->mountpoint) < 0)
		gitdir = NULL;
	if (!locked || !gitdir || !record)
		return -ENOMEM;
	r = write_changed(making, fd, "locked", locked);
	if (r >= 0)
		r = write_changed(making, fd, "heddle", record);
	if (r >= 0 && !is_there(fd, "commondir"))
		r = write_text(making, fd, "commondir", "../..\n");
	set_hook(making, path);
	if (r >= 0)
		r = hd_worktree_index_left_lock(fd, true);
	if (r >= 0 && has_moved(fd, gitdir))
		r = hd_worktree_index_forget_place(fd, path);
	if (r >= 0)
		r = write_head_and_index(making, fd, path);
	return r < 0 ? r : write_changed(making, fd, "gitdir", gitdir);
}

/* ---- a new one ---- */

static int make_new(struct making *making, char **ret_path)
{
	HD_AUTO_FREE char *worktrees = NULL;
	HD_AUTO_FREE char *temporary = NULL;
	int r;

	if (asprintf(&worktrees, "%s/worktrees", making->location) < 0 ||
		asprintf(&temporary, "%s/" HD_WORKTREE_NEW_PREFIX "%016llx", making->location,
			(unsigned long long)hd_random64()) < 0)
		return -ENOMEM;
	r = hd_directory_make_new(AT_FDCWD, temporary, making->directory_mode);
	if (r < 0)
		return hd_fail(HD_E_WORKTREE, "the repository %s cannot be written (%s)", making->location,
			hd_error_text(r));
	r = complete(making, temporary);
	if (r >= 0)
		r = hd_worktree_publish(
			worktrees, temporary, making->directory_mode, making->settings->thread, ret_path);
	if (r < 0)
		(void)hd_directory_remove_tree(AT_FDCWD, temporary);
	return r;
}

struct search_void {
	const char *reason;
	char *name; /* owned */
};

static int take_void(const char *name, const char *locked, void *payload)
{
	struct search_void *search = payload;

	if (strcmp(locked, search->reason) != 0)
		return 0;
	search->name = strdup(name);
	return search->name ? 1 : -ENOMEM;
}

/* One that lost its record in a power cut, and is locked for this thread: *RET_NAME; bare -ENOENT. */
static int find_void(const struct making *making, char **ret_name)
{
	HD_AUTO_FREE char *reason = format_reason(making);
	struct search_void search = {.reason = reason};
	int r = reason ? hd_worktree_record_list_void(making->location, take_void, &search) : -ENOMEM;

	if (r > 0)
		*ret_name = search.name;
	return r == 0 ? -ENOENT : r;
}

static int update(struct making *making, const char *name, char **ret_path)
{
	HD_AUTO_FREE char *path = NULL;
	int r;

	if (asprintf(&path, "%s/worktrees/%s", making->location, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = complete(making, path);
	if (r < 0)
		return hd_fail_in(r, "bring %s up to date", path);
	*ret_path = HD_STEAL(path);
	return 0;
}

/* The pin may have been removed, by somebody who took it for rubbish. */
static int pin(const struct making *making)
{
	char hex[GIT_OID_HEXSZ + 1];

	return hd_base_git_pin(making->location, git_oid_tostr(hex, sizeof(hex), &making->base));
}

static int remove_replaced(const struct hd_worktree_record *record, void *payload)
{
	(void)payload;
	(void)hd_worktree_remove(record);
	return 0;
}

/* What could not be read was left out on purpose, if it is so. */
static int explain(const struct making *making, int failure)
{
	HD_AUTO_FREE char *words = NULL;
	char hex[GIT_OID_HEXSZ + 1];
	int r = hd_partial_clone_look(
		making->location, git_oid_tostr(hex, sizeof(hex), &making->first), &words);

	return r > 0 ? hd_fail(HD_E_BASE_OBJECT, "%s", words) : failure;
}

int hd_worktree_attach(struct hd_store *store, const struct hd_worktree_settings *settings, char **ret_link)
{
	HD_CLEANUP(making_clear) struct making making = {.store = store, .settings = settings};
	HD_AUTO_FREE char *path = NULL;
	struct hd_worktree_record record = {0};
	int r;

	r = open_repository(&making);
	if (r < 0)
		return r;
	r = pin(&making);
	if (r < 0)
		return r;
	/* What a store left that was in the same place. */
	(void)hd_worktree_record_list_replaced(making.location, store->path, remove_replaced, NULL);
	hd_error_clear();
	r = hd_worktree_record_find(making.location, store->path, making.number, &record);
	if (r == -ENOENT)
		r = find_void(&making, &record.name);
	if (r == -ENOENT)
		r = make_new(&making, &path);
	else if (r >= 0)
		r = update(&making, record.name, &path);
	hd_worktree_record_clear(&record);
	if (r == -HD_E_BASE_OBJECT)
		r = explain(&making, r);
	if (r < 0)
		return r;
	return asprintf(ret_link, LINK_BEGIN "%s\n", path) < 0 ? -ENOMEM : 0;
}

bool hd_worktree_is_whole(const struct hd_store *store, uint32_t number, const char *link)
{
	static const char *const files[] = {"commondir", "HEAD", "gitdir"};
	HD_AUTO_FREE char *path = NULL;
	HD_AUTO_CLOSE int fd = -1;
	bool whole;

	if (strncmp(link, LINK_BEGIN, strlen(LINK_BEGIN)) != 0)
		return false;
	link += strlen(LINK_BEGIN);
	path = strndup(link, strcspn(link, "\n"));
	if (!path)
		return false;
	fd = hd_directory_open(AT_FDCWD, path);
	whole = fd >= 0 && hd_worktree_record_is_of(path, store->path, number);
	for (size_t i = 0; whole && i < HD_ARRAY_SIZE(files); i++)
		whole = is_there(fd, files[i]);
	hd_error_clear();
	return whole;
}
