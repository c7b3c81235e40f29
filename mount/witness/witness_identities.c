/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A build has a thousand processes of one compiler with one environment: their texts are kept once.
 */

#include <stdlib.h>
#include <string.h>

#include "mount/witness/witness_types.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/cleanup.h"

static uint64_t hash_of(const struct hd_process_identity *identity)
{
	const uint64_t parts[] = {hd_checksum64(identity->program, strlen(identity->program)),
		hd_checksum64(identity->actor, strlen(identity->actor)),
		hd_checksum64(identity->tool_call, strlen(identity->tool_call))};

	return hd_checksum64(parts, sizeof(parts));
}

static bool is_same(const struct witness_identity *known, const struct hd_process_identity *identity)
{
	return strcmp(known->program, identity->program) == 0 && strcmp(known->actor, identity->actor) == 0 &&
	       strcmp(known->tool_call, identity->tool_call) == 0;
}

struct witness_identity *hd_witness_identity_get_locked(
	struct hd_witness *witness, struct hd_process_identity *identity)
{
	uint64_t hash = hash_of(identity);
	struct witness_identity **bucket = &witness->identities[hash % WITNESS_BUCKETS];
	struct witness_identity *known;

	for (known = *bucket; known; known = known->next) {
		if (known->hash != hash || !is_same(known, identity))
			continue;
		known->n_users++;
		return known;
	}
	known = malloc(sizeof(*known));
	if (!known)
		return NULL;
	*known = (struct witness_identity){.program = HD_STEAL(identity->program),
		.actor = HD_STEAL(identity->actor),
		.tool_call = HD_STEAL(identity->tool_call),
		.hash = hash,
		.n_users = 1,
		.next = *bucket};
	*bucket = known;
	return known;
}

void hd_witness_identity_put_locked(struct hd_witness *witness, struct witness_identity *identity)
{
	struct witness_identity **link;

	if (!identity || --identity->n_users > 0)
		return;
	link = &witness->identities[identity->hash % WITNESS_BUCKETS];
	while (*link != identity)
		link = &(*link)->next;
	*link = identity->next;
	free(identity->program);
	free(identity->actor);
	free(identity->tool_call);
	free(identity);
}
