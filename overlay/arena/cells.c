/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/arena/cells.h"

#include <string.h>

/*
 * Chains are followed by index, so a damaged one could be endless: loads and frees stop after as many cells
 * as the table can hold, or at an index that was never used.
 */

uint32_t hd_cells_store(struct hd_transaction *transaction, const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint32_t first = 0, previous = 0;

	while (size > 0) {
		uint32_t index = hd_allocate(transaction, HD_TABLE_CELL);
		struct hd_cell *cell;
		uint32_t length = size < HD_CELL_BYTES ? (uint32_t)size : HD_CELL_BYTES;

		if (index == 0)
			return 0;
		cell = hd_edit_cell(transaction, index);
		cell->next = 0;
		cell->length = length;
		memcpy(cell->bytes, bytes, length);
		if (previous)
			hd_edit_cell(transaction, previous)->next = index;
		else
			first = index;
		previous = index;
		bytes += length;
		size -= length;
	}
	return first;
}

void hd_cells_free(struct hd_transaction *transaction, uint32_t first)
{
	while (hd_record_exists(transaction->arena, HD_TABLE_CELL, first) && transaction->status == 0) {
		uint32_t next = hd_view_cell(transaction, first)->next;

		hd_release(transaction, HD_TABLE_CELL, first, 0);
		first = next;
	}
}

size_t hd_cells_load(const struct hd_arena *arena, uint32_t first, void *buffer, size_t size)
{
	size_t done = 0;

	while (done < size && hd_record_exists(arena, HD_TABLE_CELL, first)) {
		const struct hd_cell *cell = hd_record_cell(arena, first);
		size_t length = cell->length < HD_CELL_BYTES ? cell->length : HD_CELL_BYTES;

		if (length == 0)
			break;
		if (length > size - done)
			length = size - done;
		memcpy((uint8_t *)buffer + done, cell->bytes, length);
		done += length;
		first = cell->next;
	}
	return done;
}

bool hd_cells_equal(const struct hd_arena *arena, uint32_t first, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	while (size > 0 && hd_record_exists(arena, HD_TABLE_CELL, first)) {
		const struct hd_cell *cell = hd_record_cell(arena, first);

		if (cell->length == 0 || cell->length > size || cell->length > HD_CELL_BYTES ||
			memcmp(cell->bytes, bytes, cell->length) != 0)
			return false;
		bytes += cell->length;
		size -= cell->length;
		first = cell->next;
	}
	return size == 0 && first == 0;
}
