/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/compare/quoted_path.h"

#include <stdbool.h>

static bool needs_quotes(const char *path)
{
	for (const unsigned char *byte = (const unsigned char *)path; *byte; byte++) {
		if (*byte < 0x20 || *byte >= 0x7f || *byte == '"' || *byte == '\\')
			return true;
	}
	return false;
}

static void put_byte(struct hd_buffer *out, unsigned char byte)
{
	static const char letters[] = {['\a'] = 'a',
		['\b'] = 'b',
		['\t'] = 't',
		['\n'] = 'n',
		['\v'] = 'v',
		['\f'] = 'f',
		['\r'] = 'r'};

	if (byte == '"' || byte == '\\')
		hd_buffer_printf(out, "\\%c", byte);
	else if (byte < sizeof(letters) && letters[byte])
		hd_buffer_printf(out, "\\%c", letters[byte]);
	else if (byte < 0x20 || byte >= 0x7f)
		hd_buffer_printf(out, "\\%03o", byte);
	else
		hd_buffer_put_u8(out, byte);
}

void hd_quoted_path_put(struct hd_buffer *out, const char *prefix, const char *path)
{
	if (!needs_quotes(path)) {
		hd_buffer_put_text(out, prefix);
		hd_buffer_put_text(out, path);
		return;
	}
	hd_buffer_put_u8(out, '"');
	hd_buffer_put_text(out, prefix);
	for (const char *byte = path; *byte; byte++)
		put_byte(out, (unsigned char)*byte);
	hd_buffer_put_u8(out, '"');
}
