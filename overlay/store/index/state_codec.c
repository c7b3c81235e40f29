/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/index/state_codec.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/platform/checksum.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/content_format.h"

/*
 * As in the other codecs one rule book, state_problem, holds in both directions: a state that could be
 * published can be read, and encoding what was decoded gives the same bytes, hence the same id.
 */

#define STATE_MAGIC "HDST"
#define STATE_MAGIC_SIZE 4
#define STATE_VERSION 1
#define STATE_IS_BASE (1u << 0)
#define STATE_HAS_GIT_COMMIT (1u << 1)
#define STATE_HAS_MOVES (1u << 2)
#define STATE_HAS_GIT_TREE (1u << 3)
#define STATE_FLAGS (STATE_IS_BASE | STATE_HAS_GIT_COMMIT | STATE_HAS_MOVES | STATE_HAS_GIT_TREE)

/* Two empty texts. */
#define FACT_MINIMUM 8
/* Two texts of one byte. */
#define MOVE_MINIMUM 10

_Static_assert(sizeof(struct hd_hash128) == HD_STATE_ID_SIZE, "a state id is a 128-bit hash");

static const char *state_problem(const struct hd_state *state)
{
	if (!hd_content_is_valid(&state->tree) || !hd_content_is_valid(&state->attributes))
		return "a content reference is malformed";
	if (state->tree.kind == HD_CONTENT_CHUNKED)
		return "the tree is a chunk list";
	if (state->attributes.kind != HD_CONTENT_NONE && state->attributes.kind != HD_CONTENT_OBJECT)
		return "the attributes are not an object";
	if (!hd_content_is_valid(&state->git_tree) ||
		(state->git_tree.kind != HD_CONTENT_NONE &&
			(state->git_tree.kind != HD_CONTENT_GIT || state->tree.kind != HD_CONTENT_OBJECT)))
		return "the git tree is none, or the tree shows none";
	if (state->time_ns >= 1000000000)
		return "the time has no valid nanoseconds";
	if (state->root_mode & ~07777u)
		return "the root mode has unknown bits";
	for (size_t i = 1; i < state->n_facts; i++) {
		if (strcmp(state->facts[i - 1].key, state->facts[i].key) >= 0)
			return "the facts are not sorted";
	}
	for (size_t i = 0; i < state->n_moves; i++) {
		if (!state->moves[i].from[0] || !state->moves[i].to[0])
			return "a move has no path";
		if (i > 0 && strcmp(state->moves[i - 1].to, state->moves[i].to) >= 0)
			return "the moves are not sorted";
	}
	return NULL;
}

static const char *text_or_empty(const char *text)
{
	return text ? text : "";
}

/* False when the text is too long for its length field. */
static bool put_text(struct hd_buffer *out, const char *text)
{
	size_t length = strlen(text);

	if (length > UINT32_MAX)
		return false;
	hd_buffer_put_u32(out, (uint32_t)length);
	if (length)
		hd_buffer_put(out, text, length);
	return true;
}

static void put_fixed_fields(struct hd_buffer *out, const struct hd_state *state)
{
	unsigned flags = (state->is_base ? STATE_IS_BASE : 0) |
			 (state->git_commit ? STATE_HAS_GIT_COMMIT : 0) |
			 (state->n_moves > 0 ? STATE_HAS_MOVES : 0) |
			 (state->git_tree.kind != HD_CONTENT_NONE ? STATE_HAS_GIT_TREE : 0);

	hd_buffer_put(out, STATE_MAGIC, STATE_MAGIC_SIZE);
	hd_buffer_put_u16(out, STATE_VERSION);
	hd_buffer_put_u16(out, (uint16_t)flags);
	hd_buffer_put_u32(out, state->root_mode);
	hd_buffer_put_u64(out, (uint64_t)state->time_s);
	hd_buffer_put_u32(out, state->time_ns);
	hd_buffer_put_u32(out, (uint32_t)state->zone_minutes);
	hd_buffer_put_u64(out, state->added);
	hd_buffer_put_u64(out, state->modified);
	hd_buffer_put_u64(out, state->deleted);
	hd_buffer_put_u64(out, state->moved);
	hd_content_put(out, &state->tree);
	hd_content_put(out, &state->attributes);
}

