/* SPDX-License-Identifier: Apache-2.0 */
#include "nri_methods.h"
#include "num.h"

#include <string.h>

static const struct event_info {
	const char *name;
	const char *method;
	bool is_container;
} event_infos[] = {
	[NRI_RUN_POD_SANDBOX] = {"RUN_POD_SANDBOX", "RunPodSandbox", false},
	[NRI_STOP_POD_SANDBOX] = {"STOP_POD_SANDBOX", "StopPodSandbox", false},
	[NRI_REMOVE_POD_SANDBOX] = {"REMOVE_POD_SANDBOX", "RemovePodSandbox", false},
	[NRI_CREATE_CONTAINER] = {"CREATE_CONTAINER", "CreateContainer", true},
	[NRI_POST_CREATE_CONTAINER] = {"POST_CREATE_CONTAINER", "PostCreateContainer", true},
	[NRI_START_CONTAINER] = {"START_CONTAINER", "StartContainer", true},
	[NRI_POST_START_CONTAINER] = {"POST_START_CONTAINER", "PostStartContainer", true},
	[NRI_UPDATE_CONTAINER] = {"UPDATE_CONTAINER", "UpdateContainer", true},
	[NRI_POST_UPDATE_CONTAINER] = {"POST_UPDATE_CONTAINER", "PostUpdateContainer", true},
	[NRI_STOP_CONTAINER] = {"STOP_CONTAINER", "StopContainer", true},
	[NRI_REMOVE_CONTAINER] = {"REMOVE_CONTAINER", "RemoveContainer", true},
	[NRI_UPDATE_POD_SANDBOX] = {"UPDATE_POD_SANDBOX", "UpdatePodSandbox", false},
	[NRI_POST_UPDATE_POD_SANDBOX] = {"POST_UPDATE_POD_SANDBOX", "PostUpdatePodSandbox", false},
};
_Static_assert(ARRAY_LEN(event_infos) == NRI_EVENT_MAX + 1, "one row for every event");

static const struct {
	const char *name;
	enum nri_method_kind kind;
} other_methods[] = {
	{"Configure", NRI_METHOD_CONFIGURE},
	{"Synchronize", NRI_METHOD_SYNCHRONIZE},
	{"Shutdown", NRI_METHOD_SHUTDOWN},
	{"StateChange", NRI_METHOD_STATE_CHANGE},
};

static const struct event_info *event_info(enum nri_event event)
{
	return (unsigned)event - 1 < NRI_EVENT_MAX ? &event_infos[event] : NULL;
}

const char *nri_event_name(enum nri_event event)
{
	const struct event_info *info = event_info(event);

	return info ? info->name : "UNKNOWN";
}

bool nri_event_is_container(enum nri_event event)
{
	const struct event_info *info = event_info(event);

	return info && info->is_container;
}

const char *nri_event_method(enum nri_event event)
{
	const struct event_info *info = event_info(event);

	return info ? info->method : NULL;
}

struct nri_method nri_method_find(struct ttrpc_span name)
{
	for (unsigned event = 1; event <= NRI_EVENT_MAX; event++) {
		if (ttrpc_span_is(name, event_infos[event].method))
			return (struct nri_method){NRI_METHOD_EVENT, (enum nri_event)event};
	}
	for (size_t i = 0; i < ARRAY_LEN(other_methods); i++) {
		if (ttrpc_span_is(name, other_methods[i].name))
			return (struct nri_method){.kind = other_methods[i].kind};
	}
	return (struct nri_method){.kind = NRI_METHOD_UNKNOWN};
}

/* True when TEXT, such as "v2.2.1-0ubuntu1" or "1.34.0", is at least MAJOR.MINOR. */
static bool version_at_least(const char *text, uint64_t major, uint64_t minor)
{
	uint64_t have_major, have_minor;
	size_t n;

	if (*text == 'v')
		text++;
	n = strspn(text, "0123456789");
	if (text[n] != '.' || num_parse_u64(text, n, UINT64_MAX, &have_major) < 0)
		return false;
	text += n + 1;
	n = strspn(text, "0123456789");
	if (num_parse_u64(text, n, UINT64_MAX, &have_minor) < 0)
		return false;
	return have_major > major || (have_major == major && have_minor >= minor);
}

/* NRI says its own version since 0.12; before that the runtime's version tells. */
static bool has_nri_0_10(const struct nri_configure *configure)
{
	if (configure->nri_version[0] != '\0')
		return true;
	if (strcmp(configure->runtime_name, "containerd") == 0)
		return version_at_least(configure->runtime_version, 2, 2);
	if (strcmp(configure->runtime_name, "cri-o") == 0)
		return version_at_least(configure->runtime_version, 1, 34);
	return false;
}

uint32_t nri_events_supported(uint32_t wanted, const struct nri_configure *configure)
{
	return wanted & (has_nri_0_10(configure) ? NRI_EVENTS_ALL : NRI_EVENTS_ALWAYS);
}
