/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/capture_counts.h"
#include "capture/capture_tree.h"
#include "capture/compare/moves_way.h"
#include "capture/compare/same_tree.h"
#include "capture/identity.h"
#include "capture/link_counts.h"
#include "capture/provenance_collect.h"
#include "overlay/bases/base.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/log.h"
#include "overlay/platform/threads/work.h"
#include "overlay/switch/tree_switch.h"

/*
 * The steps and what a death between them leaves:
 *
 *  1. snapshot                      nothing
 *  2. store files and trees         objects that nobody names
 *  3. make the overlay, the objects and the base's path ids durable: a power cut after the next step must not bring
 *     back a live tree that is older than its state, for what the state has would then look deleted
 *  4. publish the state and move the head, one transaction: from here on the capture has happened
 *  5. tell the overlay              the overlay finds out when it is opened: its parent is not the head
 *
 * After a capture of some paths the overlay only hears of its head, in 5: what is not captured is still marked.
 *
 * A capture that finds nothing changed makes what it looked at durable, as in 3, and stops: the live tree on disk may still
 * be an older one that differs from the head. The numbers of a state come from the same comparison as status and diff;
 * after 2, equal files have equal references, so that it reads no bytes.
 */

#define FACT_KEY_MAX 64

struct capture_run {
	struct hd_overlay *overlay;
	const struct hd_capture_options *options;
	struct hd_snapshot *snapshot;                   /* owned */
	struct hd_state head;                           /* owned */
	struct hd_tree_view *head_view, *snapshot_view; /* owned */
	struct hd_tree_view *state_view; /* owned: of a state that has not all of the snapshot; else NULL */
	struct hd_provenance provenance; /* owned */
	struct hd_canonical *canonical;  /* owned */
	struct hd_capture_selection selection; /* owned; empty if everything is captured */
	bool partial;                          /* only some changes are captured */
	bool whole;  /* the snapshot is to have all of the directories that changed */
	bool surely; /* slowly, after something went wrong that only concerns the quick way */
};

static void run_clear(struct capture_run *run)
{
	hd_tree_view_free(run->head_view);
	hd_tree_view_free(run->snapshot_view);
	hd_tree_view_free(run->state_view);
	hd_provenance_clear(&run->provenance);
	hd_canonical_free(run->canonical);
	hd_capture_selection_clear(&run->selection);
	hd_snapshot_free(run->snapshot);
	hd_state_clear(&run->head);
	run->head_view = run->snapshot_view = run->state_view = NULL;
	run->canonical = NULL;
	run->snapshot = NULL;
}

struct hd_capture_time hd_capture_time_now(void)
{
	struct timespec now = hd_clock_now();
	struct tm local = {0};

	(void)localtime_r(&now.tv_sec, &local);
	return (struct hd_capture_time){
		.time_s = now.tv_sec,
		.time_ns = (uint32_t)now.tv_nsec,
		.zone_minutes = (int32_t)(local.tm_gmtoff / 60),
	};
}

static int check_fact(const struct hd_state_fact *fact)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
	size_t length = strlen(fact->key);
	bool is_letter =
		(fact->key[0] >= 'A' && fact->key[0] <= 'Z') || (fact->key[0] >= 'a' && fact->key[0] <= 'z');

	if (!is_letter || length > FACT_KEY_MAX || strspn(fact->key, allowed) != length)
		return hd_fail(HD_E_FACT_INVALID, "the key '%s'", fact->key);
	if (strcasecmp(fact->key, "state") == 0 || strcasecmp(fact->key, HD_PROVENANCE_FACT) == 0)
		return hd_fail(HD_E_FACT_INVALID, "the key '%s' is heddle's own", fact->key);
	for (const unsigned char *byte = (const unsigned char *)fact->value; *byte; byte++) {
		if ((*byte < 0x20 && *byte != '\n' && *byte != '\t') || *byte == 0x7f)
			return hd_fail(
				HD_E_FACT_INVALID, "the value of '%s' has a control byte in it", fact->key);
	}
	return 0;
}

