/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/directory_store.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "capture/trees/canonical_content.h"
#include "overlay/platform/array.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/threads/task_thread.h"
#include "overlay/store/link_group.h"
#include "overlay/store/objects/object_store.h"
#include "overlay/store/tree_codec.h"

/*
 * The thread is begun when there is enough for it, and takes directories in the order in which they were added. Where it
 * fails it stops: what is left is done by the caller, who so meets the failure itself, if it is still one. That is also how all
 * is done where no thread can be had.
 *
 * Who waits does what nobody has begun, from the other end, and puts it into a batch of his own.
 *
 * Invariant: whoever has set `busy` uses the batch and the directory at `done`, and nobody else does.
 */

/* As the bases have it: some millions of entries. */
#define ATTRIBUTES_LIMIT ((size_t)1 << 30)

/* When so many wait, who adds one more does that himself. */
#define ENOUGH_WAIT 64u

/* So many wait before the thread is told. */
#define WORTH_TELLING 16u

struct hd_directory_store {
	struct hd_object_store *objects; /* borrowed */
	struct hd_object_batch *batch;   /* owned */
	struct hd_object_batch
		*callers; /* owned: of what the caller does while the thread does something else */
	pthread_t thread;
	bool has_thread;              /* of the caller */
	struct hd_mutex lock;         /* rank LEAF; protects what follows */
	struct hd_condition more;     /* there is enough to do, or an end */
	struct hd_condition less;     /* the thread has done all, or gave up */
	struct hd_directory *list;    /* owned array */
	size_t count, capacity, done; /* those before `done` have their references */
	bool busy;
	bool hurry;   /* somebody waits: the thread does all there is */
	bool ends;    /* the thread is to end */
	bool gave_up; /* the thread has ended */
};

/* ---- one directory ---- */

static void fill_tree_entry(const struct hd_snapshot_node *node, struct hd_tree_entry *entry)
{
	uint32_t mode = node->attributes.mode;

	*entry = (struct hd_tree_entry){
		.name = node->name,
		.name_length = node->name_length,
		.mode = hd_canonical_mode(mode),
		.device = hd_canonical_device(mode, node->attributes.device),
		.size = S_ISREG(mode) || S_ISLNK(mode) ? node->attributes.size : 0,
		.content = node->content,
	};
}

static void fill_attribute_entry(const struct hd_snapshot_node *node, struct hd_attribute_entry *entry)
{
	const struct hd_attributes *attributes = &node->attributes;

	*entry = (struct hd_attribute_entry){
		.name = node->name,
		.name_length = node->name_length,
		.uid = attributes->uid,
		.gid = attributes->gid,
		.access_time = attributes->access_time,
		.modify_time = attributes->modify_time,
		.change_time = attributes->change_time,
		.birth_time = attributes->birth_time,
		.link_group = hd_link_group_kept(node->link_group, &node->content),
		.links = node->link_group ? attributes->nlink : 0,
		.xattrs = node->xattrs,
		.xattrs_size = node->xattrs_size,
		.children = node->attribute_content,
	};
}

static int put(struct hd_object_store *objects, struct hd_object_batch *batch, const struct hd_buffer *bytes,
	struct hd_content *ret_content)
{
	return batch ? hd_object_batch_put(batch, bytes->data, bytes->size, ret_content)
		     : hd_object_store_put(objects, bytes->data, bytes->size, ret_content);
}

static int put_tree(struct hd_object_store *objects, struct hd_object_batch *batch,
	const struct hd_snapshot_node *node, struct hd_content *ret_content)
{
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	struct hd_tree_entry entries[2];
	int r = hd_tree_encode_begin(node->n_children, &bytes);

	for (size_t i = 0; i < node->n_children && r == 0; i++) {
		fill_tree_entry(&node->children[i], &entries[i & 1]);
		r = hd_tree_encode_entry(&entries[i & 1], i > 0 ? &entries[~i & 1] : NULL, &bytes);
	}
	return r < 0 ? r : put(objects, batch, &bytes, ret_content);
}

int hd_directory_put_attributes(struct hd_object_store *objects, struct hd_object_batch *batch,
	const struct hd_snapshot_node *node, bool is_root, struct hd_content *ret_content)
{
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	struct hd_attribute_entry entries[2];
	size_t count = 0;
	int r = hd_attributes_encode_begin(node->n_children + is_root, &bytes);

	if (r == 0 && is_root) {
		fill_attribute_entry(node, &entries[count]);
		entries[count].children = (struct hd_content){0};
		r = hd_attributes_encode_entry(&entries[count++], NULL, &bytes);
	}
	for (size_t i = 0; i < node->n_children && r == 0; i++, count++) {
		fill_attribute_entry(&node->children[i], &entries[count & 1]);
		r = hd_attributes_encode_entry(
			&entries[count & 1], count > 0 ? &entries[~count & 1] : NULL, &bytes);
	}
	return r < 0 ? r : put(objects, batch, &bytes, ret_content);
}

