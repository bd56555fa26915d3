/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of tests: how the runner of each is started, and how to see whether it would work
 * on this machine.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

enum kind_id {
	KIND_COMMAND,
	KIND_HTTP,
	KIND_BROWSER,
	KIND_PLAYWRIGHT,
	KIND_TESTCAFE,
	KIND_COUNT
};

enum { KIND_ARGS_MAX = 6 };

/* Where things are on this machine. Texts are owned. */
struct kind_places {
	char *self;        /* this program */
	char *node;        /* Node, or NULL */
	char *runners_dir; /* JavaScript runners, or NULL */
};

struct kind {
	const char *name;
	bool warm;    /* a runner that says "reusable" is kept for the next run */
	bool prewarm; /* start the next one-shot runner before it is asked for */
	/* A warm runner's own children (a browser) and its $TMPDIR live on between runs. They
	 * end with the runner, however that ends. */
	bool keeps_children;
	int64_t idle_ms; /* a warm runner that nobody wants leaves after this */
};

extern const struct kind kind_table[KIND_COUNT];

/* NULL for an unknown name. */
const struct kind *kind_find(const char *name);

/* self and runners_dir may be NULL: found as worker.h says. node too: looked for in PATH. */
void kind_places_init(
	struct kind_places *ret, const char *self, const char *node, const char *runners_dir);
void kind_places_deinit(struct kind_places *places);

/* 0 when tests of this kind can run here; -1 with err: what is missing and how to get it. */
int kind_available(const struct kind *kind, const struct kind_places *places, struct err *err)
	MUST_CHECK;

/* The command line; NULL-terminated. Texts belong to places but for what *ret_owned holds. */
void kind_command(const struct kind *kind, const struct kind_places *places,
	const char *ret_argv[KIND_ARGS_MAX], char **ret_owned);

/* The program of that name in PATH; owned, NULL: none. */
char *find_program(const char *name);