static int compare_facts(const void *a, const void *b)
{
	const struct hd_state_fact *left = a, *right = b;

	return strcmp(left->key, right->key);
}

/* Copies the facts into STATE, sorted. */
static int fill_facts(const struct hd_capture_options *options, struct hd_state *state)
{
	if (options->n_facts == 0)
		return 0;
	state->facts = calloc(options->n_facts, sizeof(*state->facts));
	if (!state->facts)
		return -ENOMEM;
	for (size_t i = 0; i < options->n_facts; i++) {
		int r = check_fact(&options->facts[i]);

		if (r < 0)
			return r;
		state->facts[i].key = strdup(options->facts[i].key);
		state->facts[i].value = strdup(options->facts[i].value);
		state->n_facts++;
		if (!state->facts[i].key || !state->facts[i].value)
			return -ENOMEM;
	}
	qsort(state->facts, state->n_facts, sizeof(*state->facts), compare_facts);
	for (size_t i = 1; i < state->n_facts; i++) {
		if (compare_facts(&state->facts[i - 1], &state->facts[i]) == 0)
			return hd_fail(HD_E_FACT_INVALID, "the key '%s' occurs twice", state->facts[i].key);
	}
	return 0;
}

/* What the caller says of the state; checked before anything is stored. */
static int fill_words(const struct hd_capture_options *options, struct hd_state *state)
{
	struct hd_capture_time when = options->time ? *options->time : hd_capture_time_now();
	int r;

	r = hd_identity_check(options->author ? options->author : "");
	if (r >= 0)
		r = fill_facts(options, state);
	if (r < 0)
		return r;
	state->time_s = when.time_s;
	state->time_ns = when.time_ns;
	state->zone_minutes = when.zone_minutes;
	state->author = strdup(options->author);
	state->message = strdup(options->message ? options->message : "");
	return state->author && state->message ? 0 : -ENOMEM;
}

/* What the snapshot says of it. */
static int fill_tree(struct capture_run *run, struct hd_state *state)
{
	struct hd_store *store = hd_overlay_store(run->overlay);
	struct hd_moves_way way = {.index = store->index,
		.from = &run->head.id,
		.overlay = run->overlay,
		.view = run->snapshot_view};
	const struct hd_moves_source source = hd_moves_way_source(&way);
	struct hd_capture_trees trees = {.old_view = run->head_view, .known = &source};
	int r;

	hd_work_step(HD_WORK_COMPARING, 0);
	if (run->partial)
		r = hd_tree_view_of_state(hd_overlay_bases(run->overlay), state, &run->state_view);
	else
		r = 0;
	trees.new_view = run->state_view ? run->state_view : run->snapshot_view;
	if (r >= 0)
		r = hd_capture_count_growth(&trees, state, store->objects, run->options->growth);
	if (r < 0)
		return r;
	state->parents = malloc(sizeof(*state->parents));
	if (!state->parents)
		return -ENOMEM;
	state->parents[0] = run->head.id;
	state->n_parents = 1;
	return 0;
}

static int open_views(struct capture_run *run)
{
	struct hd_base_set *bases = hd_overlay_bases(run->overlay);
	struct hd_state_id id;
	int r;

	hd_snapshot_parent(run->snapshot, &id);
	r = hd_index_get_state(hd_overlay_store(run->overlay)->index, &id, &run->head);
	if (r >= 0)
		r = hd_tree_view_of_state(bases, &run->head, &run->head_view);
	if (r >= 0)
		r = hd_tree_view_of_snapshot(bases, run->snapshot, &run->snapshot_view);
	if (r >= 0)
		hd_tree_view_leave_out_attributes(run->head_view, hd_overlay_store(run->overlay)->objects);
	if (r >= 0)
		r = hd_canonical_new(hd_overlay_store(run->overlay), bases, hd_overlay_thread(run->overlay),
			&run->canonical);
	if (r >= 0 && run->partial)
		r = hd_capture_select(hd_overlay_store(run->overlay), bases, run->snapshot, &run->head,
			&run->options->choice, &run->selection);
	return r;
}

