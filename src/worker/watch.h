/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker keeps an eye on beside its runs: disk and memory that they take, runs that do
 * not begin, and kinds whose browser does not start.
 */
#pragma once

struct runner;
struct worker;

/* Looks at all of it; every now and then. */
void watch_all(struct worker *worker);

/* A runner's result arrived: whether the kind works on this machine. reason may be NULL. */
void watch_result(struct runner *runner, const char *outcome, const char *reason);

/* A process of the kind, or its browser, did not come up. */
void watch_kind_failed(struct runner *runner, const char *why);
