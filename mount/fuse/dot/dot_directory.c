/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/fuse/dot/dot_directory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/history/state_spec.h"
#include "mount/fuse/dot/dot_states.h"
#include "mount/fuse/dot/dot_text.h"
#include "mount/git_link.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/lock.h"

/*
 * Ids of texts, below the two bits that make them ours: TEXT_MARK, the kind, the size, and a checksum of the text. A
 * worker that takes over has none of the texts that its predecessor gave ids to. It makes such a one anew, in the
 * length that was promised: who reads a status while a worker dies may see the later one's end cut off.
 */
#define OURS (HD_STATE_INO | HD_OUTER_INO)
#define ROOT_INO (OURS | 1)
#define TEXT_MARK (1ull << 61)
#define TEXT_KIND_SHIFT 59
#define TEXT_SIZE_SHIFT 32
#define TEXT_SIZE_LIMIT ((1u << (TEXT_KIND_SHIFT - TEXT_SIZE_SHIFT)) - 1)
_Static_assert(HD_DOT_TEXT_COUNT <= 4, "the kind has two bits");

/* The first is that of the directory of states, as the root of each tree says of its "..". */
enum { NUMBER_STATES, NUMBER_ROOT, NUMBER_TEXT };

#define TEXTS_KEPT 8
#define GIT_NAME ".git"

struct kept_text {
	hd_ino ino;
	char *text; /* owned */
	size_t size;
};

struct hd_dot_directory {
	struct hd_overlay *overlay; /* borrowed */
	struct timespec began;
	bool has_git;
	struct hd_mutex lock; /* rank LEAF; protects what follows */
	char *git;            /* owned: the text of .git, or NULL: there is none */
	struct kept_text texts[TEXTS_KEPT];
	unsigned next_text;
};

int hd_dot_directory_new(struct hd_overlay *overlay, struct hd_dot_directory **ret_dot)
{
	struct hd_dot_directory *dot = calloc(1, sizeof(*dot));
	int r;

	if (!dot)
		return -ENOMEM;
	r = hd_git_link_read(overlay, &dot->git);
	if (r < 0) {
		free(dot);
		return r;
	}
	dot->has_git = dot->git != NULL;
	dot->overlay = overlay;
	dot->began = hd_clock_now();
	hd_mutex_init(&dot->lock, HD_RANK_LEAF);
	*ret_dot = dot;
	return 0;
}

void hd_dot_directory_free(struct hd_dot_directory *dot)
{
	if (!dot)
		return;
	for (unsigned i = 0; i < TEXTS_KEPT; i++)
		free(dot->texts[i].text);
	hd_mutex_destroy(&dot->lock);
	free(dot->git);
	free(dot);
}

bool hd_dot_is_name(const struct hd_dot_directory *dot, hd_ino parent, const char *name)
{
	if (parent != HD_ROOT_INO)
		return false;
	return strcmp(name, HD_STORE_DIRECTORY) == 0 || (dot->has_git && strcmp(name, GIT_NAME) == 0);
}

void hd_dot_directory_set_git(struct hd_dot_directory *dot, char *text)
{
	char *old;

	hd_mutex_lock(&dot->lock);
	old = dot->git;
	dot->git = text;
	hd_mutex_unlock(&dot->lock);
	free(old);
}

bool hd_dot_is_covered(struct hd_dot_directory *dot, const char *name)
{
	return hd_overlay_has_name(dot->overlay, HD_ROOT_INO, name);
}

/* ---- texts ---- */

static bool is_text(hd_ino ino)
{
	return hd_dot_is_ours(ino) && (ino & TEXT_MARK);
}

static enum hd_dot_text kind_of(hd_ino ino)
{
	return (enum hd_dot_text)(ino >> TEXT_KIND_SHIFT & 3);
}

static size_t size_of(hd_ino ino)
{
	return (size_t)(ino >> TEXT_SIZE_SHIFT & TEXT_SIZE_LIMIT);
}

static hd_ino text_ino(enum hd_dot_text kind, const char *text, size_t size)
{
	return OURS | TEXT_MARK | (hd_ino)kind << TEXT_KIND_SHIFT | (hd_ino)size << TEXT_SIZE_SHIFT |
	       (hd_checksum64(text, size) & UINT32_MAX);
}

/* Takes TEXT over. */
static void keep_text(struct hd_dot_directory *dot, hd_ino ino, char *text, size_t size)
{
	struct kept_text *place;

	hd_mutex_lock(&dot->lock);
	place = &dot->texts[dot->next_text++ % TEXTS_KEPT];
	free(place->text);
	*place = (struct kept_text){ino, text, size};
	hd_mutex_unlock(&dot->lock);
}

/* Copies from the text INO as it was kept; false when it is not. */
static bool copy_kept(struct hd_dot_directory *dot, hd_ino ino, char *buffer, size_t size, uint64_t offset)
{
	bool found = false;

	hd_mutex_lock(&dot->lock);
	for (unsigned i = 0; i < TEXTS_KEPT && !found; i++) {
		const struct kept_text *kept = &dot->texts[i];

		found = kept->ino == ino && kept->text;
		if (found)
			memcpy(buffer, kept->text + offset, size);
	}
	hd_mutex_unlock(&dot->lock);
	return found;
}

