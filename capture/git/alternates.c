/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/alternates.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

#define TEXT_LIMIT (64u << 10)
#define DEPTH 5 /* git's own */

static int emit_line(const char *objects, const char *line, hd_alternates_emit emit, void *payload)
{
	HD_AUTO_FREE char *path = NULL;

	/* Relative to the directory of objects. */
	if (asprintf(&path, "%s%s%s", *line == '/' ? "" : objects, *line == '/' ? "" : "/", line) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return emit(path, payload);
}

int hd_alternates_parse(const char *objects, char *text, hd_alternates_emit emit, void *payload)
{
	char *line;
	int r = 0;

	while (r >= 0 && (line = strsep(&text, "\n"))) {
		if (*line && *line != '#')
			r = emit_line(objects, line, emit, payload);
	}
	return r;
}

struct level {
	unsigned depth;
	hd_alternates_emit emit;
	void *payload;
};

static int each(const char *objects, void *payload)
{
	struct level *level = payload, below = *level;
	HD_AUTO_CLOSE int fd = -1;
	HD_AUTO_FREE char *text = NULL;
	size_t size;
	int r;

	if (level->depth > DEPTH)
		return hd_fail(HD_E_BASE_MISSING, "%s: alternates are nested too deep", objects);
	r = level->emit(objects, level->payload);
	if (r < 0)
		return r;
	/* Whether one that is missing matters is for EMIT to say. */
	fd = hd_directory_open(AT_FDCWD, objects);
	r = fd < 0 ? fd : hd_file_read_whole(fd, "info/alternates", TEXT_LIMIT, &text, &size);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	below.depth++;
	return hd_alternates_parse(objects, text, each, &below);
}

int hd_alternates_each(const char *objects, hd_alternates_emit emit, void *payload)
{
	struct level level = {.emit = emit, .payload = payload};

	return each(objects, &level);
}
