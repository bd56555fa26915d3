/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secret part of a callback address: which condition of which stage of which flow a signal
 * is for, signed. Whoever knows it may send the signal; nothing else about it is kept.
 */
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "base/mac.h"
#include "base/str.h"
#include "core/ids.h"

enum {
	SIGNAL_STAGE_BYTES_MAX = 100,
	SIGNAL_TOKEN_TEXT_MAX = 200, /* characters, at most */
};

struct signal_ref {
	int64_t project;
	struct job_id flow;
	char stage[SIGNAL_STAGE_BYTES_MAX + 1];
	int32_t condition; /* place in the stage's conditions, from 0 */
};

/* Appends the text. -1: it does not fit. */
int signal_token_make(const struct mac_key *key, const struct signal_ref *ref, struct buf *out)
	MUST_CHECK;

/*
 * The callback addresses of a flow: an object with a member for each stage that waits, with
 * `url` when it has one signal, and `<name>.url` of each, or `<place>.url` without a name.
 * `flow` is the text of job->flow, decoded; base is the server's address without a slash at the
 * end. Owned by the caller.
 */
json_t *signal_urls(const struct mac_key *key, const char *base, int64_t project,
	struct job_id id, json_t *flow);

/* -1: it is none of ours, whatever is wrong with it. */
int signal_token_read(const struct mac_key *key, struct str text, struct signal_ref *ret)
	MUST_CHECK;
