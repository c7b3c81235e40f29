/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/store/index/index_check.h"
#include "overlay/store/index/index_operations.h"

/*
 * The log of operations says of each move what was there before and what after. So threads and tags are in the index twice,
 * and each row of the log once more in the next one of that name: a row that SQLite could read and that is not what was
 * written contradicts another. From the newest operation to the oldest, what is there must be what the operation left, and
 * becomes what it found.
 */

struct thing {
	struct hd_operation_side side; /* owned */
	bool is_tag;
};

struct replay {
	struct thing *things; /* owned array: what is there before the operations that were read */
	size_t count, capacity;
	hd_index_emit_problem emit;
	void *payload;
};

static void tell(const struct replay *replay, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(const struct replay *replay, const char *format, ...)
{
	HD_AUTO_FREE char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	replay->emit(text ? text : "the index contradicts its log", replay->payload);
}

static struct thing *find(struct replay *replay, const char *name, bool is_tag)
{
	for (size_t i = 0; i < replay->count; i++)
		if (replay->things[i].is_tag == is_tag && strcmp(replay->things[i].side.name, name) == 0)
			return &replay->things[i];
	return NULL;
}

static int add(struct replay *replay, const struct hd_operation_side *side, bool is_tag)
{
	struct thing *thing;

	if (HD_ARRAY_RESERVE(replay->things, replay->count, replay->capacity) < 0)
		return -ENOMEM;
	thing = &replay->things[replay->count];
	*thing = (struct thing){.side = *side, .is_tag = is_tag};
	thing->side.name = strdup(side->name);
	if (!thing->side.name)
		return -ENOMEM;
	replay->count++;
	return 0;
}

static void take_out(struct replay *replay, struct thing *thing)
{
	hd_operation_side_clear(&thing->side);
	*thing = replay->things[--replay->count];
}

static int add_thread(const struct hd_thread *thread, void *payload)
{
	struct hd_operation_side side = {.name = thread->name,
		.overlay = thread->number,
		.head = thread->head,
		.base = thread->base,
		.tree = thread->tree};

	return add(payload, &side, false);
}

static int add_tag(const struct hd_tag *tag, void *payload)
{
	return add(payload, &(struct hd_operation_side){.name = tag->name, .head = tag->state}, true);
}

static bool is_same(const struct hd_operation_side *a, const struct hd_operation_side *b, bool is_tag)
{
	return hd_state_id_equal(&a->head, &b->head) &&
	       (is_tag || (a->overlay == b->overlay && hd_state_id_equal(&a->base, &b->base)));
}

static int go_back(const struct hd_operation *operation, void *payload)
{
	const struct hd_operation_side *before = &operation->before, *after = &operation->after;
	const char *what = operation->is_tag ? "tag" : "thread";
	struct replay *replay = payload;
	struct thing *thing = after->name ? find(replay, after->name, operation->is_tag) : NULL;

	if (after->name && !thing)
		tell(replay, "the index: %s '%s', which operation %llu left, is not there", what, after->name,
			(unsigned long long)operation->number);
	else if (thing && !is_same(&thing->side, after, operation->is_tag))
		tell(replay, "the index: %s '%s' is not what operation %llu made it", what, after->name,
			(unsigned long long)operation->number);
	if (thing)
		take_out(replay, thing);
	if (!before->name)
		return 0;
	if (find(replay, before->name, operation->is_tag)) {
		tell(replay, "the index: %s '%s' is there, although operation %llu took it away", what,
			before->name, (unsigned long long)operation->number);
		return 0;
	}
	return add(replay, before, operation->is_tag);
}

int hd_index_check_log(struct hd_index *index, hd_index_emit_problem emit, void *payload)
{
	struct replay replay = {.emit = emit, .payload = payload};
	int r = hd_index_list_threads(index, add_thread, &replay);

	if (r == 0)
		r = hd_index_list_tags(index, add_tag, &replay);
	if (r == 0)
		r = hd_index_list_operations(index, NULL, 0, go_back, &replay);
	while (replay.count > 0) {
		struct thing *thing = &replay.things[replay.count - 1];

		if (r == 0)
			tell(&replay, "the index: no operation made %s '%s'",
				thing->is_tag ? "tag" : "thread", thing->side.name);
		take_out(&replay, thing);
	}
	free(replay.things);
	return r;
}
