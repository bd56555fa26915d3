/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a runner process is led from its start to its end: state × event → action and next state.
 * Pure; runner.c carries the actions out.
 *
 *	          ready   run     result  cleaned stop    deadline breach  exited
 *	starting  offer   –       kill    –       kill    kill     kill    report
 *	idle      kill    send    –       –       bye     bye      kill    report
 *	running   kill    never   settle  –       ask     time out kill    report
 *	asked     kill    never   settle  –       –       term     kill    report
 *	termed    –       never   –       –       –       kill     kill    report
 *	settling  kill    never   –       finish  –       kill     kill    report
 *	leaving   –       never   –       –       –       kill     kill    report
 *	killed    –       never   –       –       –       kill     –       report
 *	gone      –       never   –       –       –       –        –       –
 */
#pragma once

enum supervise_state {
	SUPERVISE_STARTING, /* hello sent; deadline: `ready` is due */
	SUPERVISE_IDLE,     /* ready and without a run; deadline: not wanted any more */
	SUPERVISE_RUNNING,  /* deadline: the run's time limit */
	SUPERVISE_ASKED,    /* cancel sent; deadline: the grace time */
	SUPERVISE_TERMED,   /* SIGTERM sent; deadline: SIGKILL is due */
	SUPERVISE_SETTLING, /* result in hand; what the run left is being removed */
	SUPERVISE_LEAVING,  /* bye sent; deadline: it should have left */
	SUPERVISE_KILLED,   /* SIGKILL ordered; deadline: order it again */
	SUPERVISE_GONE,     /* nothing of it is left */
	SUPERVISE_STATE_COUNT
};

enum supervise_event {
	SUPERVISE_EV_READY,
	SUPERVISE_EV_RUN, /* a run is to be sent */
	SUPERVISE_EV_RESULT,
	SUPERVISE_EV_CLEANED, /* the shepherd: only the runner itself is left */
	SUPERVISE_EV_STOP,    /* end the run, or leave when there is none */
	SUPERVISE_EV_DEADLINE,
	SUPERVISE_EV_BREACH, /* protocol error, a limit passed, or an order to end it at once */
	SUPERVISE_EV_EXITED, /* the shepherd: nothing is left; or the shepherd itself died */
	SUPERVISE_EVENT_COUNT
};

enum supervise_action {
	SUPERVISE_UNSET, /* a hole in the table; a test finds it */
	SUPERVISE_NOTHING,
	SUPERVISE_NEVER,    /* the caller's defect */
	SUPERVISE_OFFER,    /* it can take a run */
	SUPERVISE_SEND,     /* send the run, start its time limit */
	SUPERVISE_ASK,      /* send cancel, start the grace time */
	SUPERVISE_TIME_OUT, /* the same, and the verdict is timed_out */
	SUPERVISE_TERM,     /* SIGTERM to all of it */
	SUPERVISE_KILL,     /* SIGKILL to all of it until nothing is left */
	SUPERVISE_SETTLE, /* take the result; order cleaning, or say bye to a one-shot runner */
	SUPERVISE_FINISH, /* the run is over; the runner may take another one */
	SUPERVISE_BYE,    /* say bye, close its requests */
	SUPERVISE_REPORT, /* reap, close descriptors, end the run if there is one */
	SUPERVISE_ACTION_COUNT
};

struct supervise_step {
	enum supervise_action action;
	enum supervise_state next;
};

struct supervise_step supervise_step(enum supervise_state state, enum supervise_event event);
const char *supervise_state_name(enum supervise_state state);
