/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/bases/base_root.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/error.h"
#include "overlay/states/state_tree.h"
#include "overlay/states/state_view.h"

/* Reading what was found: bytes, targets, entries, extended attributes. */

int hd_state_tree_readlink(
	struct hd_overlay *overlay, hd_ino ino, char *buffer, size_t size, size_t *ret_size)
{
	char text[HD_STATE_ID_TEXT_SIZE];
	struct hd_state_view view;
	int r = hd_state_view_of(overlay, ino, &view);

	if (r < 0)
		return r;
	if (!S_ISLNK(view.node.mode))
		return -EINVAL;
	if (size > view.node.size)
		size = view.node.size;
	if (view.node.kind == HD_STATE_NODE_TREE)
		return hd_base_set_read(overlay->bases, &view.node.content, buffer, size, 0, ret_size);
	hd_state_id_format(&view.node.state, text);
	memcpy(buffer, text, size);
	*ret_size = size;
	return 0;
}

int hd_state_tree_read(
	struct hd_overlay *overlay, hd_ino ino, void *buffer, size_t size, uint64_t offset, size_t *ret_size)
{
	struct hd_state_view view;
	size_t done = 0, got;
	int r = hd_state_view_of(overlay, ino, &view);

	if (r < 0)
		return r;
	if (!S_ISREG(view.node.mode))
		return S_ISDIR(view.node.mode) ? -EISDIR : -EINVAL;
	if (offset >= view.node.size || hd_content_is_none(&view.node.content)) {
		*ret_size = 0;
		return 0;
	}
	if (size > view.node.size - offset)
		size = view.node.size - offset;
	while (r == 0 && done < size) {
		r = hd_base_set_read(overlay->bases, &view.node.content, (uint8_t *)buffer + done,
			size - done, offset + done, &got);
		/* The size was told: what is shorter by now is another file. */
		if (r == 0 && got == 0)
			r = -HD_E_BASE_CHANGED;
		done += r == 0 ? got : 0;
	}
	*ret_size = done;
	return r;
}

int hd_state_tree_lseek(
	struct hd_overlay *overlay, hd_ino ino, uint64_t offset, int whence, uint64_t *ret_offset)
{
	uint64_t found = UINT64_MAX;
	struct hd_state_view view;
	int r = hd_state_view_of(overlay, ino, &view);

	if (r < 0)
		return r;
	if ((whence != SEEK_DATA && whence != SEEK_HOLE) || !S_ISREG(view.node.mode))
		return -EINVAL;
	if (offset >= view.node.size)
		return -ENXIO;
	if (!hd_content_is_none(&view.node.content))
		r = hd_base_set_seek(overlay->bases, &view.node.content, offset, whence == SEEK_DATA, &found);
	if (r < 0)
		return r;
	if (found >= view.node.size) {
		if (whence == SEEK_DATA)
			return -ENXIO;
		found = view.node.size;
	}
	*ret_offset = found;
	return 0;
}

/* ---- listings ---- */

/* ".." of a tree's root is the caller's directory of states, which alone knows its number. */
static uint64_t number_above(struct hd_overlay *overlay, const struct hd_state_view *view)
{
	uint64_t number = HD_STATE_NUMBERS;

	hd_rwlock_read(&overlay->lock);
	if (view->node.parent)
		number = hd_record_state_node(overlay->arena, view->node.parent)->number;
	hd_rwlock_unlock(&overlay->lock);
	return number;
}

static bool fill_dots(struct hd_overlay *overlay, const struct hd_state_view *view, uint64_t cookie,
	hd_directory_fill fill, void *payload)
{
	struct hd_directory_item dot = {.name = ".", .name_length = 1, .cookie = 1};
	struct hd_directory_item above = {.name = "..", .name_length = 2, .cookie = 2};

	hd_state_view_attributes(&view->node, &dot.attributes);
	above.attributes = dot.attributes;
	above.attributes.number = number_above(overlay, view);
	if (cookie == 0 && !fill(&dot, payload))
		return false;
	return cookie > 1 || fill(&above, payload);
}

/*
 * By name; the cookie behind an item is its place plus three. A directory is partial, because its links are not
 * counted before somebody looks it up.
 */