/* Whether nothing at all is in the tree of STATE that the head has not. */
static int is_as_head(const struct capture_run *run, const struct hd_state *state)
{
	struct hd_state like = run->head; /* owns nothing */

	like.tree = state->tree;
	like.attributes = state->attributes;
	like.root_mode = state->root_mode;
	return hd_same_tree(hd_overlay_store(run->overlay), hd_overlay_bases(run->overlay), &like, &run->head,
		HD_SAME_ACCESS_NOT_SET);
}

/* Stores what changed and puts the new root into STATE. 1 when nothing makes a state. */
static int store_tree(struct capture_run *run, struct hd_state *state)
{
	struct hd_snapshot_node *root = run->partial ? &run->selection.root : hd_snapshot_root(run->snapshot);
	struct hd_capture_tree tree = {
		.objects = hd_overlay_store(run->overlay)->objects,
		.snapshot = run->snapshot,
		.root = root,
		.canonical = run->canonical,
		.head_view = run->head_view,
		.snapshot_view = run->snapshot_view,
		.singly = run->surely,
	};
	int r;

	if (!root->changed)
		return 1;
	r = hd_capture_tree_store(&tree);
	hd_linked_files_clear(&tree.linked);
	if (r < 0)
		return r;
	state->tree = root->content;
	state->attributes = root->attribute_content;
	state->root_mode = root->attributes.mode & 07777;
	if (!hd_content_equal(&state->tree, &run->head.tree) ||
		state->root_mode != (run->head.root_mode & 07777))
		return run->partial ? hd_link_counts_mend(hd_overlay_store(run->overlay),
					      hd_overlay_bases(run->overlay), &run->head, state)
				    : 0;
	return run->options->aside ? is_as_head(run, state) : 1;
}

/*
 * The state is made, whatever comes of this: an overlay that did not hear of it takes the new head over, at the latest when it is
 * opened again, and what is marked is compared once more.
 */
static void tell_overlay(struct capture_run *run, const struct hd_state *state)
{
	int r = run->partial ? 0 : hd_snapshot_publish(run->snapshot, &state->id);

	if (run->partial || r < 0)
		r = hd_overlay_take_head(run->overlay, &state->id);
	if (r < 0)
		hd_log(HD_LOG_ERROR, "thread '%s' has a new state, and its tree does not know: %s",
			hd_overlay_thread(run->overlay), hd_error_message(r));
}

static int publish(struct capture_run *run, struct hd_state *state)
{
	struct hd_store *store = hd_overlay_store(run->overlay);
	int r;

	hd_work_step(HD_WORK_WRITING_TO_DISK, 0);
	r = hd_overlay_sync(run->overlay);
	if (r >= 0)
		r = hd_base_set_persist(hd_overlay_bases(run->overlay));
	if (r >= 0)
		r = hd_object_store_sync(store->objects);
	/* What keeps a tree aside moves nothing; whoever wants it may still be stopped. */
	if (r >= 0)
		r = run->options->aside ? hd_work_advance(0) : hd_work_finish();
	if (r >= 0 && run->options->aside)
		return hd_index_publish(store->index, state, NULL, NULL);
	if (r >= 0)
		r = hd_index_publish(store->index, state, hd_overlay_thread(run->overlay), &run->head.id);
	if (r == -HD_E_THREAD_MOVED)
		return hd_fail(HD_E_THREAD_MOVED,
			"another state was made of it meanwhile; the changes are still here");
	if (r >= 0)
		tell_overlay(run, state);
	return r;
}

static int add_fact(struct hd_state *state, const char *key, const char *value)
{
	struct hd_state_fact *facts = reallocarray(state->facts, state->n_facts + 1, sizeof(*facts));

	if (!facts)
		return -ENOMEM;
	state->facts = facts;
	facts[state->n_facts] = (struct hd_state_fact){.key = strdup(key), .value = strdup(value)};
	state->n_facts++;
	if (!facts[state->n_facts - 1].key || !facts[state->n_facts - 1].value)
		return -ENOMEM;
	qsort(facts, state->n_facts, sizeof(*facts), compare_facts);
	return 0;
}

