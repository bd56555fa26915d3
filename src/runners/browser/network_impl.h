/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by network.c (what was seen), network_fetch.c (what is done about it) and har.c. */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "browser_format/hosts.h"
#include "runners/browser/cdp.h"
#include "runners/browser/network.h"
#include "runners/browser/network_match.h"

/*
 * What belongs to one request id: its hops in order, and what was said of a hop before the hop
 * itself was announced.
 */
struct flight {
	char *id; /* owned; the key in network->flights */
	struct hop *first, *last;
	json_t *early_request, *early_response; /* …ExtraInfo that came too soon; owned */
	bool is_mocked;
	const char *blocked; /* static */
};

/* One request, one hop of a redirect. JSON members are owned references. */
struct hop {
	struct network_entry seen; /* its texts are owned by the hop, but blocked and type */
	struct flight *flight;
	struct hop *next; /* of the flight */
	struct network *network;
	json_t *request;          /* {url, method, headers, postData…} */
	json_t *request_headers;  /* raw ones, or NULL */
	json_t *response;         /* {status, headers, timing…}, or NULL */
	json_t *response_headers; /* raw ones, or NULL */
	bool has_request_extra, has_response_extra;
	char *redirect_url;                /* owned, or NULL */
	double start_s, response_s, end_s; /* the browser's clock; 0: not yet */
	double encoded_bytes;
	bool is_socket, is_counted; /* counted: in network->in_flight */
	double sent_messages, sent_bytes, received_messages, received_bytes;
	char *body; /* owned, or NULL */
	bool body_is_base64;
};

struct mock {
	struct list_node node; /* in network->mocks, newest first */
	const struct config_mock *rule;
	struct pattern *pattern; /* owned */
	char *body;              /* base64; owned */
	int64_t left;            /* answers, -1: without limit */
};

/* A paused request whose answer is due later. */
struct delayed {
	struct list_node node; /* in network->delayed */
	struct network *network;
	char *session;      /* owned */
	const char *method; /* static */
	json_t *params;     /* owned */
};

struct network {
	struct cdp *cdp;
	const struct browser_config *config;
	const char *files;
	json_t *warnings;
	struct cdp_handler *on_network, *on_fetch, *on_detached;
	struct map sessions; /* by id, that are listened to; the values mean nothing */

	struct hop **hop;
	size_t n_hops, cap_hops;
	struct map flights;
	size_t n_dropped; /* requests that found no room */
	size_t bytes;     /* estimate of the memory of all of them */
	size_t body_bytes;
	size_t in_flight;
	struct hop *document; /* the newest main document, or NULL */

	struct host_set blocked, ads, allowed;
	struct list_node mocks, delayed;
	bool is_offline;
	char *auth_user, *auth_password, *auth_origin; /* owned, or NULL */
	struct map answered;         /* requests that credentials were given to once */
	struct config_pair *headers; /* owned with their texts */
	size_t n_headers;
};

/*
 * The session of an entry of network->sessions, whose keys have their NUL with them.
 */
static inline const char *
network_session(const struct map_entry *entry)
{
	return entry->key;
}

/* The flight of a request id, made if need be; NULL: too many. */
struct flight *network_flight(struct network *network, const char *request_id);

/* Reads lists of hosts and the config's mocks. */
int network_fetch_init(struct network *network, struct err *err) MUST_CHECK;
void network_fetch_deinit(struct network *network);

/* Sends Fetch.enable to a session, or Fetch.disable when nothing needs it (any more). */
void network_fetch_enable(struct network *network, const char *session);

/* Handles events whose method starts with "Fetch.". */
void network_on_fetch(void *arg, const struct cdp_event *event);
