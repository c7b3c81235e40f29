/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/journal/flush.h"
#include "overlay/platform/error.h"
#include "overlay/platform/log.h"
#include "overlay/store/index/index_operations.h"
#include "overlay/switch/tree_switch_types.h"

/*
 * The announcement of a switch, which is what makes it one thing with the thread's move in the index, whoever dies in between, and
 * what tells the next process that the kernel has not heard of all.
 *
 * The log says whether the thread was moved. That there is a later operation does not: heads are moved and threads renamed while
 * nobody has the thread open, and a fork begins with the journal of another.
 */

static int keep_number(const struct hd_operation *operation, void *payload)
{
	*(uint64_t *)payload = operation->number;
	return 0;
}

static int last_operation(struct hd_overlay *overlay, uint64_t *ret_number)
{
	*ret_number = 0;
	return hd_index_list_operations(overlay->store->index, NULL, 1, keep_number, ret_number);
}

static int set_announcement(struct hd_overlay *overlay, const struct hd_switch_head *head)
{
	struct hd_transaction transaction;
	int r;

	hd_rwlock_write(&overlay->lock);
	hd_transaction_begin(overlay->arena, &transaction);
	*hd_edit_switch(&transaction) = *head;
	r = hd_overlay_commit(overlay, &transaction);
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

int hd_switch_cancel(struct hd_switch *run)
{
	return set_announcement(run->overlay, &(struct hd_switch_head){0});
}

int hd_switch_announce(struct hd_switch *run)
{
	struct hd_switch_head head = {.target = run->target, .step = HD_SWITCH_ANNOUNCED};
	int r = last_operation(run->overlay, &head.operation);

	if (r == 0)
		r = set_announcement(run->overlay, &head);
	if (r < 0)
		return r;
	r = hd_overlay_sync(run->overlay);
	/* Else it would reach the disk with a later flush, and nobody is going to do it. */
	if (r < 0)
		(void)hd_switch_cancel(run);
	return r;
}

static int finish(struct hd_overlay *overlay, const struct hd_switch_head *head)
{
	struct hd_switch *run;
	int r = hd_switch_new(overlay, &head->target, &run);

	if (r < 0)
		return r;
	r = hd_switch_run(run);
	hd_switch_free(run);
	return r;
}

struct search {
	const struct hd_switch_head *head; /* borrowed: what was announced */
	uint32_t overlay;                  /* number of the directory that it is in */
	bool inherited; /* that one was made later: it is a fork, and began with another's journal */
	bool found;
};

/* Whether the operation is what was announced. One that leaves the tree says the same of it before and after. */
static int look_for_move(const struct hd_operation *operation, void *payload)
{
	const struct hd_operation_side *before = &operation->before, *after = &operation->after;
	struct search *search = payload;

	if (operation->number <= search->head->operation)
		return 1;
	if (operation->is_tag || !after->name)
		return 0;
	if (!before->name)
		search->inherited = search->inherited || after->overlay == search->overlay;
	else if (search->inherited || before->overlay == search->overlay)
		search->found = search->found || (hd_state_id_equal(&after->tree, &search->head->target) &&
							 !hd_state_id_equal(&after->tree, &before->tree));
	return 0;
}

int hd_switch_recover(struct hd_overlay *overlay)
{
	struct hd_switch_head head = *hd_record_switch(overlay->arena);
	struct search search = {.head = &head, .overlay = overlay->thread_number};
	int r;

	if (head.step != HD_SWITCH_ANNOUNCED)
		return 0;
	r = hd_index_list_operations(overlay->store->index, NULL, 0, look_for_move, &search);
	if (r >= 0 && search.found) {
		hd_log(HD_LOG_NOTICE, "finishing a restore that was under way when the last process died");
		r = finish(overlay, &head);
	} else if (r >= 0) {
		r = set_announcement(overlay, &(struct hd_switch_head){0});
	}
	return r < 0 ? hd_fail_in(r, "finish the restore of thread '%s'", overlay->thread) : 0;
}

int hd_switch_told(struct hd_overlay *overlay)
{
	return hd_switch_is_untold(overlay) ? set_announcement(overlay, &(struct hd_switch_head){0}) : 0;
}

static bool is_at(struct hd_overlay *overlay, uint32_t step)
{
	bool is;

	hd_rwlock_read(&overlay->lock);
	is = hd_record_switch(overlay->arena)->step == step;
	hd_rwlock_unlock(&overlay->lock);
	return is;
}

bool hd_switch_is_announced(struct hd_overlay *overlay)
{
	return is_at(overlay, HD_SWITCH_ANNOUNCED);
}

bool hd_switch_is_untold(struct hd_overlay *overlay)
{
	return is_at(overlay, HD_SWITCH_UNTOLD);
}
