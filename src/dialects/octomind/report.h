/* SPDX-License-Identifier: Apache-2.0 */
/* Test reports: what jobs that were made by execute look like to the dialect's clients. */
#pragma once

#include "dialects/octomind/service.h"

#define OCTO_REPORT_TAG "octomind"

/* The whole TestReport. */
int octo_report_write(struct call *call, struct store_reader *reader, const struct job *job,
	const struct octo_target *target, struct jw *jw, struct err *err) MUST_CHECK;

/* The address of its page, for people: it opens without a token. In the call's arena. */
const char *octo_report_url(const struct call *call, const struct job *job);
