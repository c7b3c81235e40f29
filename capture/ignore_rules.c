/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/ignore_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/files/temporary_directory.h"

/*
 * The directories above the path that was asked for last are on a stack, with what is known of them, so that a walk in
 * the order of paths looks at each once. libgit2 itself takes a path below an ignored directory for not ignored if a rule
 * says so, git does not: so each directory is asked for before what is in it.
 */

#define RULES_LIMIT (1u << 20)
#define GIT_RULES ".gitignore"
#define OWN_RULES ".heddleignore"

struct level {
	struct hd_tree_view_entry directory; /* its name is not kept */
	size_t path_length;
	bool exists;
	bool ignored;
};

struct hd_ignore {
	struct hd_tree_view *view;  /* borrowed */
	char *run;                  /* owned: the directory in which that with the rules is made */
	char *place;                /* owned: the directory with the rules; NULL until there are some */
	char *exclude;              /* owned: info/exclude; NULL if there is none */
	git_repository *repository; /* owned; NULL until there are rules */
	struct hd_buffer path;      /* of the deepest level, without a NUL */
	struct level *levels;       /* owned array; the root first */
	size_t n_levels, capacity;
};

/* ---- the directory with the rules ---- */

static int write_file(const char *directory, const char *name, const void *data, size_t size)
{
	HD_AUTO_FREE char *path = NULL;
	HD_AUTO_CLOSE int fd = -1;

	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = hd_file_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	return fd < 0 ? fd : hd_file_write_at(fd, data, size, 0);
}

