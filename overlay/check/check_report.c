/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "overlay/check/check_types.h"

#define TEXT_SIZE 1024

static void emit(struct hd_check *check, enum hd_check_kind kind, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

static void emit(struct hd_check *check, enum hd_check_kind kind, const char *format, va_list arguments)
{
	char text[TEXT_SIZE];

	(void)vsnprintf(text, sizeof(text), format, arguments);
	if (check->emit)
		check->emit(kind, text, check->payload);
}

void hd_check_problem(struct hd_check *check, const char *format, ...)
{
	va_list arguments;

	check->report.problems++;
	va_start(arguments, format);
	emit(check, HD_CHECK_PROBLEM, format, arguments);
	va_end(arguments);
}

void hd_check_remark(struct hd_check *check, const char *format, ...)
{
	va_list arguments;

	check->report.remarks++;
	va_start(arguments, format);
	emit(check, HD_CHECK_REMARK, format, arguments);
	va_end(arguments);
}
