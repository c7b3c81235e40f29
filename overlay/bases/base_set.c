/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/bases/base_attributes.h"
#include "overlay/bases/base_deadline.h"
#include "overlay/bases/base_root.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/threads/activity.h"
#include "overlay/store/objects/content_extent.h"

/*
 * The bases of one store by number, each opened at its first use.
 *
 * Whether a base may stall is known only when it is open, and opening it may stall. So opening is always the
 * work of the slot's own pool; everybody who needs the base, also the first, waits for the slot until the
 * deadline. A failed attempt is answered to those who waited for it, and the next caller tries again: a
 * repository that was not mounted yet costs no restart. The pool of a base that cannot stall has done its
 * work then and is freed.
 *
 *     CLOSED --first caller--> OPENING --success--> OPEN (for ever)
 *        ^------------failure-----'
 *
 * Each base that may stall keeps a pool of its own: a dead file server takes its own threads, nobody else's.
 *
 * Locks   `lock` protects the table and the slots. It is held for memory work only. An open base's pointer
 * never changes until the set is freed.
 */

#define DEFAULT_DEADLINE_MS 30000
#define POOL_THREADS 4
#define POOL_QUEUE 256
#define DETAIL_SIZE 512

enum slot_status { SLOT_CLOSED, SLOT_OPENING, SLOT_OPEN };

struct slot {
	struct hd_base_set *set;
	uint16_t number;
	enum slot_status status;  /* (lock) */
	uint64_t attempt;         /* (lock) counts openings */
	int result;               /* (lock) of the last failed attempt */
	char detail[DETAIL_SIZE]; /* (lock) */
	struct hd_base *base;     /* owned; (lock) until open */
	struct hd_pool *pool;     /* owned; (lock) */
	char *location; /* owned, NULL before it is known: where it is, for people; (lock) until open */
};

struct hd_base_set {
	struct hd_store *store; /* borrowed */
	unsigned deadline_ms;
	struct hd_base *state; /* owned: OBJECT and CHUNKED contents */
	struct hd_mutex lock;
	struct hd_condition changed; /* some slot has left OPENING */
	struct slot **slots;         /* owned array of owned slots, by number, NULL where unused; (lock) */
	size_t n_slots;              /* (lock) */
};

/* ---- opening ---- */

static int open_record(
	struct hd_base_set *set, const struct hd_base_record *record, struct hd_base **ret_base)
{
	switch (record->kind) {
	case HD_BASE_GIT:
		return hd_base_git_open(record->location, record->number, ret_base);
	case HD_BASE_DIRECTORY:
		return hd_base_directory_open(record->location, record->number, set->store, ret_base);
	case HD_BASE_NONE:
	case HD_BASE_KIND_COUNT:
		break;
	}
	return hd_fail(HD_E_BASE_MISSING, "base %u is of unknown kind %d", record->number, (int)record->kind);
}

/* The first time it is said, and it never changes. */
static void note_location(struct slot *slot, const char *location)
{
	char *copy = strdup(location);

	hd_mutex_lock(&slot->set->lock);
	if (!slot->location)
		slot->location = HD_STEAL(copy);
	hd_mutex_unlock(&slot->set->lock);
	free(copy);
}

static int open_number(struct slot *slot, struct hd_base **ret_base)
{
	struct hd_base_set *set = slot->set;
	struct hd_base_record record;
	int r;

	r = hd_index_get_base(set->store->index, slot->number, &record);
	if (r < 0)
		return hd_fail_in(r, "base %u", slot->number);
	note_location(slot, record.location);
	r = open_record(set, &record, ret_base);
	hd_base_record_clear(&record);
	return r;
}

static void open_task(void *payload)
{
	struct slot *slot = payload;
	struct hd_base_set *set = slot->set;
	char detail[DETAIL_SIZE] = "";
	struct hd_base *base = NULL;
	int r = open_number(slot, &base);

	if (r < 0)
		hd_base_deadline_keep_detail(r, detail, sizeof(detail));
	hd_mutex_lock(&set->lock);
	slot->base = base;
	slot->result = r;
	memcpy(slot->detail, detail, sizeof(detail));
	slot->status = r < 0 ? SLOT_CLOSED : SLOT_OPEN;
	hd_condition_broadcast(&set->changed);
	hd_mutex_unlock(&set->lock);
}

