/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_THREADS_THREAD_COMMAND_H
#define HEDDLE_CLI_THREADS_THREAD_COMMAND_H

/*
 * Thread command: the steps that commands which ask a thread something have in common.
 *
 * Ownership   The request is taken over, the reply and the descriptor are the caller's.
 * Threads     The main thread. Errors: those of the request and of its reply.
 */

#include <jansson.h>

#include "cli/arguments/store_locate.h"

/* Sends REQUEST (NULL: -ENOMEM) to the thread, mounted or not, with LABEL as the progress line. *RET_FD may
 * be -1. */
int hd_thread_ask(const struct hd_location *location, json_t *request, const char *label, json_t **ret_reply,
	int *ret_fd);

/* Fields of a reply; 0, "" or false where the reply has none. */
unsigned long long hd_reply_number(const json_t *reply, const char *key);
const char *hd_reply_text(const json_t *reply, const char *key);

static inline void hd_cleanup_json(json_t **object)
{
	json_decref(*object);
}
#define HD_AUTO_JSON __attribute__((cleanup(hd_cleanup_json)))

/* Whether the next entry of a sorted list lies below the directory ENTRIES[INDEX], which then says nothing
 * more. */
bool hd_reply_entry_is_covered(const json_t *entries, size_t index);

/* An entry's path, with '/' behind that of a directory: fresh memory, NULL when there is none. */
char *hd_reply_entry_path(const json_t *entry);
/* The path that what was moved had before: likewise; NULL for what was not moved. */
char *hd_reply_entry_origin(const json_t *entry);

#endif
