/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_CONTROL_CONTROL_JSON_H
#define HEDDLE_MOUNT_CONTROL_CONTROL_JSON_H

/*
 * Control JSON: names, times, states and failures as docs/design/control-protocol.md writes them.
 *
 * Ownership   Returned values are new references. Threads: pure functions.
 * Errors      NULL or -ENOMEM when memory is short.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "overlay/store/index/index.h"

/* The text of NAME: as it is when it is UTF-8, else with \xNN for each byte that is not and \\ for a
 * backslash. */
json_t *hd_control_name(const char *name, size_t length, bool *ret_raw);
/* TEXT that is meant to be UTF-8; bytes that are not become U+FFFD. */
json_t *hd_control_text(const char *text);
/* Sets KEY of OBJECT to what hd_control_name makes of NAME, and "raw" to true if that was not UTF-8: one name an object. */
int hd_control_put_name(json_t *object, const char *key, const char *name, size_t length);
/* OBJECT, which may be NULL and is taken over, with that; NULL without memory. */
json_t *hd_control_with_name(json_t *object, const char *key, const char *name);
/* The name under KEY of OBJECT, in fresh memory; NULL if there is none. */
char *hd_control_get_name(const json_t *object, const char *key);
/* Sets "from" to an object with the "path" that something had before it was moved; nothing for NULL. */
int hd_control_put_origin(json_t *object, const char *path);
/* The bytes that hd_control_name wrote as TEXT; fresh memory with a NUL behind. -HD_E_CONTROL_PROTOCOL. */
int hd_control_name_decode(const char *text, bool raw, char **ret_name, size_t *ret_length);

/* The `paths` of a request: a list of objects with a path each. */
struct hd_control_paths {
	char **paths; /* owned, each */
	size_t count;
};
int hd_control_paths_read(const json_t *request, struct hd_control_paths *ret_paths);
void hd_control_paths_clear(struct hd_control_paths *paths);
/* The value of such a field; NULL without memory. */
json_t *hd_control_paths(const char *const *paths, size_t n);

/* 32 hex digits. */
json_t *hd_control_id(const struct hd_state_id *id);
/* The same, or null for the zero id: no state. */
json_t *hd_control_id_or_null(const struct hd_state_id *id);
/* From 32 hex digits; -HD_E_CONTROL_PROTOCOL. */
int hd_control_id_decode(const char *text, struct hd_state_id *ret_id);

/* A state as the protocol writes it. */
json_t *hd_control_state(const struct hd_state *state);

#endif
