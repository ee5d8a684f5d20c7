/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The runtime's side of NRI, as containerd and CRI-O play it: listens, registers one
 * plugin at a time, configures and synchronizes it, sends it events one by one, and
 * holds it to the rules: an answer within the deadline, frames that the real reader can
 * take, no unknown event bits. A plugin that breaks one is closed on, as in real life.
 *
 * Calls wait, by poll(), up to the deadlines. With a pump they also run the plugin: the
 * pump is called again and again while waiting, so that a test can have both sides in
 * one thread.
 */

#include "nri.h"

enum fake_runtime_style {
	FAKE_RUNTIME_RPC,          /* one RPC per event, as since NRI 0.12 */
	FAKE_RUNTIME_STATE_CHANGE, /* StateChange for most, as before */
};

/* All zero is containerd 2.3 with its usual timeouts. */
struct fake_runtime_options {
	enum fake_runtime_style style;
	const char *runtime_name;         /* NULL: "containerd" */
	const char *runtime_version;      /* NULL: "v2.3.0" or, without RPCs, "v2.1.4" */
	const char *nri_version;          /* NULL: "v0.12.0" or, without RPCs, none */
	const char *config;               /* the plugin's configuration text; NULL: none */
	uint64_t registration_timeout_ms; /* 0: 5000 */
	uint64_t request_timeout_ms;      /* 0: 2000 */
	size_t sync_part;           /* most pods, and containers, in one Synchronize; 0: all */
	bool sync_containers_first; /* parts with containers before those with their pods */
	bool is_before_0_7; /* no timeouts in Configure, no Synchronize: as for launched plugins */
	bool configure_first;    /* Configure goes out before RegisterPlugin's answer */
	uint32_t burnt_streams;  /* stream ids left out before each request */
	void (*pump)(void *ctx); /* runs the plugin without waiting; may be NULL */
	void *pump_ctx;
};

struct fake_runtime_result {
	bool was_sent;       /* false: no plugin, or it did not subscribe */
	int32_t code;        /* the status it answered with, 0 for OK */
	uint64_t latency_us; /* from the first byte sent to the last received */
};

struct fake_runtime_plugin {
	char name[NRI_NAME_MAX + 1];
	char index[NRI_NAME_MAX + 1];
	uint32_t events;        /* the subscription */
	bool is_state_change;   /* events go out as StateChange on this connection */
	unsigned registrations; /* how often a plugin got as far as being synchronized */
};

struct fake_runtime;

/* Listens at PATH; NULL for a runtime that only adopts connections. OPTIONS is copied. */
MUST_CHECK int fake_runtime_new(const char *path, const struct fake_runtime_options *options,
				struct fake_runtime **ret, struct err *e);
void fake_runtime_free(struct fake_runtime *fr); /* closes, and removes the socket */

int fake_runtime_listen_fd(const struct fake_runtime *fr);
int fake_runtime_fd(const struct fake_runtime *fr); /* the plugin's connection, -1 when none */
const struct fake_runtime_plugin *fake_runtime_plugin(const struct fake_runtime *fr);

/* Wait for a plugin to connect; the connection there was, if any, is closed. -ETIMEDOUT. */
MUST_CHECK int fake_runtime_accept(struct fake_runtime *fr, uint64_t timeout_ms, struct err *e);

/* Use the connected socket FD, which now belongs to the runtime. */
void fake_runtime_adopt(struct fake_runtime *fr, int fd);

void fake_runtime_disconnect(struct fake_runtime *fr);

/* True when the plugin has hung up; the connection is then closed on this side too. */
bool fake_runtime_is_lost(struct fake_runtime *fr);

/*
 * Register, configure and synchronize the plugin that connected. From here on every
 * failure closes the connection: -ETIMEDOUT, -ECONNRESET (the plugin hung up), -EPROTO
 * (it broke a rule), -EPERM (it answered with an error).
 */
MUST_CHECK int fake_runtime_handshake(struct fake_runtime *fr, const struct nri_pod *pods,
				      size_t nr_pods, const struct nri_container *containers,
				      size_t nr_containers, struct err *e);

/*
 * One event, to its answer. POD and CONTAINER may be NULL, and so may their strings.
 * An error status is an answer (see RESULT->code) and keeps the connection. 0 also when
 * there is nobody to tell.
 */
MUST_CHECK int fake_runtime_event(struct fake_runtime *fr, enum nri_event event,
				  const struct nri_pod *pod, const struct nri_container *container,
				  struct fake_runtime_result *result, struct err *e);

/* Any call to the plugin, for what the others do not do. *RESULT as above. */
MUST_CHECK int fake_runtime_call(struct fake_runtime *fr, const char *method, const void *payload,
				 size_t len, struct fake_runtime_result *result, struct err *e);
