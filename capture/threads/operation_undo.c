/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/threads/operation_undo.h"

#include <errno.h>
#include <string.h>

#include "capture/threads/thread_change.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"

/*
 * Names and heads are compared and directories are not: a thread that got its tree back has another directory than the
 * one that the log speaks of. To do something again is to go to what was there just before it was undone.
 */

void hd_undo_plan_clear(struct hd_undo_plan *plan)
{
	hd_operation_clear(&plan->operation);
	hd_operation_side_clear(&plan->from);
	hd_operation_side_clear(&plan->to);
	*plan = (struct hd_undo_plan){0};
}

static int copy_side(const struct hd_operation_side *side, struct hd_operation_side *ret_side)
{
	char *name = side->name ? strdup(side->name) : NULL;

	if (side->name && !name)
		return -ENOMEM;
	*ret_side = *side;
	ret_side->name = name;
	return 0;
}

static int check_kind(const struct hd_operation *operation, enum hd_operation_kind kind)
{
	unsigned long long number = operation->number;
	const char *name = hd_operation_kind_name(operation->kind);

	if (operation->kind == HD_OPERATION_INIT)
		return hd_fail(HD_E_USAGE, "operation %llu made the store, which cannot be undone", number);
	if (operation->kind == HD_OPERATION_UNDO || operation->kind == HD_OPERATION_REDO)
		return hd_fail(HD_E_USAGE, "operation %llu is of the kind '%s': name operation %llu itself",
			number, name, (unsigned long long)operation->target);
	if (kind == HD_OPERATION_UNDO && operation->undone)
		return hd_fail(HD_E_OPERATION_BLOCKED, "operation %llu was undone by operation %llu", number,
			(unsigned long long)operation->undone);
	if (kind == HD_OPERATION_REDO && !operation->undone)
		return hd_fail(HD_E_OPERATION_BLOCKED, "operation %llu is not undone", number);
	return 0;
}

static int fill_sides(struct hd_index *index, struct hd_undo_plan *plan)
{
	HD_CLEANUP(hd_operation_clear) struct hd_operation undo = {0};
	const struct hd_operation *shown = &plan->operation;
	int r = 0;

	if (plan->kind == HD_OPERATION_REDO) {
		r = hd_index_get_operation(index, plan->operation.undone, &undo);
		shown = &undo;
	}
	if (r >= 0)
		r = copy_side(&shown->after, &plan->from);
	if (r >= 0)
		r = copy_side(&shown->before, &plan->to);
	if (r >= 0 && !plan->operation.is_tag)
		plan->held = plan->from.name;
	return r;
}

int hd_undo_prepare(
	struct hd_index *index, enum hd_operation_kind kind, uint64_t number, struct hd_undo_plan *ret_plan)
{
	struct hd_undo_plan plan = {.kind = kind};
	int r;

	r = hd_index_get_operation(index, number, &plan.operation);
	if (r >= 0)
		r = check_kind(&plan.operation, kind);
	if (r >= 0)
		r = fill_sides(index, &plan);
	if (r < 0) {
		hd_undo_plan_clear(&plan);
		return r;
	}
	*ret_plan = plan;
	return 0;
}

static int undo_tag(struct hd_store *store, const struct hd_undo_plan *plan, struct hd_operation *operation)
{
	int r;

	operation->is_tag = true;
	r = copy_side(&plan->from, &operation->before);
	if (r >= 0)
		r = copy_side(&plan->to, &operation->after);
	if (r >= 0)
		r = hd_work_finish();
	return r < 0 ? r : hd_index_change(store->index, operation);
}

/* Nobody has the thread: it comes back under its name. */
static int bring_back(struct hd_store *store, const struct hd_undo_plan *plan, struct hd_operation *operation)
{
	int r = copy_side(&plan->to, &operation->after);

	operation->after.overlay = 0;
	return r < 0 ? r : hd_thread_change_apply(store, operation, NULL);
}

/*
 * Nothing that still holds was done to the thread since: neither after the operation that is undone, nor after the undo that is
 * taken back, and no other undo came after that. The head alone does not tell, since restores leave it; and somebody may have
 * been faster than the caller.
 */
