/* SPDX-License-Identifier: Apache-2.0 */

/* Bytes as a history of events, faults and meddling; see tests/fakes/core_history.h. */

#include "core_history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	history_from_bytes(data, size);
	return 0;
}