static void fill_items(const struct hd_state_view *view, const struct hd_listing *listing, uint64_t cookie,
	hd_directory_fill fill, void *payload)
{
	for (uint64_t place = cookie > 2 ? cookie - 2 : 0; place < listing->count; place++) {
		const struct hd_listed *listed = listing->by_name[place];
		struct hd_directory_item item = {
			.name = listed->name, .name_length = strlen(listed->name), .cookie = place + 3};
		struct hd_state_node node;

		if (listed->repeated)
			continue;
		hd_state_view_describe(view, listed, &node);
		hd_state_view_attributes(&node, &item.attributes);
		item.attributes.ino = place + 1;
		item.partial = S_ISDIR(node.mode);
		if (!fill(&item, payload))
			return;
	}
}

int hd_state_tree_readdir(
	struct hd_overlay *overlay, hd_ino ino, uint64_t cookie, hd_directory_fill fill, void *payload)
{
	const struct hd_state_listing *listing;
	struct hd_state_view view;
	int r = hd_state_view_of(overlay, ino, &view);

	if (r < 0)
		return r;
	if (!S_ISDIR(view.node.mode))
		return -ENOTDIR;
	if (cookie < 2 && !fill_dots(overlay, &view, cookie, fill, payload))
		return 0;
	r = hd_state_listings_get(overlay, &view.directory, &listing);
	if (r < 0)
		return r;
	fill_items(&view, &listing->listing, cookie, fill, payload);
	hd_state_listings_put(overlay->state_listings, listing);
	return 0;
}

/* ---- extended attributes: not in the record, so out of the listing that the node was found in ---- */

static const struct hd_listed *find_by_checksum(const struct hd_listing *listing, uint64_t name)
{
	for (size_t i = 0; i < listing->count; i++)
		if (hd_state_view_name(listing->items[i].name) == name && !listing->items[i].repeated)
			return &listing->items[i];
	return NULL;
}

static int xattrs_of_root(
	struct hd_overlay *overlay, const struct hd_state_view *view, struct hd_buffer *ret_string)
{
	struct hd_base_directory directory;
	struct hd_base_entry entry;
	struct hd_state state = {0};
	int r = hd_index_get_state(overlay->store->index, &view->node.state, &state);

	if (r == 0)
		r = hd_base_set_root(overlay->bases, &state, &entry, &directory);
	hd_state_clear(&state);
	if (r < 0)
		return r;
	if (entry.xattrs)
		hd_buffer_put(ret_string, entry.xattrs, entry.xattrs_size);
	hd_base_root_clear(&entry);
	return hd_buffer_status(ret_string);
}

static int xattrs_of_entry(
	struct hd_overlay *overlay, const struct hd_state_view *view, struct hd_buffer *ret_string)
{
	const struct hd_state_listing *listing;
	const struct hd_listed *item;
	struct hd_state_view above;
	hd_ino parent;
	int r;

	hd_rwlock_read(&overlay->lock);
	parent = hd_state_node_id(overlay->arena, view->node.parent);
	hd_rwlock_unlock(&overlay->lock);
	r = hd_state_view_of(overlay, parent, &above);
	if (r == 0)
		r = hd_state_listings_get(overlay, &above.directory, &listing);
	if (r < 0)
		return r;
	item = find_by_checksum(&listing->listing, view->node.name);
	if (!item)
		r = -HD_E_BASE_CHANGED;
	else if (item->xattrs)
		hd_buffer_put(ret_string, item->xattrs, item->entry.xattrs_size);
	hd_state_listings_put(overlay->state_listings, listing);
	return r < 0 ? r : hd_buffer_status(ret_string);
}

int hd_state_tree_xattrs(struct hd_overlay *overlay, hd_ino ino, struct hd_buffer *ret_string)
{
	struct hd_state_view view;
	int r = hd_state_view_of(overlay, ino, &view);

	if (r < 0 || view.node.kind == HD_STATE_NODE_LINK)
		return r;
	return view.node.parent ? xattrs_of_entry(overlay, &view, ret_string)
				: xattrs_of_root(overlay, &view, ret_string);
}