static int check_last(struct hd_store *store, const struct hd_undo_plan *plan)
{
	bool again = plan->kind == HD_OPERATION_REDO;
	uint64_t last = 0, undone = plan->operation.number;
	int r = hd_index_find_undoable(store->index, plan->from.name, &last);

	if (again && (r >= 0 || r == -HD_E_OPERATION_MISSING))
		r = hd_index_find_redoable(store->index, plan->from.name, &undone);
	if (r < 0 && r != -HD_E_OPERATION_MISSING)
		return r;
	if (last > (again ? plan->operation.undone : plan->operation.number))
		return hd_fail(HD_E_OPERATION_BLOCKED, "operation %llu came to thread '%s' since",
			(unsigned long long)last, plan->from.name);
	if (undone != plan->operation.number)
		return hd_fail(HD_E_OPERATION_BLOCKED, "operation %llu of thread '%s' was undone since",
			(unsigned long long)undone, plan->from.name);
	return 0;
}

static int check_current(struct hd_store *store, const struct hd_undo_plan *plan)
{
	unsigned long long number = plan->operation.number;
	struct hd_thread thread = {0};
	bool same;
	int r;

	r = hd_index_get_thread(store->index, plan->from.name, &thread);
	if (r == -HD_E_THREAD_MISSING)
		return hd_fail(HD_E_OPERATION_BLOCKED, "thread '%s' of operation %llu was renamed or dropped",
			plan->from.name, number);
	if (r < 0)
		return r;
	same = hd_state_id_equal(&thread.head, &plan->from.head);
	hd_thread_clear(&thread);
	return same ? check_last(store, plan)
		    : hd_fail(HD_E_OPERATION_BLOCKED, "thread '%s' was moved after operation %llu",
			      plan->from.name, number);
}

static bool gave_another_tree(const struct hd_operation *operation)
{
	return operation->kind == HD_OPERATION_RESTORE ||
	       ((operation->kind == HD_OPERATION_LAND || operation->kind == HD_OPERATION_REBASE) &&
		       !hd_state_id_equal(&operation->before.tree, &operation->after.tree));
}

static int move_thread(struct hd_store *store, const struct hd_undo_plan *plan, const char *actor,
	struct hd_live_thread *live, struct hd_operation *operation)
{
	/* A live thread was given another tree in the same directory. */
	bool replaces = !plan->to.name || plan->to.overlay != plan->from.overlay ||
			gave_another_tree(&plan->operation);
	int r = check_current(store, plan);

	if (r >= 0 && live && (!plan->to.name || strcmp(plan->to.name, plan->from.name) != 0))
		r = hd_fail(HD_E_MOUNTED, "thread '%s' can be renamed or dropped when it is unmounted",
			plan->from.name);

	if (r >= 0) {
		hd_operation_clear(operation);
		r = hd_thread_change_begin(
			store, plan->from.name, plan->kind, actor, replaces, live, operation);
	}
	if (r < 0)
		return r;
	operation->target = plan->operation.number;
	if (!replaces) {
		struct hd_operation_side *after = &operation->after;
		char *name = strdup(plan->to.name);

		if (!name)
			return -ENOMEM;
		free(after->name);
		after->name = name;
		after->head = plan->to.head;
		after->base = plan->to.base;
	} else {
		hd_operation_side_clear(&operation->after);
		r = copy_side(&plan->to, &operation->after);
		operation->after.overlay = 0;
	}
	return r < 0 ? r : hd_thread_change_apply(store, operation, live);
}

int hd_undo_apply(struct hd_store *store, const struct hd_undo_plan *plan, const char *actor,
	struct hd_live_thread *live, struct hd_operation *ret_operation)
{
	struct hd_operation operation = {
		.kind = plan->kind, .actor = strdup(actor), .target = plan->operation.number};
	int r;

	if (!operation.actor)
		return -ENOMEM;
	if (plan->operation.is_tag)
		r = undo_tag(store, plan, &operation);
	else if (!plan->from.name)
		r = bring_back(store, plan, &operation);
	else
		r = move_thread(store, plan, actor, live, &operation);
	if (r < 0) {
		hd_operation_clear(&operation);
		return hd_fail_in(r, "%s operation %llu", hd_operation_kind_name(plan->kind),
			(unsigned long long)plan->operation.number);
	}
	*ret_operation = operation;
	return 0;
}
