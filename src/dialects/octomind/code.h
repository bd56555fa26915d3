/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Octomind's test cases as TypeScript for Playwright: what a person would have written, with
 * every text of the case quoted so that it can be nothing but a text.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "dialects/octomind/run.h"

/* The spec file of a case with its prerequisites and teardowns. -1 with err: LIMIT. */
int octo_code(const struct octo_chain *chain, const struct octo_run *run, struct buf *out,
	struct err *err) MUST_CHECK;

/* `description-1234abcd.spec.ts`: letters, digits and dashes only, different for each id. */
void octo_code_file_name(const struct octo_case *c, char ret[100]);

/* 'text' as a literal of TypeScript, safe inside HTML as well. -1: the buffer is full. */
int octo_code_quote(struct buf *out, struct str text) MUST_CHECK;
