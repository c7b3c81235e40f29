/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A file's name is bytes, a JSON string is UTF-8. Escaping only the names that need it keeps the usual reply
 * readable, and "raw" says which ones to undo: a backslash in any other name is a backslash.
 */

#include "mount/control/control_json.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/hex.h"
#include "overlay/platform/utf8.h"

json_t *hd_control_name(const char *name, size_t length, bool *ret_raw)
{
	HD_AUTO_BUFFER struct hd_buffer text = {0};
	size_t i = 0;

	*ret_raw = !hd_utf8_is_valid(name, length);
	if (!*ret_raw)
		return json_stringn(name, length);
	while (i < length) {
		unsigned character;
		size_t step = hd_utf8_decode(name + i, length - i, &character);

		if (step == 0)
			hd_buffer_printf(&text, "\\x%02X", (unsigned char)name[i]);
		else if (name[i] == '\\')
			hd_buffer_put_text(&text, "\\\\");
		else
			hd_buffer_put(&text, name + i, step);
		i += step ? step : 1;
	}
	if (hd_buffer_status(&text) < 0)
		return NULL;
	return json_stringn((const char *)text.data, text.size);
}

json_t *hd_control_text(const char *text)
{
	HD_AUTO_BUFFER struct hd_buffer out = {0};
	size_t left = strlen(text);

	while (left > 0) {
		unsigned character;
		size_t length = hd_utf8_decode(text, left, &character);

		if (length > 0)
			hd_buffer_put(&out, text, length);
		else
			hd_buffer_put_text(&out, "\xef\xbf\xbd");
		text += length ? length : 1;
		left -= length ? length : 1;
	}
	if (hd_buffer_status(&out) < 0)
		return NULL;
	return json_stringn(out.size ? (const char *)out.data : "", out.size);
}

int hd_control_put_name(json_t *object, const char *key, const char *name, size_t length)
{
	bool raw;
	json_t *text = hd_control_name(name, length, &raw);

	if (json_object_set_new(object, key, text) != 0)
		return -ENOMEM;
	if (raw && json_object_set_new(object, "raw", json_true()) != 0)
		return -ENOMEM;
	return 0;
}

int hd_control_put_origin(json_t *object, const char *path)
{
	json_t *origin;

	if (!path)
		return 0;
	origin = json_object();
	if (json_object_set_new(object, "from", origin) != 0)
		return -ENOMEM;
	return hd_control_put_name(origin, "path", path, strlen(path));
}

/* The byte that the escape at TEXT (behind its backslash) stands for, and how long it is; -1 if it is none.
 */
static int escaped_byte(const char *text, size_t *ret_length)
{
	int high, low;

	if (text[0] == '\\') {
		*ret_length = 1;
		return '\\';
	}
	if (text[0] != 'x')
		return -1;
	high = hd_hex_digit(text[1]);
	low = high < 0 ? -1 : hd_hex_digit(text[2]);
	*ret_length = 3;
	return low < 0 ? -1 : high * 16 + low;
}

int hd_control_name_decode(const char *text, bool raw, char **ret_name, size_t *ret_length)
{
	HD_AUTO_FREE char *name = malloc(strlen(text) + 1);
	size_t length = 0;

	if (!name)
		return -ENOMEM;
	while (*text) {
		size_t step;
		int byte;

		if (!raw || *text != '\\') {
			name[length++] = *text++;
			continue;
		}
		byte = escaped_byte(text + 1, &step);
		if (byte <= 0)
			return hd_fail(HD_E_CONTROL_PROTOCOL, "a name has a malformed escape");
		name[length++] = (char)byte;
		text += 1 + step;
	}
	name[length] = '\0';
	*ret_name = HD_STEAL(name);
	*ret_length = length;
	return 0;
}

json_t *hd_control_with_name(json_t *object, const char *key, const char *name)
{
	if (hd_control_put_name(object, key, name, strlen(name)) == 0)
		return object;
	json_decref(object);
	return NULL;
}

char *hd_control_get_name(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	bool raw = json_is_true(json_object_get(object, "raw"));
	char *name;
	size_t length;

	return text && hd_control_name_decode(text, raw, &name, &length) >= 0 ? name : NULL;
}

json_t *hd_control_id(const struct hd_state_id *id)
{
	char text[HD_STATE_ID_TEXT_SIZE];

	hd_state_id_format(id, text);
	return json_string(text);
}

json_t *hd_control_id_or_null(const struct hd_state_id *id)
{
	return hd_state_id_is_zero(id) ? json_null() : hd_control_id(id);
}