/* The text as it is now, fresh memory. */
static int text_of(struct hd_dot_directory *dot, enum hd_dot_text kind, char **ret_text, size_t *ret_size)
{
	if (kind != HD_DOT_GIT)
		return hd_dot_text_make(dot->overlay, kind, ret_text, ret_size);
	hd_mutex_lock(&dot->lock);
	*ret_text = strdup(dot->git ? dot->git : "");
	hd_mutex_unlock(&dot->lock);
	if (!*ret_text)
		return -ENOMEM;
	*ret_size = strlen(*ret_text);
	return 0;
}

static int make_text(struct hd_dot_directory *dot, enum hd_dot_text kind, hd_ino *ret_ino)
{
	size_t size;
	char *text;
	int r = text_of(dot, kind, &text, &size);

	if (r < 0)
		return r;
	if (size > TEXT_SIZE_LIMIT)
		size = TEXT_SIZE_LIMIT;
	*ret_ino = text_ino(kind, text, size);
	keep_text(dot, *ret_ino, text, size);
	return 0;
}

static int read_anew(struct hd_dot_directory *dot, hd_ino ino, char *buffer, size_t size, uint64_t offset)
{
	HD_AUTO_FREE char *text = NULL;
	size_t made;
	int r = text_of(dot, kind_of(ino), &text, &made);

	if (r < 0)
		return r;
	memset(buffer, '\n', size);
	if (offset < made)
		memcpy(buffer, text + offset, size < made - offset ? size : made - offset);
	return 0;
}

int hd_dot_read(struct hd_dot_directory *dot, hd_ino ino, void *buffer, size_t size, uint64_t offset,
	size_t *ret_size)
{
	int r = 0;

	if (!is_text(ino))
		return -EISDIR;
	if (offset >= size_of(ino))
		size = 0;
	else if (size > size_of(ino) - offset)
		size = size_of(ino) - offset;
	if (size > 0 && !copy_kept(dot, ino, buffer, size, offset))
		r = read_anew(dot, ino, buffer, size, offset);
	*ret_size = size;
	return r;
}

int hd_dot_lseek(hd_ino ino, uint64_t offset, int whence, uint64_t *ret_offset)
{
	if (!is_text(ino) || (whence != SEEK_DATA && whence != SEEK_HOLE))
		return -EINVAL;
	if (offset >= size_of(ino))
		return -ENXIO;
	*ret_offset = whence == SEEK_DATA ? offset : size_of(ino);
	return 0;
}

/* ---- attributes ---- */

/* What others may not see of the overlay they may not learn from its past. */
static void fill(const struct hd_dot_directory *dot, hd_ino ino, uint64_t number, uint32_t mode,
	struct hd_attributes *ret_attributes)
{
	bool is_directory = S_ISDIR(mode);

	*ret_attributes = (struct hd_attributes){.ino = ino,
		.number = HD_STATE_NUMBERS + number,
		.mode = mode,
		.nlink = 1,
		.uid = geteuid(),
		.gid = getegid(),
		.size = is_directory ? 4096 : size_of(ino),
		.blocks = is_directory ? 8 : 0,
		.access_time = dot->began,
		.modify_time = dot->began,
		.change_time = dot->began,
		.birth_time = dot->began};
}

static void fill_root(const struct hd_dot_directory *dot, struct hd_attributes *ret_attributes)
{
	fill(dot, ROOT_INO, NUMBER_ROOT, S_IFDIR | 0500, ret_attributes);
	ret_attributes->nlink = 3;
}

/* Its time is that of the last operation of the store: a kernel that keeps a listing compares it. The links are not
 * counted, which one link says, as it does elsewhere. */
static void fill_states(struct hd_dot_directory *dot, struct hd_attributes *ret_attributes)
{
	fill(dot, HD_DOT_STATES_INO, NUMBER_STATES, S_IFDIR | 0500, ret_attributes);
	hd_dot_states_time(hd_overlay_store(dot->overlay)->index, &ret_attributes->modify_time);
	ret_attributes->change_time = ret_attributes->modify_time;
}

static void fill_text(const struct hd_dot_directory *dot, hd_ino ino, struct hd_attributes *ret_attributes)
{
	/* Who comes in may run git, which then says itself whose the repository is. */
	fill(dot, ino, NUMBER_TEXT + (uint64_t)kind_of(ino),
		S_IFREG | (kind_of(ino) == HD_DOT_GIT ? 0444 : 0400), ret_attributes);
	ret_attributes->blocks = 8;
}