/* ---- a partial one: what it was, with what changed instead ---- */

static int splice_tree(struct hd_object_store *objects, struct hd_object_batch *batch,
	const struct hd_directory *directory, struct hd_content *ret_content)
{
	const struct hd_snapshot_node *node = directory->node;
	HD_AUTO_FREE struct hd_tree_entry *entries = calloc(node->n_children + 1, sizeof(*entries));
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	int r = entries ? 0 : -ENOMEM;

	for (size_t i = 0; i < node->n_children && r == 0; i++)
		fill_tree_entry(&node->children[i], &entries[i]);
	if (r == 0)
		r = hd_tree_splice(directory->tree, directory->tree_size, entries, node->n_children, &bytes);
	return r < 0 ? r : put(objects, batch, &bytes, ret_content);
}

static int splice_attributes(struct hd_object_store *objects, struct hd_object_batch *batch,
	const struct hd_directory *directory, struct hd_content *ret_content)
{
	const struct hd_snapshot_node *node = directory->node;
	HD_AUTO_FREE struct hd_attribute_entry *entries = calloc(node->n_children + 1, sizeof(*entries));
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	HD_AUTO_FREE void *before = NULL;
	size_t count = 0, size;
	int r = entries ? hd_object_store_get(
				  objects, &node->origin_attributes, ATTRIBUTES_LIMIT, &before, &size)
			: -ENOMEM;

	if (r < 0)
		return r;
	if (directory->is_root) {
		fill_attribute_entry(node, &entries[count]);
		entries[count++].children = (struct hd_content){0};
	}
	for (size_t i = 0; i < node->n_children; i++)
		fill_attribute_entry(&node->children[i], &entries[count++]);
	r = hd_attributes_splice(before, size, entries, count, &bytes);
	return r < 0 ? r : put(objects, batch, &bytes, ret_content);
}

static int put_partial(
	struct hd_object_store *objects, struct hd_object_batch *batch, const struct hd_directory *directory)
{
	struct hd_snapshot_node *node = directory->node;
	struct hd_content tree = node->content, attributes = {0};
	int r = 0;

	if (directory->needs_tree)
		r = splice_tree(objects, batch, directory, &tree);
	if (r >= 0)
		r = splice_attributes(objects, batch, directory, &attributes);
	if (r < 0)
		return r;
	node->content = tree;
	node->attribute_content = attributes;
	return 0;
}

int hd_directory_put(
	struct hd_object_store *objects, struct hd_object_batch *batch, const struct hd_directory *directory)
{
	struct hd_snapshot_node *node = directory->node;
	struct hd_content tree = node->content, attributes = {0};
	int r = 0;

	if (node->partial)
		return put_partial(objects, batch, directory);
	if (directory->needs_tree)
		r = put_tree(objects, batch, node, &tree);
	if (r >= 0 && (node->n_children > 0 || directory->is_root))
		r = hd_directory_put_attributes(objects, batch, node, directory->is_root, &attributes);
	if (r < 0)
		return r;
	node->content = tree;
	node->attribute_content = attributes;
	return 0;
}

/* ---- many of them ---- */

int hd_directory_store_new(struct hd_object_store *objects, struct hd_directory_store **ret_store)
{
	struct hd_directory_store *store = calloc(1, sizeof(*store));
	int r;

	if (!store)
		return -ENOMEM;
	store->objects = objects;
	r = hd_object_batch_new(objects, &store->batch);
	if (r >= 0)
		r = hd_object_batch_new(objects, &store->callers);
	if (r < 0) {
		hd_object_batch_free(store->batch);
		free(store);
		return r;
	}
	hd_mutex_init(&store->lock, HD_RANK_LEAF);
	hd_condition_init(&store->more);
	hd_condition_init(&store->less);
	*ret_store = store;
	return 0;
}

void hd_directory_store_free(struct hd_directory_store *store)
{
	if (!store)
		return;
	if (store->has_thread) {
		hd_mutex_lock(&store->lock);
		store->ends = true;
		hd_condition_signal(&store->more);
		hd_mutex_unlock(&store->lock);
		hd_thread_join(store->thread);
	}
	/* Of what was done nothing is left. */
	for (size_t i = store->done; i < store->count; i++)
		free(store->list[i].tree);
	hd_object_batch_free(store->batch);
	hd_object_batch_free(store->callers);
	hd_condition_destroy(&store->more);
	hd_condition_destroy(&store->less);
	hd_mutex_destroy(&store->lock);
	free(store->list);
	free(store);
}

