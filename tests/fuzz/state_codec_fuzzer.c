/* SPDX-License-Identifier: Apache-2.0 */

/*
 * State records: what decodes encodes to the same bytes, and its id is that of the bytes.
 *
 * LINK: heddle_store
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/buffer.h"
#include "overlay/store/index/index.h"
#include "overlay/store/index/state_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hd_buffer again = {0};
	struct hd_state state = {0};
	struct hd_state_id id;

	if (hd_state_decode(data, size, &state) < 0)
		return 0;
	id = hd_state_id_compute(data, size);
	if (!hd_state_id_equal(&id, &state.id))
		abort();
	if (hd_state_encode(&state, &again) < 0 || again.size != size || memcmp(again.data, data, size) != 0)
		abort();
	hd_buffer_clear(&again);
	hd_state_clear(&state);
	return 0;
}