static struct slot *slot_locked(struct hd_base_set *set, uint16_t number)
{
	if (number >= set->n_slots) {
		size_t n_slots = (size_t)number + 1;
		struct slot **grown = reallocarray(set->slots, n_slots, sizeof(*grown));

		if (!grown)
			return NULL;
		memset(grown + set->n_slots, 0, (n_slots - set->n_slots) * sizeof(*grown));
		set->slots = grown;
		set->n_slots = n_slots;
	}
	if (!set->slots[number]) {
		struct slot *slot = calloc(1, sizeof(*slot));

		if (!slot)
			return NULL;
		slot->set = set;
		slot->number = number;
		set->slots[number] = slot;
	}
	return set->slots[number];
}

/* Gives SLOT a pool if it has none. The lock is not held meanwhile: threads are started. */
static int provide_pool(struct hd_base_set *set, struct slot *slot)
{
	struct hd_pool *pool;
	int r = hd_pool_new("heddle-base", POOL_THREADS, POOL_QUEUE, &pool);

	if (r < 0)
		return hd_fail_in(r, "threads for base %u", slot->number);
	hd_mutex_lock(&set->lock);
	if (!slot->pool && slot->status != SLOT_OPEN) {
		slot->pool = pool;
		pool = NULL;
	}
	hd_mutex_unlock(&set->lock);
	hd_pool_free(pool);
	return 0;
}

/* Waits for the attempt that is under way. */
static int wait_for_attempt_locked(struct hd_base_set *set, struct slot *slot, uint64_t deadline_ns)
{
	uint64_t attempt = slot->attempt;

	while (slot->status == SLOT_OPENING && slot->attempt == attempt) {
		if (!hd_condition_wait_until(&set->changed, &set->lock, deadline_ns) &&
			slot->status == SLOT_OPENING)
			return -HD_E_BASE_TIMEOUT;
	}
	return slot->status == SLOT_OPEN ? 0 : slot->result;
}

/* Begins an attempt unless one is under way. -EAGAIN: a pool is needed first. */
static int begin_attempt_locked(struct slot *slot)
{
	if (slot->status != SLOT_CLOSED)
		return 0;
	if (!slot->pool)
		return -EAGAIN;
	if (hd_pool_submit(slot->pool, open_task, slot) < 0)
		return -EBUSY;
	slot->attempt++;
	slot->status = SLOT_OPENING;
	return 0;
}

/* What a call needs of a slot: its base, and the pool if the base may stall. */
struct opened {
	struct hd_base *base;
	struct hd_pool *pool; /* NULL: call the base directly */
	const char *location;
};

/* Takes from an open slot what is needed; *RET_SPARE is a pool that nobody needs any more. */
static void take_open_locked(struct slot *slot, struct opened *opened, struct hd_pool **ret_spare)
{
	*ret_spare = NULL;
	opened->base = slot->base;
	opened->location = slot->location ? slot->location : "";
	opened->pool = NULL;
	if (slot->base->may_stall)
		opened->pool = slot->pool;
	else
		*ret_spare = HD_STEAL(slot->pool);
}

static int open_slot(struct hd_base_set *set, uint16_t number, struct opened *ret_opened)
{
	uint64_t deadline_ns = hd_clock_monotonic_ns() + (uint64_t)set->deadline_ms * 1000000;
	struct hd_pool *spare = NULL;
	char detail[DETAIL_SIZE] = "";
	struct slot *slot;
	int r;

	hd_mutex_lock(&set->lock);
	slot = slot_locked(set, number);
	r = slot ? begin_attempt_locked(slot) : -ENOMEM;
	if (r == -EAGAIN) {
		hd_mutex_unlock(&set->lock);
		r = provide_pool(set, slot);
		hd_mutex_lock(&set->lock);
		if (r == 0)
			r = begin_attempt_locked(slot);
	}
	if (r == 0) {
		r = wait_for_attempt_locked(set, slot, deadline_ns);
		if (r == 0)
			take_open_locked(slot, ret_opened, &spare);
		else if (r != -HD_E_BASE_TIMEOUT)
			memcpy(detail, slot->detail, sizeof(detail));
		else
			(void)snprintf(detail, sizeof(detail), "%s", slot->location ? slot->location : "");
	}
	hd_mutex_unlock(&set->lock);
	hd_pool_free(spare);
	if (r == -HD_E_BASE_TIMEOUT)
		return hd_fail(
			r, "base %u, %s, could not be opened within %u ms", number, detail, set->deadline_ms);
	return r < 0 && detail[0] ? hd_fail(r, "%s", detail) : r;
}

/* The base that serves CONTENT, which is not NONE. */
static int resolve(
	struct hd_base_set *set, const struct hd_content *content, struct hd_base_deadline *ret_call)
{
	struct opened opened = {.base = set->state};
	int r = 0;