/* Stores the next directory, if there is one: 1. Called with the lock held, which it gives up meanwhile. */
static int put_next_locked(struct hd_directory_store *store)
{
	struct hd_directory directory;
	int r;

	if (store->done == store->count)
		return 0;
	directory = store->list[store->done];
	store->busy = true;
	hd_mutex_unlock(&store->lock);
	r = hd_directory_put(store->objects, store->batch, &directory);
	if (r >= 0)
		free(directory.tree);
	hd_mutex_lock(&store->lock);
	store->busy = false;
	if (r < 0)
		return r;
	store->done++;
	return 1;
}

static bool is_idle_locked(const struct hd_directory_store *store)
{
	return !store->ends && store->count - store->done < (store->hurry ? 1 : WORTH_TELLING);
}

static void *run(void *payload)
{
	struct hd_directory_store *store = payload;
	int r = 0;

	hd_mutex_lock(&store->lock);
	while (r >= 0 && !store->ends) {
		while (is_idle_locked(store))
			hd_condition_wait(&store->more, &store->lock);
		r = 1;
		while (r > 0 && !store->ends)
			r = put_next_locked(store);
		if (r == 0)
			hd_condition_signal(&store->less);
	}
	store->gave_up = true;
	hd_condition_signal(&store->less);
	hd_mutex_unlock(&store->lock);
	return NULL;
}

/* False if that fails: then it waits as others do, and fails again if it has to. */
static bool put_by_caller(struct hd_directory_store *store, const struct hd_directory *directory)
{
	if (hd_directory_put(store->objects, store->callers, directory) < 0) {
		hd_error_clear();
		return false;
	}
	free(directory->tree);
	return true;
}

int hd_directory_store_add(struct hd_directory_store *store, const struct hd_directory *directory)
{
	bool worth, enough;
	int r;

	hd_mutex_lock(&store->lock);
	enough = store->has_thread && store->count - store->done >= ENOUGH_WAIT;
	hd_mutex_unlock(&store->lock);
	if (enough && put_by_caller(store, directory))
		return 0;
	hd_mutex_lock(&store->lock);
	/* The list begins anew where nothing waits. */
	if (store->done == store->count)
		store->done = store->count = 0;
	r = HD_ARRAY_RESERVE(store->list, store->count, store->capacity);
	if (r == 0)
		store->list[store->count++] = *directory;
	worth = store->count - store->done >= WORTH_TELLING;
	if (worth && store->has_thread)
		hd_condition_signal(&store->more);
	hd_mutex_unlock(&store->lock);
	if (r < 0)
		free(directory->tree);
	if (r < 0 || !worth || store->has_thread)
		return r;
	store->has_thread = hd_thread_start(&store->thread, "hd-directories", run, store) == 0;
	return 0;
}

/* Stores the last one that nobody has begun; false if there is none, or that fails. Called with the lock held, which it gives
 * up meanwhile. */
static bool put_last_locked(struct hd_directory_store *store)
{
	struct hd_directory directory;
	bool done;

	if (store->count - store->done <= (store->busy ? 1 : 0))
		return false;
	directory = store->list[--store->count];
	hd_mutex_unlock(&store->lock);
	done = put_by_caller(store, &directory);
	hd_mutex_lock(&store->lock);
	/* Nobody has added one meanwhile. */
	if (!done)
		store->list[store->count++] = directory;
	return done;
}

int hd_directory_store_wait(struct hd_directory_store *store)
{
	int r = 1;

	hd_mutex_lock(&store->lock);
	store->hurry = true;
	if (store->has_thread)
		hd_condition_signal(&store->more);
	while (store->has_thread && !store->gave_up && put_last_locked(store))
		;
	while (store->has_thread && !store->gave_up && (store->busy || store->done < store->count))
		hd_condition_wait(&store->less, &store->lock);
	while (r > 0)
		r = put_next_locked(store);
	store->hurry = false;
	hd_mutex_unlock(&store->lock);
	return r;
}

int hd_directory_store_finish(struct hd_directory_store *store)
{
	int r = hd_directory_store_wait(store);

	if (r >= 0)
		r = hd_object_batch_flush(store->batch);
	return r < 0 ? r : hd_object_batch_flush(store->callers);
}