static int make_directory(const char *above, const char *name)
{
	HD_AUTO_FREE char *path = NULL;

	if (asprintf(&path, "%s/%s", above, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return hd_directory_make(AT_FDCWD, path, 0700);
}

/* Whether a backslash at the end quotes nothing: git takes such a pattern for no file's, libgit2 goes on with the next line. */
static bool quotes_nothing(const char *line, size_t length)
{
	size_t backslashes = 0;

	length -= length > 0 && line[length - 1] == '\r';
	while (backslashes < length && line[length - 1 - backslashes] == '\\')
		backslashes++;
	return backslashes % 2 == 1;
}

/*
 * libgit2 forgets a negation if no rule before it in the same file has what it takes back, though one of a directory above
 * may have it. So the same pattern for directories alone goes before each: whatever that takes in, the negation lets out.
 */
static void put_line(struct hd_buffer *rules, const char *line, size_t length)
{
	size_t pattern = length;

	if (quotes_nothing(line, length))
		return;
	/* A blank at the end counts behind a backslash alone. */
	while (pattern > 1 && strchr(" \t\r/", line[pattern - 1]) && line[pattern - 2] != '\\')
		pattern--;
	if (line[0] == '!' && pattern > 1) {
		hd_buffer_put(rules, line + 1, pattern - 1);
		hd_buffer_put_text(rules, "/\n");
	}
	hd_buffer_put(rules, line, length);
	hd_buffer_put_u8(rules, '\n');
}

/* What a file of rules says, as libgit2 has to be told it. A line goes to its first NUL. */
static void put_lines(struct hd_buffer *rules, const char *data, size_t size)
{
	while (size > 0) {
		const char *end = memchr(data, '\n', size);
		size_t length = end ? (size_t)(end - data) : size;

		put_line(rules, data, strnlen(data, length));
		length += end != NULL;
		data += length;
		size -= length;
	}
}

/* The least that libgit2 takes for a repository. */
static int make_repository(struct hd_ignore *ignore)
{
	/* No file of excludes, whatever the user's own configuration says. */
	static const char config[] =
		"[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tignorecase = false\n"
		"\texcludesFile = /dev/null/none\n";
	static const char head[] = "ref: refs/heads/none\n";
	HD_AUTO_BUFFER struct hd_buffer exclude = {0};
	int r;

	if (ignore->repository)
		return 0;
	if (ignore->exclude)
		put_lines(&exclude, ignore->exclude, strlen(ignore->exclude));
	r = hd_buffer_status(&exclude);
	if (r >= 0 && !ignore->place)
		r = hd_temporary_directory_make(ignore->run, "ignore", &ignore->place);
	if (r >= 0)
		r = make_directory(ignore->place, ".git/objects");
	if (r >= 0)
		r = make_directory(ignore->place, ".git/refs");
	if (r >= 0)
		r = make_directory(ignore->place, ".git/info");
	if (r >= 0)
		r = write_file(ignore->place, ".git/HEAD", head, sizeof(head) - 1);
	if (r >= 0)
		r = write_file(ignore->place, ".git/config", config, sizeof(config) - 1);
	if (r >= 0)
		r = write_file(ignore->place, ".git/info/exclude", exclude.data, exclude.size);
	if (r >= 0)
		r = hd_git_library_start();
	if (r < 0)
		return hd_fail_in(r, "write the rules of what is ignored");
	if (git_repository_open_ext(&ignore->repository, ignore->place, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL) <
		0)
		return hd_git_library_fail(HD_E_REPOSITORY, "read the rules of what is ignored");
	return 0;
}

static int put_rules(struct hd_ignore *ignore, const struct hd_tree_view_listing *listing, const char *name,
	struct hd_buffer *rules)
{
	const struct hd_tree_view_entry *entry = hd_tree_view_listing_find(listing, name, strlen(name));
	HD_AUTO_FREE char *data = NULL;
	size_t size;
	int r;

	/* As git does not, a link is not followed. */
	if (!entry || !S_ISREG(entry->mode) || entry->size == 0)
		return 0;
	r = hd_tree_view_read_whole(ignore->view, entry, RULES_LIMIT, &data, &size);
	if (r < 0)
		return r == -EFBIG ? 0 : hd_fail_in(r, "'%s'", name);
	put_lines(rules, data, size);
	return hd_buffer_status(rules);
}

/* Writes down the rules of the directory LEVEL, which is the deepest. */
static int load_rules(struct hd_ignore *ignore, const struct level *level)
{
	HD_AUTO_BUFFER struct hd_buffer rules = {0};
	struct hd_tree_view_listing listing = {0};
	HD_AUTO_FREE char *directory = NULL;
	int r = hd_tree_view_list(ignore->view, &level->directory, &listing);

	if (r >= 0)
		r = put_rules(ignore, &listing, GIT_RULES, &rules);
	if (r >= 0)
		r = put_rules(ignore, &listing, OWN_RULES, &rules);
	hd_tree_view_listing_clear(&listing);
	if (r >= 0 && rules.size > 0)
		r = make_repository(ignore);
	if (r < 0 || rules.size == 0)
		return r;
	if (asprintf(&directory, "%s/%.*s", ignore->place, (int)level->path_length,
		    (char *)ignore->path.data) < 0) {
		directory = NULL;
		return -ENOMEM;
	}
	r = hd_directory_make(AT_FDCWD, directory, 0700);
	if (r >= 0)
		r = write_file(directory, GIT_RULES, rules.data, rules.size);
	/* Deeper than the system takes a path, no rule can be asked for. */
	return r == -ENAMETOOLONG ? 0 : r;
}

/* ---- asking ---- */

/* Of a path whose directories are not ignored. */
static int match(
	struct hd_ignore *ignore, const char *path, size_t length, bool is_directory, bool *ret_ignored)
{
	HD_AUTO_FREE char *asked = NULL;
	int ignored = 0;

	*ret_ignored = (length == 4 || (length > 4 && path[length - 5] == '/')) &&
		       memcmp(path + length - 4, ".git", 4) == 0;
	if (*ret_ignored || !ignore->repository)
		return 0;
	if (asprintf(&asked, "%.*s%s", (int)length, path, is_directory ? "/" : "") < 0) {
		asked = NULL;
		return -ENOMEM;
	}
	if (git_ignore_path_is_ignored(&ignored, ignore->repository, asked) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "the rules for '%s'", asked);
	*ret_ignored = ignored != 0;
	return 0;
}

static int push(struct hd_ignore *ignore, const struct level *level)
{
	if (ignore->n_levels == ignore->capacity) {
		size_t capacity = ignore->capacity ? 2 * ignore->capacity : 16;
		struct level *levels = reallocarray(ignore->levels, capacity, sizeof(*levels));

		if (!levels)
			return -ENOMEM;
		ignore->levels = levels;
		ignore->capacity = capacity;
	}
	ignore->levels[ignore->n_levels++] = *level;
	return level->exists && !level->ignored ? load_rules(ignore, level) : 0;
}

/* Finds the directory NAME in the deepest level. */
static int find_below(const struct hd_ignore *ignore, const char *name, size_t length, struct level *level)
{
	const struct level *above = &ignore->levels[ignore->n_levels - 1];
	struct hd_tree_view_listing listing = {0};
	const struct hd_tree_view_entry *entry;
	int r;

	/* Below what is ignored no rule is asked for. */
	if (!above->exists || above->ignored)
		return 0;
	r = hd_tree_view_list(ignore->view, &above->directory, &listing);
	if (r < 0)
		return r;
	entry = hd_tree_view_listing_find(&listing, name, length);
	if (entry && S_ISDIR(entry->mode)) {
		level->directory = *entry;
		level->directory.name = "";
		level->exists = true;
	}
	hd_tree_view_listing_clear(&listing);
	return 0;
}

/* Goes from the deepest level to the directory whose path is the first LENGTH bytes of PATH. */
static int descend(struct hd_ignore *ignore, const char *path, size_t length)
{
	size_t above = ignore->levels[ignore->n_levels - 1].path_length;
	const char *name = path + above + (above > 0);
	struct level level = {.path_length = length, .ignored = ignore->levels[ignore->n_levels - 1].ignored};
	int r = find_below(ignore, name, (size_t)(path + length - name), &level);

	if (r >= 0 && !level.ignored)
		r = match(ignore, path, length, true, &level.ignored);
	if (r < 0)
		return r;
	ignore->path.size = 0;
	hd_buffer_put(&ignore->path, path, length);
	r = hd_buffer_status(&ignore->path);
	return r < 0 ? r : push(ignore, &level);
}

/* Leaves the levels that are not above PATH. */
static void ascend(struct hd_ignore *ignore, const char *path)
{
	size_t length = strlen(path);

	while (ignore->n_levels > 1) {
		size_t own = ignore->levels[ignore->n_levels - 1].path_length;

		if (own < length && memcmp(ignore->path.data, path, own) == 0 && path[own] == '/')
			break;
		ignore->n_levels--;
	}
}

static int begin(struct hd_ignore *ignore)
{
	struct level root = {.exists = true};
	int r = ignore->exclude ? make_repository(ignore) : 0;

	if (r < 0 || ignore->n_levels > 0)
		return r;
	hd_tree_view_root(ignore->view, &root.directory);
	hd_buffer_put_u8(&ignore->path, '\0');
	ignore->path.size = 0;
	return push(ignore, &root);
}

int hd_ignore_check(struct hd_ignore *ignore, const char *path, bool is_directory, bool *ret_ignored)
{
	bool ignored = false;
	int r = begin(ignore);

	if (r >= 0 && strcmp(path, ".") != 0) {
		ascend(ignore, path);
		for (;;) {
			size_t above = ignore->levels[ignore->n_levels - 1].path_length;
			const char *slash = strchr(path + above + (above > 0), '/');

			if (!slash || r < 0)
				break;
			r = descend(ignore, path, (size_t)(slash - path));
		}
		if (r >= 0 && ignore->levels[ignore->n_levels - 1].ignored)
			ignored = true;
		else if (r >= 0)
			r = match(ignore, path, strlen(path), is_directory, &ignored);
	}
	if (r < 0)
		return r;
	*ret_ignored = ignored;
	return 0;
}

/* ---- the whole ---- */

/* info/exclude of the repository at which the history begins. */
static int read_exclude(struct hd_store *store, const struct hd_state_id *history, char **ret_exclude)
{
	struct hd_base_record record = {0};
	HD_AUTO_FREE char *path = NULL;
	struct hd_state first = {0};
	size_t size;
	int r = hd_index_find_first(store->index, history, &first);

	if (r < 0)
		return r;
	if (hd_state_git_tree(&first))
		r = hd_index_get_base(store->index, hd_state_git_tree(&first)->base, &record);
	hd_state_clear(&first);
	if (r >= 0 && record.location && asprintf(&path, "%s/info/exclude", record.location) < 0) {
		path = NULL;
		r = -ENOMEM;
	}
	hd_base_record_clear(&record);
	if (r < 0 || !path)
		return r;
	/* A repository that is away for the moment has none either: the rest goes on without it. */
	if (hd_file_read_whole(AT_FDCWD, path, RULES_LIMIT, ret_exclude, &size) < 0) {
		*ret_exclude = NULL;
		hd_error_clear();
	}
	return 0;
}

int hd_ignore_new(struct hd_store *store, struct hd_tree_view *view, const struct hd_state_id *history,
	struct hd_ignore **ret_ignore)
{
	struct hd_ignore *ignore = calloc(1, sizeof(*ignore));
	int r;

	if (!ignore)
		return -ENOMEM;
	ignore->view = view;
	r = read_exclude(store, history, &ignore->exclude);
	if (r >= 0 && asprintf(&ignore->run, "%s/run", store->path) < 0) {
		ignore->run = NULL;
		r = -ENOMEM;
	}
	if (r < 0) {
		hd_ignore_free(ignore);
		return r;
	}
	*ret_ignore = ignore;
	return 0;
}

void hd_ignore_free(struct hd_ignore *ignore)
{
	if (!ignore)
		return;
	git_repository_free(ignore->repository);
	hd_temporary_directory_remove(ignore->place);
	hd_buffer_clear(&ignore->path);
	free(ignore->levels);
	free(ignore->exclude);
	free(ignore->run);
	free(ignore);
}

static bool is_other(
	const struct hd_tree_view_listing *a, const struct hd_tree_view_listing *b, const char *name)
{
	const struct hd_tree_view_entry *left = hd_tree_view_listing_find(a, name, strlen(name));
	const struct hd_tree_view_entry *right = hd_tree_view_listing_find(b, name, strlen(name));

	if (!left || !right)
		return left != right;
	return left->mode != right->mode || !hd_content_equal(&left->content, &right->content);
}

bool hd_ignore_rules_differ(const struct hd_tree_view_listing *a, const struct hd_tree_view_listing *b)
{
	return is_other(a, b, GIT_RULES) || is_other(a, b, OWN_RULES);
}
