/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/hex.h"
#include "overlay/store/index/index.h"

/* A state and its id in memory; index_states.c reads them. */

void hd_state_clear(struct hd_state *state)
{
	for (size_t i = 0; i < state->n_facts; i++) {
		free(state->facts[i].key);
		free(state->facts[i].value);
	}
	for (size_t i = 0; i < state->n_moves; i++) {
		free(state->moves[i].from);
		free(state->moves[i].to);
	}
	free(state->facts);
	free(state->moves);
	free(state->parents);
	free(state->message);
	free(state->author);
	free(state->git_commit);
	*state = (struct hd_state){0};
}

void hd_state_id_format(const struct hd_state_id *id, char text[HD_STATE_ID_TEXT_SIZE])
{
	hd_hex_format(id->bytes, HD_STATE_ID_SIZE, text);
}

bool hd_state_id_is_zero(const struct hd_state_id *id)
{
	static const struct hd_state_id zero;

	return hd_state_id_equal(id, &zero);
}

bool hd_state_id_equal(const struct hd_state_id *a, const struct hd_state_id *b)
{
	return memcmp(a->bytes, b->bytes, HD_STATE_ID_SIZE) == 0;
}
