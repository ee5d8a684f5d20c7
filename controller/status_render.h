/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The status of a PodResctrlStatus: a pure function of what the core knows of a pod, what
 * the status before it must hand on, and the time. The same input always gives the same
 * bytes, so that an unchanged pod is recognised as such, across restarts too.
 *
 * Every string is cut to its cap at a character's border, and what is not UTF-8, or is a
 * control character, is replaced: no container name can make the server refuse a status.
 */

#include "core.h"
#include "strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Caps in bytes, the same as or below those of the CRD. */
#define STATUS_MESSAGE_MAX    256
#define STATUS_REASON_MAX     64
#define STATUS_TOKEN_MAX      256
#define STATUS_UID_MAX        63 /* a UUID has 36 */
#define STATUS_VERSION_MAX    31 /* a resourceVersion is a number of 64 bits */
#define STATUS_CONTAINERS_MAX 64 /* entries in the list; the counters count all */
#define STATUS_JSON_MAX       (128 * 1024)

enum status_retry_result {
	STATUS_RETRY_SUCCEEDED,
	STATUS_RETRY_PARTIALLY_SUCCEEDED,
	STATUS_RETRY_FAILED,
	STATUS_RETRY_NOTHING_TO_DO,
	STATUS_RETRY_REJECTED,
	STATUS_RETRY_RESULT_MAX,
};

/* status.lastRetry */
struct status_retry {
	char token[STATUS_TOKEN_MAX + 1];
	enum status_retry_result result;
	char reason[STATUS_REASON_MAX + 1];
	char message[STATUS_MESSAGE_MAX + 1];
	int64_t start_s, completion_s; /* seconds since 1970 */
};

enum status_condition {
	STATUS_READY,
	STATUS_GROUP_CREATED,
	STATUS_TASKS_ASSIGNED,
	STATUS_CONDITION_MAX,
};

struct status_transition {
	char status;     /* 'T'rue, 'F'alse, 'U'nknown; 0: there was none */
	int64_t since_s; /* lastTransitionTime */
};

/* What one status hands on to the next one of the same object. All zero: there was none. */
struct status_memory {
	struct status_transition conditions[STATUS_CONDITION_MAX];
};

struct status_input {
	const struct core_pod_view *view;
	bool simulated;     /* say so in groupPath and message */
	int64_t generation; /* metadata.generation of the object */
	int64_t now_s;      /* lastTransitionTime of what changes now */
	const struct status_memory *before;
	const struct status_retry *retry; /* for status.lastRetry; NULL: there was none */
};

/*
 * Add the status as JSON text to OUT, and put into *RET_MEMORY what the next one needs
 * (which may be *in->before itself). -ENOMEM; -EFBIG when OUT's cap is too small.
 */
MUST_CHECK int status_render(const struct status_input *in, struct strbuf *out,
			     struct status_memory *ret_memory, struct err *e);

/*
 * A 64-bit digest of a status that is the same for two of them if they are equal apart
 * from times and the order of members. -EINVAL when TEXT is not a JSON object, -ENOMEM.
 */
MUST_CHECK int status_digest(const char *text, size_t len, uint64_t *ret, struct err *e);

/* Two statuses, equal apart from times and the order of members? False for broken JSON too. */
bool status_equal(const char *a, const char *b);

/* ---- objects as the API server sends them ---- */

/* Of an answer to GET or POST. Strings that are missing or too long for real ones are "". */
struct status_object {
	char uid[STATUS_UID_MAX + 1], resource_version[STATUS_VERSION_MAX + 1];
	char pod_uid[256];   /* spec.podUID */
	char node_name[256]; /* spec.nodeName */
	int64_t generation;  /* 1 when missing */
	/* The retry annotation, as retry_token() puts it. */
	bool has_token, token_valid;
	char token[STATUS_TOKEN_MAX + 1];
	bool has_status;
	uint64_t digest; /* of .status, as status_digest() has it */
	struct status_memory memory;
	bool has_retry;
	struct status_retry retry; /* status.lastRetry */
};

/* -EPROTO when TEXT is no JSON object with a metadata.uid, -ENOMEM. */
MUST_CHECK int status_parse_object(const char *text, size_t len, struct status_object *ret,
				   struct err *e);

/* ---- request bodies ---- */

struct status_identity {
	const char *namespace_, *name;
	const char *pod_uid; /* as the API has it: owner UID and spec.podUID */
	const char *node_name;
};

/* POST: everything but the status, which the server would drop. -ENOMEM, -EFBIG. */
MUST_CHECK int status_post_body(const struct status_identity *id, struct strbuf *out);

/* PATCH of /status as application/json-patch+json: only if the object's UID is OBJECT_UID. */
MUST_CHECK int status_patch_body(const char *object_uid, const char *status_json,
				 struct strbuf *out);

/* DELETE: only the object with this UID and, unless it is "", this resourceVersion. */
MUST_CHECK int status_delete_body(const char *object_uid, const char *resource_version,
				  struct strbuf *out);

/* "Succeeded", "NothingToDo": for the object, logs and metric labels. */
const char *status_retry_result_name(enum status_retry_result result);