int hd_state_encode(const struct hd_state *state, struct hd_buffer *out)
{
	const char *problem = state_problem(state);
	bool fits = true;

	if (problem)
		return hd_fail(EINVAL, "state: %s", problem);
	if (state->n_parents > UINT32_MAX || state->n_facts > UINT32_MAX || state->n_moves > UINT32_MAX)
		return hd_fail(EINVAL, "state: too many parents, facts or moves");
	put_fixed_fields(out, state);
	hd_buffer_put_u32(out, (uint32_t)state->n_parents);
	for (size_t i = 0; i < state->n_parents; i++)
		hd_buffer_put(out, state->parents[i].bytes, HD_STATE_ID_SIZE);
	fits &= put_text(out, text_or_empty(state->message));
	fits &= put_text(out, text_or_empty(state->author));
	hd_buffer_put_u32(out, (uint32_t)state->n_facts);
	for (size_t i = 0; i < state->n_facts; i++) {
		fits &= put_text(out, state->facts[i].key);
		fits &= put_text(out, state->facts[i].value);
	}
	if (state->git_commit)
		fits &= put_text(out, state->git_commit);
	if (state->n_moves > 0)
		hd_buffer_put_u32(out, (uint32_t)state->n_moves);
	for (size_t i = 0; i < state->n_moves; i++) {
		fits &= put_text(out, state->moves[i].from);
		fits &= put_text(out, state->moves[i].to);
	}
	if (state->git_tree.kind != HD_CONTENT_NONE)
		hd_content_put(out, &state->git_tree);
	return fits ? hd_buffer_status(out) : hd_fail(EINVAL, "state: a text is too long");
}

static int malformed(const char *what)
{
	return hd_fail(HD_E_STORE_CORRUPT, "state record: %s", what);
}

static int take_text(struct hd_reader *reader, char **ret_text)
{
	uint32_t length = hd_reader_u32(reader);
	const void *bytes = hd_reader_bytes(reader, length);
	char *text;

	if (hd_reader_failed(reader))
		return malformed("a text is cut off");
	if (length && memchr(bytes, '\0', length))
		return malformed("a text contains NUL");
	text = malloc((size_t)length + 1);
	if (!text)
		return -ENOMEM;
	if (length)
		memcpy(text, bytes, length);
	text[length] = '\0';
	*ret_text = text;
	return 0;
}

static int take_fixed_fields(struct hd_reader *reader, struct hd_state *state, unsigned *ret_flags)
{
	const void *magic = hd_reader_bytes(reader, STATE_MAGIC_SIZE);
	uint16_t version = hd_reader_u16(reader);
	unsigned flags = hd_reader_u16(reader);

	if (hd_reader_failed(reader) || memcmp(magic, STATE_MAGIC, STATE_MAGIC_SIZE) != 0)
		return malformed("no header");
	if (version != STATE_VERSION)
		return hd_fail(
			HD_E_STORE_CORRUPT, "state record: version %u, known is %u", version, STATE_VERSION);
	if (flags & ~STATE_FLAGS)
		return malformed("unknown flags");
	state->is_base = flags & STATE_IS_BASE;
	state->root_mode = hd_reader_u32(reader);
	state->time_s = (int64_t)hd_reader_u64(reader);
	state->time_ns = hd_reader_u32(reader);
	state->zone_minutes = (int32_t)hd_reader_u32(reader);
	state->added = hd_reader_u64(reader);
	state->modified = hd_reader_u64(reader);
	state->deleted = hd_reader_u64(reader);
	state->moved = hd_reader_u64(reader);
	if (!hd_content_take(reader, &state->tree) || !hd_content_take(reader, &state->attributes))
		return malformed("a content reference is malformed");
	*ret_flags = flags;
	return 0;
}

