/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/hex.h"
#include "overlay/store/index/index_types.h"
#include "overlay/store/index/state_codec.h"

/*
 * Reading states. A record is verified against its id at every reading: it is small, and a state is the root
 * of trust of everything below it.
 */

#define PREFIX_MINIMUM 4
/* Of an ambiguous prefix so many states are listed. */
#define CANDIDATES 8
#define HEX_DIGITS ((size_t)2 * HD_STATE_ID_SIZE)

int hd_index_has_state_locked(struct hd_index *index, const struct hd_state_id *id)
{
	static const char sql[] = "SELECT 1 FROM state WHERE id = ?1";
	sqlite3_stmt *statement;
	int r;

	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	hd_index_bind_state_id_locked(statement, 1, id);
	r = hd_index_step_locked(index, statement, "find a state");
	hd_index_reset_locked(statement);
	return r;
}

int hd_index_state_record_locked(
	struct hd_index *index, const struct hd_state_id *id, void **ret_record, size_t *ret_size)
{
	static const char sql[] = "SELECT record FROM state WHERE id = ?1";
	HD_AUTO_FREE void *record = NULL;
	sqlite3_stmt *statement;
	size_t size = 0;
	int r;

	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	hd_index_bind_state_id_locked(statement, 1, id);
	r = hd_index_step_locked(index, statement, "read a state");
	if (r > 0) {
		const void *column = sqlite3_column_blob(statement, 0);

		size = (size_t)sqlite3_column_bytes(statement, 0);
		record = malloc(size + 1);
		if (!record)
			r = -ENOMEM;
		else if (size)
			memcpy(record, column, size);
	}
	hd_index_reset_locked(statement);
	if (r <= 0)
		return r;
	*ret_record = HD_STEAL(record);
	*ret_size = size;
	return 1;
}

int hd_index_get_state(struct hd_index *index, const struct hd_state_id *id, struct hd_state *ret_state)
{
	HD_AUTO_FREE void *record = NULL;
	char text[HD_STATE_ID_TEXT_SIZE];
	struct hd_state state;
	size_t size = 0;
	int r;

	hd_index_lock(index);
	r = hd_index_state_record_locked(index, id, &record, &size);
	hd_index_unlock(index);
	if (r < 0)
		return r;
	hd_state_id_format(id, text);
	if (r == 0)
		return hd_fail(HD_E_STATE_MISSING, "state %s", text);
	r = hd_state_decode(record, size, &state);
	if (r < 0)
		return hd_fail_in(r, "state %s", text);
	if (!hd_state_id_equal(&state.id, id)) {
		hd_state_clear(&state);
		return hd_fail(HD_E_STORE_CORRUPT, "the record of state %s does not match its id", text);
	}
	*ret_state = state;
	return 0;
}

/*
 * Where the histories of the last few states that were asked for begin: whoever makes states, or exports them, asks of one after
 * the other, and each walk would be longer than the one before. A state never gets another history.
 */

static bool find_known_first(
	struct hd_index *index, const struct hd_state_id *id, struct hd_state_id *ret_first)
{
	bool known = false;

	hd_index_lock(index);
	for (size_t i = 0; i < HD_INDEX_FIRSTS && !known; i++) {
		known = hd_state_id_equal(&index->firsts[i].state, id);
		if (known)
			*ret_first = index->firsts[i].first;
	}
	hd_index_unlock(index);
	return known;
}

static void remember_first(
	struct hd_index *index, const struct hd_state_id *id, const struct hd_state_id *first)
{
	hd_index_lock(index);
	index->firsts[index->next_first].state = *id;
	index->firsts[index->next_first].first = *first;
	index->next_first = (index->next_first + 1) % HD_INDEX_FIRSTS;
	hd_index_unlock(index);
}

int hd_index_find_first(struct hd_index *index, const struct hd_state_id *id, struct hd_state *ret_state)
{
	struct hd_state_id next = *id;
	struct hd_state state;
	bool known = find_known_first(index, id, &next);
	bool was_known = known;
	int r = hd_index_get_state(index, &next, &state);

	while (r >= 0 && !known && !state.is_base && state.n_parents > 0) {
		next = state.parents[0];
		known = find_known_first(index, &next, &next);
		hd_state_clear(&state);
		r = hd_index_get_state(index, &next, &state);
	}
	if (r < 0)
		return r;
	if (!was_known)
		remember_first(index, id, &state.id);
	*ret_state = state;
	return 0;
}

int hd_index_find_thread_first(
	struct hd_index *index, const char *thread, struct hd_state_id *ret_head, struct hd_state *ret_state)
{
	struct hd_thread record = {0};
	int r = hd_index_get_thread(index, thread, &record);

	if (r < 0)
		return r;
	if (ret_head)
		*ret_head = record.head;
	r = hd_index_find_first(index, &record.head, ret_state);
	hd_thread_clear(&record);
	return r;
}

