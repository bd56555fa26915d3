/* SPDX-License-Identifier: Apache-2.0 */
/* The table of supervise.h in code. Every cell is written down; "stay" repeats the state. */
#include "worker/supervise.h"

/* clang-format off */
#define TO(action, state)  { SUPERVISE_##action, SUPERVISE_##state }
#define NEVER(state)       TO(NEVER, state)
#define STAY(state)        TO(NOTHING, state)
#define KILL               TO(KILL, KILLED)
#define REPORT             TO(REPORT, GONE)
#define ROW(ready, run, result, cleaned, stop, deadline, breach, exited)                           \
	{ [SUPERVISE_EV_READY] = ready, [SUPERVISE_EV_RUN] = run, [SUPERVISE_EV_RESULT] = result,  \
	  [SUPERVISE_EV_CLEANED] = cleaned, [SUPERVISE_EV_STOP] = stop,                            \
	  [SUPERVISE_EV_DEADLINE] = deadline, [SUPERVISE_EV_BREACH] = breach,                      \
	  [SUPERVISE_EV_EXITED] = exited }

static const struct {
	const char *name;
	struct supervise_step on[SUPERVISE_EVENT_COUNT];
} states[SUPERVISE_STATE_COUNT] = {
	[SUPERVISE_STARTING] = { "starting", ROW(
		TO(OFFER, IDLE), STAY(STARTING), KILL, STAY(STARTING),
		KILL, KILL, KILL, REPORT) },
	[SUPERVISE_IDLE] = { "idle", ROW(
		KILL, TO(SEND, RUNNING), STAY(IDLE), STAY(IDLE),
		TO(BYE, LEAVING), TO(BYE, LEAVING), KILL, REPORT) },
	[SUPERVISE_RUNNING] = { "running", ROW(
		KILL, NEVER(RUNNING), TO(SETTLE, SETTLING), STAY(RUNNING),
		TO(ASK, ASKED), TO(TIME_OUT, ASKED), KILL, REPORT) },
	[SUPERVISE_ASKED] = { "asked", ROW(
		KILL, NEVER(ASKED), TO(SETTLE, SETTLING), STAY(ASKED),
		STAY(ASKED), TO(TERM, TERMED), KILL, REPORT) },
	[SUPERVISE_TERMED] = { "termed", ROW(
		STAY(TERMED), NEVER(TERMED), STAY(TERMED), STAY(TERMED),
		STAY(TERMED), KILL, KILL, REPORT) },
	[SUPERVISE_SETTLING] = { "settling", ROW(
		KILL, NEVER(SETTLING), STAY(SETTLING), TO(FINISH, IDLE),
		STAY(SETTLING), KILL, KILL, REPORT) },
	[SUPERVISE_LEAVING] = { "leaving", ROW(
		STAY(LEAVING), NEVER(LEAVING), STAY(LEAVING), STAY(LEAVING),
		STAY(LEAVING), KILL, KILL, REPORT) },
	[SUPERVISE_KILLED] = { "killed", ROW(
		STAY(KILLED), NEVER(KILLED), STAY(KILLED), STAY(KILLED),
		STAY(KILLED), KILL, STAY(KILLED), REPORT) },
	[SUPERVISE_GONE] = { "gone", ROW(
		STAY(GONE), NEVER(GONE), STAY(GONE), STAY(GONE),
		STAY(GONE), STAY(GONE), STAY(GONE), STAY(GONE)) },
};
/* clang-format on */

struct supervise_step
supervise_step(enum supervise_state state, enum supervise_event event)
{
	return states[state].on[event];
}

const char *
supervise_state_name(enum supervise_state state)
{
	return states[state].name;
}
