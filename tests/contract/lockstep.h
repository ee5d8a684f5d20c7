/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The same random steps on a real tree and on a simulated one, compared after each: what
 * every call returns, what a write leaves in last_cmd_status, and, now and then, which
 * task is in which group. Finds what nobody thought of writing a check for.
 */

#include "contract.h"

/* MSG (CONTRACT_MSG_MAX bytes) tells the first difference. SEED makes a run repeatable. */
enum contract_result lockstep_run(const struct contract_world *w, unsigned steps, uint64_t seed,
				  char *msg);
