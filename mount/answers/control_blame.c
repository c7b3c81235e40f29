/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/answers/control_blame.h"

#include <errno.h>
#include <string.h>

#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

static json_t *source_json(const struct hd_blame_source *source)
{
	json_t *object = json_pack(
		"{s:o}", "state", source->captured ? hd_control_state(&source->state) : json_null());

	if (hd_control_put_name(object, "path", source->path, strlen(source->path)) < 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *line_json(const struct hd_blame *blame, size_t index)
{
	const struct hd_blame_line *line = &blame->lines[index];
	const struct hd_blame_source *source = &blame->sources[line->source];
	json_t *object = json_pack("{s:I, s:I, s:I, s:o}", "line", (json_int_t)(blame->first + index),
		"source", (json_int_t)line->source, "source_line", (json_int_t)line->source_line, "state",
		source->captured ? hd_control_id(&source->state.id) : json_null());

	if (hd_control_put_name(object, "text", line->text, line->length) < 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static int append(json_t *array, json_t *item)
{
	return json_array_append_new(array, item) < 0 ? -ENOMEM : 0;
}

json_t *hd_control_blame_json(const struct hd_blame *blame)
{
	json_t *sources = json_array(), *lines = json_array();
	json_t *object = json_pack("{s:b, s:I, s:o, s:o}", "binary", (int)blame->binary, "size",
		(json_int_t)blame->size, "sources", sources, "lines", lines);
	int r = object ? hd_control_put_name(object, "path", blame->path, strlen(blame->path)) : -ENOMEM;

	for (size_t i = 0; i < blame->n_sources && r >= 0; i++)
		r = append(sources, source_json(&blame->sources[i]));
	for (size_t i = 0; i < blame->n_lines && r >= 0; i++)
		r = append(lines, line_json(blame, i));
	if (r < 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static int read_range(json_t *request, struct hd_blame_range *ret_range)
{
	json_int_t first = 0, last = 0;

	if (json_unpack(request, "{s?I, s?I}", "first", &first, "last", &last) != 0 || first < 0 || last < 0)
		return hd_fail(HD_E_CONTROL_PROTOCOL, "the request's 'first' or 'last'");
	*ret_range = (struct hd_blame_range){.first = (size_t)first, .last = (size_t)last};
	return 0;
}

int hd_control_blame(struct hd_overlay *overlay, json_t *request, json_t **ret_reply)
{
	HD_CLEANUP(hd_control_paths_clear) struct hd_control_paths paths = {0};
	struct hd_blame_range range;
	struct hd_blame blame;
	int r = read_range(request, &range);

	if (r >= 0)
		r = hd_control_paths_read(request, &paths);
	if (r >= 0 && paths.count != 1)
		r = hd_fail(HD_E_CONTROL_PROTOCOL, "the request's 'paths' are not one path");
	if (r >= 0)
		r = hd_blame_overlay(overlay, paths.paths[0], &range, &blame);
	if (r < 0)
		return r;
	*ret_reply = hd_control_blame_json(&blame);
	hd_blame_clear(&blame);
	return *ret_reply ? 0 : -ENOMEM;
}
