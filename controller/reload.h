/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * SIGHUP: the configuration is read again. What can be changed while the daemon runs is taken
 * over, with a line of log for each; what cannot is named; and a configuration with an error
 * in it changes nothing.
 */

#include "options.h"

struct log;

/*
 * False: *OPTIONS is as it was. *RET_FILTER: it is other pods that get a group now. Texts
 * of *OPTIONS that were replaced are gone afterwards.
 */
bool reload_options(struct options *options, const struct options_input *input, struct log *log,
		    bool *ret_filter);
