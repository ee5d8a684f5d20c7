/* SPDX-License-Identifier: Apache-2.0 */
#include "retry_annotation.h"

#include "status_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FNV_OFFSET  UINT64_C(14695981039346656037)
#define FNV_PRIME   UINT64_C(1099511628211)
#define AT_CREATION "PresentAtCreation"

bool retry_token(const char *value, char ret[STATUS_TOKEN_MAX + 1])
{
	size_t len = strlen(value);
	bool valid = len >= 1 && len <= STATUS_TOKEN_MAX;
	uint64_t h = FNV_OFFSET;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];

		valid = valid && c >= 0x20 && c <= 0x7e;
		h = (h ^ c) * FNV_PRIME;
	}
	if (valid)
		memcpy(ret, value, len + 1);
	else
		(void)snprintf(ret, STATUS_TOKEN_MAX + 1, "invalid:%016" PRIx64, h);
	return valid;
}

enum status_retry_result retry_judge(int rc, const struct core_retry_report *r)
{
	unsigned tried = r->groups_tried + r->containers_tried;
	unsigned done = r->groups_created + r->containers_reconciled;

	if (rc < 0)
		return STATUS_RETRY_FAILED;
	if (tried == 0 && r->errors == 0)
		return STATUS_RETRY_NOTHING_TO_DO;
	if (done >= tried && r->errors == 0)
		return STATUS_RETRY_SUCCEEDED;
	return done > 0 ? STATUS_RETRY_PARTIALLY_SUCCEEDED : STATUS_RETRY_FAILED;
}

void retry_outcome(int rc, const struct err *error, const struct core_retry_report *report,
		   const struct core_pod_view *view, struct status_retry *ret)
{
	const char *message = "";

	ret->result = retry_judge(rc, report);
	if (rc < 0)
		message = error->msg;
	else if (report->errors > 0)
		message = report->first_error.msg;
	else if (ret->result == STATUS_RETRY_FAILED ||
		 ret->result == STATUS_RETRY_PARTIALLY_SUCCEEDED)
		message = view->message;
	status_text_copy(ret->reason, sizeof(ret->reason),
			 status_text_is_reason(view->reason) ? view->reason : "InternalError");
	status_text_copy(ret->message, sizeof(ret->message), message);
}

static void outcome(struct status_retry *ret, enum status_retry_result result, const char *reason,
		    const char *message)
{
	ret->result = result;
	status_text_copy(ret->reason, sizeof(ret->reason), reason);
	status_text_copy(ret->message, sizeof(ret->message), message);
}

void retry_outcome_at_creation(struct status_retry *ret)
{
	outcome(ret, STATUS_RETRY_NOTHING_TO_DO, AT_CREATION,
		"the annotation was there before the object; change its value to retry");
}

bool retry_is_at_creation(const struct status_retry *retry)
{
	return strcmp(retry->reason, AT_CREATION) == 0;
}

void retry_outcome_invalid(struct status_retry *ret)
{
	outcome(ret, STATUS_RETRY_REJECTED, "InvalidToken",
		"the annotation's value must be 1 to 256 printable ASCII characters");
}
