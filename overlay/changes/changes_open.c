/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/changes/changes_open.h"

#include "overlay/changes/change_era.h"
#include "overlay/changes/change_log.h"

/*
 * Mounts alone have an era: nobody asks a command that opens a thread for a moment. What it changes has numbers, by which the
 * next mount knows that there was somebody.
 */

bool hd_overlay_is_at_first(struct hd_overlay *overlay, const struct hd_state *state)
{
	struct hd_state_id head;
	struct hd_state first = {0};
	bool same;

	if (hd_index_find_thread_first(overlay->store->index, overlay->thread, &head, &first) < 0)
		return false;
	same = hd_state_id_equal(&first.id, &head) && hd_state_id_equal(&first.id, &state->id);
	hd_state_clear(&first);
	return same;
}

/* Whatever is known of the thread is void: no number that was given out says anything of what came after it. */
static int forget_marks(struct hd_overlay *overlay)
{
	struct hd_transaction transaction;
	struct hd_thread_head *head;
	int r;

	hd_rwlock_write(&overlay->lock);
	hd_transaction_begin(overlay->arena, &transaction);
	head = hd_edit_thread(&transaction);
	head->unmarked = ++head->change;
	r = hd_overlay_commit(overlay, &transaction);
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

static int begin(struct hd_overlay *overlay, const struct hd_state *state, uint64_t *ret_era)
{
	const struct hd_thread_head *head = hd_record_thread(overlay->arena);
	uint64_t era = HD_ERA_NONE, last = 0;
	enum hd_era_state found = hd_era_read(overlay->directory_fd, &era, &last);
	bool goes_on = found == HD_ERA_CLEAN && last == head->change;

	if (!goes_on)
		era = hd_era_draw();
	/* Where nothing can be written no token is given out, and nothing must be changed here either. */
	if (!hd_era_write_open(overlay->directory_fd, era))
		return 0;
	*ret_era = era;
	/* A thread that was looked at by a command, and never changed, is as if nobody had opened it. */
	if (goes_on || !head->initialized ||
		(found == HD_ERA_ABSENT && head->change == 0 && hd_overlay_is_at_first(overlay, state)))
		return 0;
	return forget_marks(overlay);
}

int hd_changes_open(
	struct hd_overlay *overlay, const struct hd_overlay_options *options, const struct hd_state *state)
{
	uint64_t era = HD_ERA_NONE, last;
	int r = 0;

	if (options->attach) {
		if (hd_era_read(overlay->directory_fd, &era, &last) != HD_ERA_OPEN)
			era = HD_ERA_NONE;
	} else if (options->background) {
		r = begin(overlay, state, &era);
	} else {
		return 0;
	}
	return r < 0 ? r
		     : hd_change_log_new(era, hd_record_thread(overlay->arena)->change, &overlay->changes);
}

void hd_changes_close(struct hd_overlay *overlay)
{
	if (overlay->changes && overlay->changes->era != HD_ERA_NONE &&
		overlay->recovery.memory.state == HD_MEMORY_SOUND)
		hd_era_write_clean(overlay->directory_fd, overlay->changes->era,
			hd_record_thread(overlay->arena)->change);
}

void hd_changes_free(struct hd_overlay *overlay)
{
	hd_change_log_free(overlay->changes);
	overlay->changes = NULL;
}