/* Who changed it, if that was recorded. What is kept aside is not captured yet. */
static int fill_provenance(struct capture_run *run, struct hd_state *state)
{
	const struct hd_capture_witness *witness = run->options->aside ? NULL : run->options->witness;
	char text[HD_PROVENANCE_TEXT_SIZE];
	int r;

	if (!witness)
		return 0;
	r = hd_provenance_collect(witness, run->snapshot, run->head_view,
		run->state_view ? run->state_view : run->snapshot_view, &run->provenance);
	if (r >= 0)
		r = hd_provenance_put(hd_overlay_store(run->overlay), &run->provenance, text);
	return r < 0 ? r : add_fact(state, HD_PROVENANCE_FACT, text);
}

/* Whoever keeps a tree aside asked for the state alone, and the head is durable. */
static int end_with_nothing(struct capture_run *run)
{
	if (run->options->aside)
		return 0;
	hd_work_step(HD_WORK_WRITING_TO_DISK, 0);
	return hd_overlay_sync(run->overlay);
}

static int take_and_store(struct capture_run *run, struct hd_state *state)
{
	int r = run->whole ? hd_snapshot_take_whole(run->overlay, &run->snapshot)
			   : hd_snapshot_take(run->overlay, true, &run->snapshot);

	if (r >= 0)
		r = open_views(run);
	return r < 0 ? r : store_tree(run, state);
}

/* What a directory was could not be read, or does not belong together; or bytes have the hash of others that are there. */
static bool may_do_surely(int r)
{
	return r == -HD_E_OBJECT_MISSING || r == -HD_E_OBJECT_CORRUPT || r == -HD_E_TREE_CORRUPT ||
	       r == -HD_E_ATTRIBUTES_CORRUPT || r == -EEXIST;
}

/* As store_tree. What changed directories are made of may be damaged, and all of them is here, too. */
static int take_and_store_surely(struct capture_run *run, struct hd_state *state)
{
	int r;

	run->partial = hd_capture_choice_is_partial(&run->options->choice);
	run->whole = run->partial;
	r = take_and_store(run, state);
	if (r >= 0 || !may_do_surely(r))
		return r;
	hd_log(HD_LOG_NOTICE, "capturing thread '%s' without what is there of its directories: %s",
		hd_overlay_thread(run->overlay), hd_error_message(r));
	hd_error_clear();
	run_clear(run);
	run->whole = run->surely = true;
	return take_and_store(run, state);
}

static int capture(struct capture_run *run, struct hd_state *state, bool *ret_nothing)
{
	const struct hd_capture_witness *witness = run->options->aside ? NULL : run->options->witness;
	uint64_t mark = witness ? witness->mark(witness->payload) : 0;
	int r;

	r = fill_words(run->options, state);
	if (r >= 0)
		r = take_and_store_surely(run, state);
	if (r < 0)
		return r;
	*ret_nothing = r == 1;
	if (*ret_nothing)
		return end_with_nothing(run);
	r = fill_tree(run, state);
	if (r >= 0)
		r = fill_provenance(run, state);
	if (r >= 0)
		r = publish(run, state);
	if (r >= 0 && witness && run->partial)
		hd_provenance_forget(witness, run->snapshot, &run->provenance, mark);
	else if (r >= 0 && witness)
		witness->forget(witness->payload, mark);
	return r;
}

int hd_capture_run(struct hd_overlay *overlay, const struct hd_capture_options *options,
	struct hd_state *ret_state, bool *ret_nothing)
{
	struct capture_run run = {.overlay = overlay, .options = options};
	struct hd_state state = {0};
	bool nothing = false;
	int r;

	r = capture(&run, &state, &nothing);
	if (r >= 0)
		hd_overlay_tidy(overlay);
	if (r >= 0 && nothing) {
		hd_state_clear(&state);
		state = run.head;
		run.head = (struct hd_state){0};
	}
	run_clear(&run);
	if (r < 0) {
		hd_state_clear(&state);
		return hd_fail_in(r, "capture '%s'", hd_overlay_thread(overlay));
	}
	*ret_state = state;
	*ret_nothing = nothing;
	return 0;
}
