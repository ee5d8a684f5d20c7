/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* NRI's services and methods, and which events a runtime may be asked for. */

#include "nri.h"
#include "ttrpc.h"

#define NRI_SERVICE_PLUGIN  "nri.pkg.api.v1alpha1.Plugin"
#define NRI_SERVICE_RUNTIME "nri.pkg.api.v1alpha1.Runtime"
#define NRI_METHOD_REGISTER "RegisterPlugin"

/* The events of every NRI version, and those that version 0.10 added. */
#define NRI_EVENTS_ALWAYS (NRI_EVENT_BIT(NRI_REMOVE_CONTAINER + 1) - 1)
#define NRI_EVENTS_ALL    (NRI_EVENT_BIT(NRI_EVENT_MAX + 1) - 1)

enum nri_method_kind {
	NRI_METHOD_UNKNOWN,
	NRI_METHOD_CONFIGURE,
	NRI_METHOD_SYNCHRONIZE,
	NRI_METHOD_SHUTDOWN,
	NRI_METHOD_STATE_CHANGE,
	NRI_METHOD_EVENT,
};

struct nri_method {
	enum nri_method_kind kind;
	enum nri_event event; /* for NRI_METHOD_EVENT */
};

/* Look up a method of the Plugin service. */
struct nri_method nri_method_find(struct ttrpc_span name);

/* The method that EVENT has of its own, "StartContainer"; NULL for an unknown event. */
const char *nri_event_method(enum nri_event event);

/*
 * WANTED without what this runtime does not know: one unknown bit makes it refuse the
 * whole plugin. Bits it may lack are asked for only when it says a version that has
 * them.
 */
uint32_t nri_events_supported(uint32_t wanted, const struct nri_configure *configure);