static int take_parents(struct hd_reader *reader, struct hd_state *state)
{
	uint32_t count = hd_reader_u32(reader);

	if (count > hd_reader_left(reader) / HD_STATE_ID_SIZE)
		return malformed("the parents are cut off");
	if (count == 0)
		return 0;
	state->parents = calloc(count, sizeof(*state->parents));
	if (!state->parents)
		return -ENOMEM;
	state->n_parents = count;
	for (uint32_t i = 0; i < count; i++)
		memcpy(state->parents[i].bytes, hd_reader_bytes(reader, HD_STATE_ID_SIZE), HD_STATE_ID_SIZE);
	return 0;
}

static int take_facts(struct hd_reader *reader, struct hd_state *state)
{
	uint32_t count = hd_reader_u32(reader);
	int r = 0;

	if (count > hd_reader_left(reader) / FACT_MINIMUM)
		return malformed("the facts are cut off");
	if (count == 0)
		return 0;
	state->facts = calloc(count, sizeof(*state->facts));
	if (!state->facts)
		return -ENOMEM;
	state->n_facts = count;
	for (uint32_t i = 0; i < count && r == 0; i++) {
		r = take_text(reader, &state->facts[i].key);
		if (r == 0)
			r = take_text(reader, &state->facts[i].value);
	}
	return r;
}

static int take_moves(struct hd_reader *reader, struct hd_state *state)
{
	uint32_t count = hd_reader_u32(reader);
	int r = 0;

	if (count == 0 || count > hd_reader_left(reader) / MOVE_MINIMUM)
		return malformed("the moves are cut off");
	state->moves = calloc(count, sizeof(*state->moves));
	if (!state->moves)
		return -ENOMEM;
	state->n_moves = count;
	for (uint32_t i = 0; i < count && r == 0; i++) {
		r = take_text(reader, &state->moves[i].from);
		if (r == 0)
			r = take_text(reader, &state->moves[i].to);
	}
	return r;
}

static int take_state(struct hd_reader *reader, struct hd_state *state)
{
	const char *problem;
	unsigned flags = 0;
	int r;

	r = take_fixed_fields(reader, state, &flags);
	if (r == 0)
		r = take_parents(reader, state);
	if (r == 0)
		r = take_text(reader, &state->message);
	if (r == 0)
		r = take_text(reader, &state->author);
	if (r == 0)
		r = take_facts(reader, state);
	if (r == 0 && (flags & STATE_HAS_GIT_COMMIT))
		r = take_text(reader, &state->git_commit);
	if (r == 0 && (flags & STATE_HAS_MOVES))
		r = take_moves(reader, state);
	if (r >= 0 && (flags & STATE_HAS_GIT_TREE) &&
		(!hd_content_take(reader, &state->git_tree) || state->git_tree.kind == HD_CONTENT_NONE))
		return malformed("the git tree is malformed");
	if (r < 0)
		return r;
	if (hd_reader_failed(reader) || hd_reader_left(reader))
		return malformed("its length is wrong");
	problem = state_problem(state);
	return problem ? malformed(problem) : 0;
}

int hd_state_decode(const void *data, size_t size, struct hd_state *ret_state)
{
	struct hd_state state = {0};
	struct hd_reader reader;
	int r;

	hd_reader_init(&reader, data, size);
	r = take_state(&reader, &state);
	if (r < 0) {
		hd_state_clear(&state);
		return r;
	}
	state.id = hd_state_id_compute(data, size);
	*ret_state = state;
	return 0;
}

struct hd_state_id hd_state_id_compute(const void *record, size_t size)
{
	struct hd_hash128 hash = hd_hash128(record, size);
	struct hd_state_id id;

	memcpy(id.bytes, hash.bytes, HD_STATE_ID_SIZE);
	return id;
}