	hd_lock_assert_none_held("call a base");
	switch ((enum hd_content_kind)content->kind) {
	case HD_CONTENT_OBJECT:
	case HD_CONTENT_CHUNKED:
		break;
	case HD_CONTENT_GIT:
	case HD_CONTENT_HOST:
		r = open_slot(set, content->base, &opened);
		break;
	case HD_CONTENT_NONE:
	case HD_CONTENT_KIND_COUNT:
	default: /* the byte comes from a disk */
		return hd_fail(HD_E_CONTENT_KIND, "content of kind %u", content->kind);
	}
	if (r < 0)
		return r;
	*ret_call = (struct hd_base_deadline){opened.pool, opened.base, set->deadline_ms, opened.location};
	return 0;
}

/* ---- calls ---- */

static int list_plain(
	struct hd_base_set *set, const struct hd_base_directory *directory, hd_base_emit emit, void *payload)
{
	HD_WAITS_FOR("a base");
	struct hd_base_deadline call = {0};
	int r = resolve(set, &directory->content, &call);

	if (r < 0)
		return r;
	if (call.pool)
		return hd_base_deadline_list(&call, directory, emit, payload);
	return call.base->operations->list(call.base, directory, emit, payload);
}

/* Only captured trees know attribute objects; over those of other sources they are laid here. */
int hd_base_set_list(
	struct hd_base_set *set, const struct hd_base_directory *directory, hd_base_emit emit, void *payload)
{
	struct hd_attribute_layer layer = {0};
	struct hd_attribute_filter filter = {.layer = &layer, .emit = emit, .payload = payload};
	int r;

	if (hd_content_is_none(&directory->content))
		return 0;
	if (hd_content_is_none(&directory->attributes) || directory->without_attributes ||
		directory->content.kind == HD_CONTENT_OBJECT)
		return list_plain(set, directory, emit, payload);
	r = hd_attribute_layer_load(set->store->objects, &directory->attributes, &layer);
	if (r == 0)
		r = list_plain(set, directory, hd_attribute_filter_emit, &filter);
	hd_attribute_layer_clear(&layer);
	return r;
}

int hd_base_set_read(struct hd_base_set *set, const struct hd_content *content, void *buffer, size_t size,
	uint64_t offset, size_t *ret_size)
{
	HD_WAITS_FOR("a base");
	struct hd_base_deadline call = {0};
	int r;

	if (hd_content_is_none(content)) {
		*ret_size = 0;
		return 0;
	}
	r = resolve(set, content, &call);
	if (r < 0)
		return r;
	if (call.pool)
		return hd_base_deadline_read(&call, content, buffer, size, offset, ret_size);
	return call.base->operations->read(call.base, content, buffer, size, offset, ret_size);
}

int hd_base_set_size(struct hd_base_set *set, const struct hd_content *content, uint64_t *ret_size)
{
	HD_WAITS_FOR("a base");
	struct hd_base_deadline call = {0};
	int r;

	if (hd_content_is_none(content)) {
		*ret_size = 0;
		return 0;
	}
	r = resolve(set, content, &call);
	if (r < 0)
		return r;
	if (call.pool)
		return hd_base_deadline_size(&call, content, ret_size);
	return call.base->operations->size(call.base, content, ret_size);
}

int hd_base_set_seek(struct hd_base_set *set, const struct hd_content *content, uint64_t offset,
	bool want_data, uint64_t *ret_offset)
{
	HD_WAITS_FOR("a base");
	struct hd_base_deadline call = {0};
	int r;

	*ret_offset = want_data && !hd_content_is_none(content) ? offset : UINT64_MAX;
	if (hd_content_is_none(content))
		return 0;
	if (content->kind == HD_CONTENT_OBJECT || content->kind == HD_CONTENT_CHUNKED)
		return hd_content_seek(set->store->objects, content, offset, want_data, ret_offset);
	r = resolve(set, content, &call);
	if (r < 0 || !call.base->operations->seek)
		return r;
	if (call.pool)
		return hd_base_deadline_seek(&call, content, offset, want_data, ret_offset);
	return call.base->operations->seek(call.base, content, offset, want_data, ret_offset);
}

int hd_base_set_copy(struct hd_base_set *set, const struct hd_content *content, int fd, uint64_t offset,
	size_t size, size_t *ret_size)
{
	HD_WAITS_FOR("a base");
	struct hd_base_deadline call = {0};
	int r;

	if (content->kind != HD_CONTENT_HOST)
		return -EOPNOTSUPP;
	r = resolve(set, content, &call);
	if (r < 0)
		return r;
	/* What may stall is read by a pool, which has a deadline. */
	if (!call.base->operations->copy || call.pool)
		return -EOPNOTSUPP;
	return call.base->operations->copy(call.base, content, fd, offset, size, ret_size);
}