int hd_dot_getattr(struct hd_dot_directory *dot, hd_ino ino, struct hd_attributes *ret_attributes)
{
	if (is_text(ino))
		fill_text(dot, ino, ret_attributes);
	else if (ino == HD_DOT_STATES_INO)
		fill_states(dot, ret_attributes);
	else if (ino == ROOT_INO)
		fill_root(dot, ret_attributes);
	else
		return -ESTALE;
	return 0;
}

bool hd_dot_attributes_move(hd_ino ino)
{
	return ino == HD_DOT_STATES_INO;
}

bool hd_dot_entry_moves(struct hd_dot_directory *dot, const struct hd_attributes *attributes)
{
	if (hd_dot_is_ours(attributes->ino))
		return attributes->ino != ROOT_INO;
	return S_ISLNK(attributes->mode) && hd_state_tree_is_link(dot->overlay, attributes->ino);
}

/* ---- names ---- */

int hd_dot_outer(struct hd_dot_directory *dot, const char *name, struct hd_attributes *ret_attributes)
{
	hd_ino ino;
	int r;

	if (strcmp(name, GIT_NAME) != 0) {
		fill_root(dot, ret_attributes);
		return 0;
	}
	r = make_text(dot, HD_DOT_GIT, &ino);
	if (r == 0)
		fill_text(dot, ino, ret_attributes);
	return r;
}

static int lookup_text(struct hd_dot_directory *dot, const char *name, struct hd_attributes *ret_attributes)
{
	for (int kind = 0; kind < HD_DOT_TEXT_COUNT; kind++) {
		hd_ino ino;
		int r;

		if (kind == HD_DOT_GIT || strcmp(name, hd_dot_text_name((enum hd_dot_text)kind)) != 0)
			continue;
		r = make_text(dot, (enum hd_dot_text)kind, &ino);
		if (r == 0)
			fill_text(dot, ino, ret_attributes);
		return r;
	}
	return -ENOENT;
}

/* A whole id is the tree; whatever else names a state is a link to that. */
static int lookup_state(struct hd_dot_directory *dot, const char *name, struct hd_attributes *ret_attributes)
{
	struct hd_index *index = hd_overlay_store(dot->overlay)->index;
	struct hd_state_id id;
	int r;

	if (hd_dot_states_is_id(name, &id))
		r = hd_state_tree_enter(dot->overlay, &id, ret_attributes);
	else if ((r = hd_state_spec_resolve(index, name, hd_overlay_thread(dot->overlay), &id)) == 0)
		r = hd_state_tree_link(dot->overlay, &id, ret_attributes);
	if (r == -HD_E_STATE_MISSING || r == -HD_E_STATE_SPEC || r == -HD_E_STATE_AMBIGUOUS ||
		r == -HD_E_THREAD_MISSING || r == -HD_E_TAG_MISSING || r == -HD_E_NAME_INVALID) {
		hd_error_clear();
		return -ENOENT;
	}
	return r;
}

int hd_dot_lookup(
	struct hd_dot_directory *dot, hd_ino parent, const char *name, struct hd_attributes *ret_attributes)
{
	if (parent == HD_DOT_STATES_INO)
		return lookup_state(dot, name, ret_attributes);
	if (parent != ROOT_INO)
		return -ENOTDIR;
	if (strcmp(name, "states") != 0)
		return lookup_text(dot, name, ret_attributes);
	fill_states(dot, ret_attributes);
	return 0;
}

static int list_root(uint64_t cookie, hd_directory_fill fill_item, void *payload)
{
	static const char *const listed[] = {".", "..", "states", "status", "status.json", "thread"};
	static const unsigned numbers[] = {NUMBER_ROOT, 0, NUMBER_STATES, NUMBER_TEXT + HD_DOT_STATUS,
		NUMBER_TEXT + HD_DOT_STATUS_JSON, NUMBER_TEXT + HD_DOT_THREAD};
	_Static_assert(HD_ARRAY_SIZE(listed) == HD_ARRAY_SIZE(numbers), "a name without a number");

	for (; cookie < HD_ARRAY_SIZE(listed); cookie++) {
		struct hd_directory_item item = {.name = listed[cookie],
			.name_length = strlen(listed[cookie]),
			.cookie = cookie + 1,
			.partial = true};

		item.attributes.mode = cookie < 3 ? S_IFDIR | 0500 : S_IFREG | 0400;
		item.attributes.number =
			cookie == 1 ? (uint64_t)HD_ROOT_INO : HD_STATE_NUMBERS + numbers[cookie];
		if (!fill_item(&item, payload))
			break;
	}
	return 0;
}

int hd_dot_readdir(
	struct hd_dot_directory *dot, hd_ino ino, uint64_t cookie, hd_directory_fill fill_item, void *payload)
{
	if (ino == ROOT_INO)
		return list_root(cookie, fill_item, payload);
	if (ino == HD_DOT_STATES_INO)
		return hd_dot_states_list(dot->overlay, cookie, HD_STATE_NUMBERS + NUMBER_STATES,
			HD_STATE_NUMBERS + NUMBER_ROOT, fill_item, payload);
	return -ENOTDIR;
}
