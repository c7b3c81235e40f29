/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Messages of the control socket, as a client or another version of heddle may send them: whatever the JSON says, its
 * decoders take it or refuse it; a failure never reads as success; a name comes back as the bytes that it was.
 *
 * LINK: heddle_mount
 */

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mount/control/control_channel.h"
#include "mount/control/control_error.h"
#include "mount/control/control_json.h"
#include "mount/parts/adoption.h"
#include "mount/parts/large_files.h"
#include "overlay/platform/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_name(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	size_t length = strnlen(bytes, size), again = 0;
	bool raw = false;
	json_t *text = hd_control_name(bytes, length, &raw);
	char *name = NULL;

	if (!text || hd_control_name_decode(json_string_value(text), raw, &name, &again) != 0 ||
		again != length || (length && memcmp(name, bytes, length) != 0))
		abort();
	free(name);
	json_decref(text);
}

static void try_paths(const json_t *message)
{
	struct hd_control_paths paths;

	if (hd_control_paths_read(message, &paths) != 0)
		return;
	for (size_t i = 0; i < paths.count; i++)
		if (!paths.paths[i])
			abort();
	hd_control_paths_clear(&paths);
}

static void try_message(const json_t *message)
{
	struct hd_held_files held = {0};
	struct hd_state_id id;
	const char *text = json_string_value(json_object_get(message, "id"));
	int none = -1;

	(void)strlen(hd_control_op(message));
	if (hd_control_error(message) >= 0 && json_is_object(json_object_get(message, "error")))
		abort();
	if (text)
		(void)hd_control_id_decode(text, &id);
	try_paths(message);
	(void)hd_held_files_hear(&held, message, &none);
	(void)hd_held_files_hear(&held, message, &none);
	if (held.count > 1)
		abort();
	hd_held_files_clear(&held);
	(void)hd_formats_check(json_object_get(message, "formats"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *message = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(message))
		try_message(message);
	json_decref(message);
	try_name(data, size);
	hd_error_clear();
	return 0;
}