int hd_control_id_decode(const char *text, struct hd_state_id *ret_id)
{
	struct hd_state_id id;
	size_t i;

	if (strlen(text) != 2 * sizeof(id.bytes))
		return hd_fail(HD_E_CONTROL_PROTOCOL, "'%s' is not a state's id", text);
	for (i = 0; i < sizeof(id.bytes); i++) {
		int high = hd_hex_digit(text[2 * i]);
		int low = hd_hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return hd_fail(HD_E_CONTROL_PROTOCOL, "'%s' is not a state's id", text);
		id.bytes[i] = (uint8_t)(high * 16 + low);
	}
	*ret_id = id;
	return 0;
}

/* Text that people wrote: a message in another encoding must not make the whole reply fail. */
static json_t *person_text(const char *text)
{
	bool raw;

	return text ? hd_control_name(text, strlen(text), &raw) : json_null();
}

static json_t *state_parents(const struct hd_state *state)
{
	json_t *parents = json_array();
	size_t i;

	for (i = 0; i < state->n_parents; i++) {
		if (json_array_append_new(parents, hd_control_id(&state->parents[i])) != 0) {
			json_decref(parents);
			return NULL;
		}
	}
	return parents;
}

static json_t *state_facts(const struct hd_state *state)
{
	json_t *facts = json_object();
	size_t i;

	for (i = 0; i < state->n_facts; i++) {
		if (json_object_set_new(facts, state->facts[i].key, person_text(state->facts[i].value)) !=
			0) {
			json_decref(facts);
			return NULL;
		}
	}
	return facts;
}

static json_t *state_moves(const struct hd_state *state)
{
	json_t *moves = json_array();
	size_t i;

	for (i = 0; i < state->n_moves; i++) {
		json_t *move = json_object();

		if (json_array_append_new(moves, move) != 0 ||
			hd_control_put_name(move, "path", state->moves[i].to, strlen(state->moves[i].to)) <
				0 ||
			hd_control_put_origin(move, state->moves[i].from) < 0) {
			json_decref(moves);
			return NULL;
		}
	}
	return moves;
}

json_t *hd_control_state(const struct hd_state *state)
{
	char tree[HD_CONTENT_TEXT_SIZE];

	return json_pack(
		"{s:o, s:s, s:o, s:o, s:o, s:{s:I, s:i, s:i}, s:o, s:{s:I, s:I, s:I, s:I}, s:o, s:b, s:o}",
		"id", hd_control_id(&state->id), "tree", hd_content_format(&state->tree, tree), "parents",
		state_parents(state), "message", person_text(state->message), "author",
		person_text(state->author), "time", "s", (json_int_t)state->time_s, "ns", (int)state->time_ns,
		"zone", (int)state->zone_minutes, "facts", state_facts(state), "changes", "added",
		(json_int_t)state->added, "modified", (json_int_t)state->modified, "deleted",
		(json_int_t)state->deleted, "moved", (json_int_t)state->moved, "moves", state_moves(state),
		"is_base", (int)state->is_base, "git_commit", person_text(state->git_commit));
}

void hd_control_paths_clear(struct hd_control_paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->paths[i]);
	free(paths->paths);
	*paths = (struct hd_control_paths){0};
}

static int read_path(const json_t *item, struct hd_control_paths *paths)
{
	const char *text = json_string_value(json_object_get(item, "path"));
	size_t length;
	int r;

	if (!text)
		return hd_fail(HD_E_CONTROL_PROTOCOL, "the request's 'paths' hold something else");
	r = hd_control_name_decode(
		text, json_is_true(json_object_get(item, "raw")), &paths->paths[paths->count], &length);
	paths->count += r >= 0;
	return r;
}

int hd_control_paths_read(const json_t *request, struct hd_control_paths *ret_paths)
{
	json_t *array = json_object_get(request, "paths");
	struct hd_control_paths paths = {.paths = calloc(json_array_size(array) + 1, sizeof(char *))};
	int r = paths.paths ? 0 : -ENOMEM;

	for (size_t i = 0; i < json_array_size(array) && r >= 0; i++)
		r = read_path(json_array_get(array, i), &paths);
	if (r < 0) {
		hd_control_paths_clear(&paths);
		return r;
	}
	*ret_paths = paths;
	return 0;
}

json_t *hd_control_paths(const char *const *paths, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < n; i++) {
		json_t *item = json_object();

		if (hd_control_put_name(item, "path", paths[i], strlen(paths[i])) < 0 ||
			json_array_append_new(array, item) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}
