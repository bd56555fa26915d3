/* SPDX-License-Identifier: Apache-2.0 */
/* Sending kept bytes, whole or a range of them. */
#pragma once

#include "api/api_impl.h"

/*
 * In a read function: makes the blob the call's answer, with Range, ETag and If-None-Match.
 * Sets nosniff. -1: err NOT_FOUND when the bytes are gone.
 */
int send_blob(struct call *call, const char *hex, const char *type, struct err *err) MUST_CHECK;

/* One range of a Range header for a file of size bytes: 0 *ret_first, *ret_last; 1 none (send
 * all); -1 outside. */
int range_parse(const char *header, uint64_t size, uint64_t *ret_first, uint64_t *ret_last)
	MUST_CHECK;
