/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/journal/trust.h"

#include "overlay/arena/arena.h"
#include "overlay/platform/error.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/log.h"

void hd_overlay_distrust(struct hd_overlay *overlay, int r)
{
	hd_log(HD_LOG_ERROR, "memory of thread '%s' is damaged: %s", overlay->thread, hd_error_message(r));
	hd_arena_distrust(overlay->arena);
	if (overlay->on_damage)
		overlay->on_damage(overlay->damage_payload);
}

int hd_overlay_audit(struct hd_overlay *overlay, void (*between)(void *payload), void *payload)
{
	struct hd_arena_audit at = {0};
	int r = overlay->recovery.memory.state == HD_MEMORY_LOST ? 0 : 1;

	while (r > 0) {
		hd_rwlock_read(&overlay->lock);
		r = hd_arena_audit(overlay->arena, &at);
		hd_rwlock_unlock(&overlay->lock);
		if (r > 0)
			between(payload);
	}
	if (r < 0)
		hd_overlay_distrust(overlay, r);
	return r;
}

int hd_overlay_may_change(const struct hd_overlay *overlay)
{
	const struct hd_memory_report *memory = &overlay->recovery.memory;

	return memory->state == HD_MEMORY_SOUND ? 0 : hd_fail(HD_E_MEMORY_DAMAGED, "%s", memory->flaw);
}
