/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "overlay/platform/cleanup.h"

/*
 * The detail is one buffer per thread. A failure replaces it, context is put in front of it; it is remembered
 * which code it belongs to, so that a bare code returned later does not pick up a stranger's sentence.
 */

static const struct {
	const char *name;
	const char *text;
	int class;
} error_table[] = {
#define HD_ERROR_CODE_ROW(code, class, text) {#code, text, class},
	HD_ERROR_CODES(HD_ERROR_CODE_ROW)
#undef HD_ERROR_CODE_ROW
};

_Static_assert(HD_ARRAY_SIZE(error_table) == HD_E_END - HD_E_BASE - 1,
	"error table out of step with HD_ERROR_CODES");

static _Thread_local char detail[1024];
static _Thread_local char message[1280];
static _Thread_local int detail_code;

static int positive(int code)
{
	return code < 0 ? -code : code;
}

static bool is_own(int code)
{
	return code > HD_E_BASE && code < HD_E_END;
}

int hd_fail(int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(detail, sizeof(detail), format, arguments);
	va_end(arguments);
	detail_code = positive(code);
	return -detail_code;
}

int hd_fail_errno(const char *format, ...)
{
	va_list arguments;

	detail_code = errno > 0 ? errno : EIO;
	va_start(arguments, format);
	(void)vsnprintf(detail, sizeof(detail), format, arguments);
	va_end(arguments);
	return -detail_code;
}

int hd_fail_in(int r, const char *format, ...)
{
	char context[sizeof(detail)];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(context, sizeof(context), format, arguments);
	va_end(arguments);
	if (detail_code == positive(r) && detail[0]) {
		size_t used = strnlen(context, sizeof(context) - 1);

		if (snprintf(context + used, sizeof(context) - used, ": %s", detail) < 0)
			context[used] = '\0';
	}
	memcpy(detail, context, sizeof(detail));
	detail_code = positive(r);
	return -detail_code;
}

const char *hd_error_text(int r)
{
	int code = positive(r);

	if (code == 0)
		return "success";
	if (is_own(code))
		return error_table[code - HD_E_BASE - 1].text;
	return strerrordesc_np(code) ? strerrordesc_np(code) : "unknown error";
}

const char *hd_error_message(int r)
{
	if (detail_code != positive(r) || !detail[0])
		return hd_error_text(r);
	(void)snprintf(message, sizeof(message), "%s: %s", detail, hd_error_text(r));
	return message;
}

const char *hd_error_name(int r)
{
	int code = positive(r);

	if (is_own(code))
		return error_table[code - HD_E_BASE - 1].name;
	return strerrorname_np(code) ? strerrorname_np(code) : "EUNKNOWN";
}

int hd_error_to_errno(int r)
{
	int code = positive(r);

	if (is_own(code))
		return error_table[code - HD_E_BASE - 1].class;
	return code < HD_E_BASE ? code : EIO;
}

void hd_error_clear(void)
{
	detail[0] = '\0';
	detail_code = 0;
}
