/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The messages a plugin sends, appended to OUT. Each returns OUT's error. */

#include "strbuf.h"

#include <stdbool.h>
#include <stdint.h>

MUST_CHECK int nri_encode_register(struct strbuf *out, char *plugin_name, char *plugin_index);
MUST_CHECK int nri_encode_configure_reply(struct strbuf *out, uint32_t events);
MUST_CHECK int nri_encode_synchronize_reply(struct strbuf *out, bool more);