/* The smallest and the greatest id that begin with PREFIX. */
static bool prefix_range(const char *prefix, struct hd_state_id *ret_low, struct hd_state_id *ret_high)
{
	size_t length = strlen(prefix);

	if (length < PREFIX_MINIMUM || length > HEX_DIGITS)
		return false;
	memset(ret_low->bytes, 0x00, HD_STATE_ID_SIZE);
	memset(ret_high->bytes, 0xff, HD_STATE_ID_SIZE);
	for (size_t i = 0; i < length; i++) {
		int value = hd_hex_digit(prefix[i]);
		unsigned shift = i % 2 ? 0 : 4;

		if (value < 0)
			return false;
		ret_low->bytes[i / 2] |= (uint8_t)((unsigned)value << shift);
		ret_high->bytes[i / 2] &= (uint8_t) ~((0xfu ^ (unsigned)value) << shift);
	}
	return true;
}

/* FIRST and the ids from where STATEMENT stands as the failure's detail. */
static int fail_ambiguous_locked(
	struct hd_index *index, sqlite3_stmt *statement, const struct hd_state_id *first)
{
	char list[CANDIDATES * (HD_STATE_ID_TEXT_SIZE + 1) + 8] = "";
	struct hd_state_id id = *first;
	size_t length = 0;
	int r = 1;

	for (int i = 0; i < CANDIDATES && r > 0; i++) {
		char text[HD_STATE_ID_TEXT_SIZE];

		hd_state_id_format(&id, text);
		length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%s", i ? ", " : "", text);
		r = i > 0 ? hd_index_step_locked(index, statement, "find a state") : 1;
		if (r > 0 && hd_index_column_state_id_locked(statement, 0, &id) < 0)
			r = -HD_E_STORE_CORRUPT;
	}
	if (r > 0)
		(void)snprintf(list + length, sizeof(list) - length, ", ...");
	return r < 0 ? r : hd_fail(HD_E_STATE_AMBIGUOUS, "%s", list);
}

static int find_state_locked(struct hd_index *index, const struct hd_state_id *low,
	const struct hd_state_id *high, struct hd_state_id *ret_id)
{
	static const char sql[] = "SELECT id FROM state WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3";
	sqlite3_stmt *statement;
	int r;

	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	hd_index_bind_state_id_locked(statement, 1, low);
	hd_index_bind_state_id_locked(statement, 2, high);
	(void)sqlite3_bind_int(statement, 3, CANDIDATES + 1);
	r = hd_index_step_locked(index, statement, "find a state");
	if (r == 0)
		r = -HD_E_STATE_MISSING;
	if (r > 0)
		r = hd_index_column_state_id_locked(statement, 0, ret_id);
	if (r == 0)
		r = hd_index_step_locked(index, statement, "find a state");
	if (r > 0)
		r = fail_ambiguous_locked(index, statement, ret_id);
	hd_index_reset_locked(statement);
	return r;
}

int hd_index_find_state(struct hd_index *index, const char *prefix, struct hd_state_id *ret_id)
{
	struct hd_state_id low, high, id;
	int r;

	if (!prefix_range(prefix, &low, &high))
		return -HD_E_STATE_MISSING;
	hd_index_lock(index);
	r = find_state_locked(index, &low, &high, &id);
	hd_index_unlock(index);
	if (r < 0)
		return r;
	*ret_id = id;
	return 0;
}

static int common_digits(const struct hd_state_id *a, const struct hd_state_id *b)
{
	int digits = 0;

	while (digits < 2 * HD_STATE_ID_SIZE) {
		uint8_t difference = a->bytes[digits / 2] ^ b->bytes[digits / 2];

		if (difference & (digits % 2 ? 0x0f : 0xf0))
			break;
		digits++;
	}
	return digits;
}

/* Digits that ID has in common with its neighbour, which SQL finds. */
static int neighbour_digits_locked(struct hd_index *index, const char *sql, const struct hd_state_id *id)
{
	struct hd_state_id neighbour;
	sqlite3_stmt *statement;
	int r;

	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	hd_index_bind_state_id_locked(statement, 1, id);
	r = hd_index_step_locked(index, statement, "find a state's neighbour");
	if (r > 0)
		r = hd_index_column_state_id_locked(statement, 0, &neighbour) < 0
			    ? -HD_E_STORE_CORRUPT
			    : common_digits(id, &neighbour);
	hd_index_reset_locked(statement);
	return r;
}

int hd_index_state_digits(struct hd_index *index, const struct hd_state_id *id)
{
	static const char before[] = "SELECT id FROM state WHERE id < ?1 ORDER BY id DESC LIMIT 1";
	static const char behind[] = "SELECT id FROM state WHERE id > ?1 ORDER BY id LIMIT 1";
	int left, right;

	hd_index_lock(index);
	left = neighbour_digits_locked(index, before, id);
	right = left < 0 ? 0 : neighbour_digits_locked(index, behind, id);
	hd_index_unlock(index);
	if (left < 0 || right < 0)
		return left < 0 ? left : right;
	return (left > right ? left : right) + 1;
}
