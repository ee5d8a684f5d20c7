/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The messages a runtime sends, written field by field with the numbers of the NRI
 * protocol and not with the generated code that the library reads them with. Strings may
 * be NULL. Errors are OUT's.
 */

#include "nri.h"
#include "strbuf.h"

struct fake_nri_configure {
	const char *config, *runtime_name, *runtime_version, *nri_version;
	uint64_t registration_timeout_ms, request_timeout_ms;
};

void fake_nri_encode_configure(struct strbuf *out, const struct fake_nri_configure *configure);
void fake_nri_encode_synchronize(struct strbuf *out, const struct nri_pod *pods, size_t nr_pods,
				 const struct nri_container *containers, size_t nr_containers,
				 bool more);
void fake_nri_encode_event(struct strbuf *out, const struct nri_pod *pod,
			   const struct nri_container *container);
void fake_nri_encode_state_change(struct strbuf *out, int32_t event, const struct nri_pod *pod,
				  const struct nri_container *container);
