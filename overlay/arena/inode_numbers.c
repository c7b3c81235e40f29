/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/arena/inode_numbers.h"

#include <errno.h>
#include <stdlib.h>

#include "overlay/arena/inode_table.h"
#include "overlay/platform/checksum.h"

/*
 * A hash table of inodes by the number that they show, open addressing with a load of at most one half. It holds indices
 * alone: the record says whether the inode still shows the number, so nothing is removed, and what is stale goes when the
 * table grows.
 */

#define LEAST 64u

struct hd_inode_numbers {
	const struct hd_arena *arena; /* borrowed */
	uint32_t *slots;              /* owned; 0: free */
	size_t capacity, used;
	bool derived; /* set before there is a second thread */
};

static size_t first_slot(uint64_t number, size_t capacity)
{
	return (size_t)(number * 0x9E3779B97F4A7C15u >> 20) & (capacity - 1);
}

static void put(uint32_t *slots, size_t capacity, uint64_t number, uint32_t index)
{
	size_t at = first_slot(number, capacity);

	while (slots[at])
		at = (at + 1) & (capacity - 1);
	slots[at] = index;
}

static bool shows_one(const struct hd_inode *inode)
{
	return inode->state != HD_INODE_FREE && inode->number != 0;
}

static size_t capacity_for(size_t count)
{
	size_t capacity = LEAST;

	while (capacity < 4 * count)
		capacity *= 2;
	return capacity;
}

static bool grow(struct hd_inode_numbers *numbers, const struct hd_transaction *transaction)
{
	size_t count = 0, capacity;
	uint32_t *slots;

	for (size_t i = 0; i < numbers->capacity; i++)
		count += numbers->slots[i] && shows_one(hd_view_inode(transaction, numbers->slots[i]));
	capacity = capacity_for(count + 1);
	slots = calloc(capacity, sizeof(*slots));
	if (!slots)
		return false;
	for (size_t i = 0; i < numbers->capacity; i++) {
		const struct hd_inode *inode = hd_view_inode(transaction, numbers->slots[i]);

		if (numbers->slots[i] && shows_one(inode))
			put(slots, capacity, inode->number, numbers->slots[i]);
	}
	free(numbers->slots);
	numbers->slots = slots;
	numbers->capacity = capacity;
	numbers->used = count;
	return true;
}

/* Not before somebody asks: it costs by all inodes, and programs wait for a worker that takes over. */
static bool collect(struct hd_inode_numbers *numbers)
{
	uint32_t limit = hd_record_high_water(numbers->arena, HD_TABLE_INODE);
	size_t count = 0;

	for (uint32_t i = 1; i < limit; i++)
		count += shows_one(hd_record_inode(numbers->arena, i));
	numbers->slots = calloc(capacity_for(count + 1), sizeof(*numbers->slots));
	if (!numbers->slots)
		return false;
	numbers->capacity = capacity_for(count + 1);
	numbers->used = count;
	for (uint32_t i = 1; i < limit; i++)
		if (shows_one(hd_record_inode(numbers->arena, i)))
			put(numbers->slots, numbers->capacity, hd_record_inode(numbers->arena, i)->number, i);
	return true;
}

bool hd_inode_number_claim(struct hd_inode_numbers *numbers, const struct hd_transaction *transaction,
	uint64_t number, uint32_t inode)
{
	bool is_there = false;
	size_t at;

	if (!numbers->slots && !collect(numbers))
		return false;
	if ((numbers->used + 1) * 2 > numbers->capacity && !grow(numbers, transaction))
		return false;
	for (at = first_slot(number, numbers->capacity); numbers->slots[at];
		at = (at + 1) & (numbers->capacity - 1)) {
		const struct hd_inode *other = hd_view_inode(transaction, numbers->slots[at]);

		if (numbers->slots[at] == inode)
			is_there = true;
		else if (shows_one(other) && other->number == number)
			return false;
	}
	if (!is_there) {
		numbers->slots[at] = inode;
		numbers->used++;
	}
	return true;
}

/* Above every number of our own, below those of trees of states. */
#define DERIVED (1ull << 61)

uint64_t hd_inode_number_derive(
	uint64_t directory, const char *name, size_t length, const struct hd_content *content)
{
	uint64_t sum = hd_checksum64(&directory, sizeof(directory));

	if (content)
		sum = hd_checksum64_continue(sum, content->bytes, content->length);
	return (hd_checksum64_continue(sum, name, length) & (DERIVED - 1)) | DERIVED;
}

void hd_inode_numbers_derive(struct hd_inode_numbers *numbers)
{
	numbers->derived = true;
}

bool hd_inode_numbers_are_derived(const struct hd_inode_numbers *numbers)
{
	return numbers->derived;
}

int hd_inode_numbers_new(const struct hd_arena *arena, struct hd_inode_numbers **ret_numbers)
{
	struct hd_inode_numbers *numbers = calloc(1, sizeof(*numbers));

	if (!numbers)
		return -ENOMEM;
	numbers->arena = arena;
	*ret_numbers = numbers;
	return 0;
}

void hd_inode_numbers_free(struct hd_inode_numbers *numbers)
{
	if (!numbers)
		return;
	free(numbers->slots);
	free(numbers);
}