int hd_base_set_root(struct hd_base_set *set, const struct hd_state *state, struct hd_base_entry *ret_entry,
	struct hd_base_directory *ret_directory)
{
	struct timespec time = {.tv_sec = state->time_s, .tv_nsec = (long)state->time_ns};
	struct hd_base_directory directory = {
		.content = state->tree,
		.attributes = state->attributes,
		.fallback_time = time,
		.fallback_uid = geteuid(),
		.fallback_gid = getegid(),
	};
	struct hd_base_entry entry = {
		.mode = S_IFDIR | (state->root_mode & 07777),
		.uid = directory.fallback_uid,
		.gid = directory.fallback_gid,
		.access_time = time,
		.modify_time = time,
		.change_time = time,
		.birth_time = time,
	};
	int r = 0;

	if (state->tree.kind == HD_CONTENT_HOST) {
		struct hd_base_deadline call = {0};

		r = resolve(set, &state->tree, &call);
		if (r == 0 && call.base->operations->root)
			r = call.pool ? hd_base_deadline_root(&call, &entry)
				      : call.base->operations->root(call.base, &entry);
	}
	if (r == 0 && !hd_content_is_none(&state->attributes))
		r = hd_base_root_apply(set->store->objects, &state->attributes, &entry);
	if (r < 0) {
		hd_base_root_clear(&entry);
		return r;
	}
	entry.name = "";
	entry.content = state->tree;
	entry.attributes = state->attributes;
	*ret_entry = entry;
	*ret_directory = directory;
	return 0;
}

/* Each base is asked without the lock; slots are never freed while the set lives. */
int hd_base_set_persist(struct hd_base_set *set)
{
	int result = 0;

	for (size_t i = 0;; i++) {
		struct hd_base *base = NULL;
		bool more;

		hd_mutex_lock(&set->lock);
		more = i < set->n_slots;
		if (more && set->slots[i] && set->slots[i]->status == SLOT_OPEN)
			base = set->slots[i]->base;
		hd_mutex_unlock(&set->lock);
		if (!more)
			return result;
		if (base && base->operations->persist) {
			int r = base->operations->persist(base);

			if (r < 0)
				result = r;
		}
	}
}

/* ---- life ---- */

int hd_base_set_adopt(struct hd_base_set *set, uint16_t number, struct hd_base *base)
{
	struct slot *slot;
	int r = 0;

	hd_mutex_lock(&set->lock);
	slot = slot_locked(set, number);
	if (!slot)
		r = -ENOMEM;
	else if (slot->status != SLOT_CLOSED)
		r = -EEXIST;
	hd_mutex_unlock(&set->lock);
	if (r == 0)
		r = provide_pool(set, slot);
	if (r < 0)
		return r;
	hd_mutex_lock(&set->lock);
	if (slot->status == SLOT_CLOSED) {
		slot->base = base;
		slot->status = SLOT_OPEN;
	} else {
		r = -EEXIST;
	}
	hd_mutex_unlock(&set->lock);
	return r;
}

int hd_base_set_new(struct hd_store *store, unsigned deadline_ms, struct hd_base_set **ret_set)
{
	struct hd_base_set *set = calloc(1, sizeof(*set));
	int r;

	if (!set)
		return -ENOMEM;
	r = hd_base_state_open(store, &set->state);
	if (r < 0) {
		free(set);
		return r;
	}
	set->store = store;
	set->deadline_ms = deadline_ms ? deadline_ms : DEFAULT_DEADLINE_MS;
	hd_mutex_init(&set->lock, HD_RANK_BASE);
	hd_condition_init(&set->changed);
	*ret_set = set;
	return 0;
}

/*
 * A late call uses the base and, for path ids, the store's index, so it must end before they do. A process
 * that cannot wait for a dead server has nothing left to save here and may simply end.
 */
static void slot_free(struct slot *slot)
{
	if (!slot)
		return;
	hd_pool_free(slot->pool);
	if (slot->base)
		slot->base->operations->free(slot->base);
	free(slot->location);
	free(slot);
}

void hd_base_set_free(struct hd_base_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->n_slots; i++)
		slot_free(set->slots[i]);
	free(set->slots);
	set->state->operations->free(set->state);
	hd_condition_destroy(&set->changed);
	hd_mutex_destroy(&set->lock);
	free(set);
}
