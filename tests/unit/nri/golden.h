/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Messages as they are on the wire, multiplexer header included, in hex with blanks
 * between the parts. From the plugin (P_) and from the runtime (R_). What containerd's
 * runtime side sends and accepts; the per-event RPC is put together from its parts.
 */

#define PLUGIN_SERVICE  "0a1b6e72692e706b672e6170692e7631616c706861312e506c7567696e"
#define RUNTIME_SERVICE "0a1c6e72692e706b672e6170692e7631616c706861312e52756e74696d65"

/* Pod p1 "pod" u-1 of default, pid 1000; container c1 "app" of it, pid 2000 (body only). */
#define POD_P1                                                                                     \
	"0a0270311203706f641a03752d31220764656661756c7442121a102f6b756265706f64732f706f64752d3148" \
	"e807"
#define CTR_C1_HEAD "0a026331120270311a03617070"
#define CTR_C1_TAIL "5a152a132f6b756265706f64732f706f64752d312f633160d00f"

/* timeout_nano, two seconds */
#define TIMEOUT "2080a8d6b907"

#define P_REGISTER                                                 \
	"0000000200000047 0000003d 00000001 0100 " RUNTIME_SERVICE \
	"120e5265676973746572506c7567696e"                         \
	"1a0d0a077265736374726c12023930"
#define R_REGISTER_OK    "000000020000000a 00000000 00000001 0200"
#define R_REGISTER_ERROR "0000000200000013 00000009 00000001 0200 0a0708021203626164"
#define R_CONFIGURE                                                                        \
	"0000000100000054 0000004a 00000001 0100 " PLUGIN_SERVICE "1209436f6e666967757265" \
	"1a1a120a636f6e7461696e6572641a0676322e322e3120882728d00f" TIMEOUT
#define P_CONFIGURE_465 "000000010000000f 00000005 00000001 0200 120310e508"
#define R_SYNCHRONIZE                                                                          \
	"0000000100000097 0000008d 00000003 0100 " PLUGIN_SERVICE "120b53796e6368726f6e697a65" \
	"1a5b0a2e" POD_P1 "1229" CTR_C1_HEAD "2003" CTR_C1_TAIL TIMEOUT
#define R_SYNCHRONIZE_MORE                                                                     \
	"000000010000003e 00000034 00000003 0100 " PLUGIN_SERVICE "120b53796e6368726f6e697a65" \
	"1a021801" TIMEOUT
#define P_SYNCHRONIZE_MORE "000000010000000e 00000004 00000003 0200 12021001"
#define R_STATE_CHANGE_START                                                                   \
	"0000000100000099 0000008f 00000005 0100 " PLUGIN_SERVICE "120b53746174654368616e6765" \
	"1a5d0806122e" POD_P1 "1a29" CTR_C1_HEAD "2001" CTR_C1_TAIL TIMEOUT
#define R_START_CONTAINER                                         \
	"000000010000009a 00000090 00000005 0100 " PLUGIN_SERVICE \
	"120e5374617274436f6e7461696e6572"                        \
	"1a5b0a2e" POD_P1 "1229" CTR_C1_HEAD "2001" CTR_C1_TAIL TIMEOUT
#define P_EMPTY_3         "000000010000000a 00000000 00000003 0200"
#define P_EMPTY_5         "000000010000000a 00000000 00000005 0200"
#define P_UNIMPLEMENTED_7 "000000010000001a 00000010 00000007 0200 0a0e080c120a6d6574686f6420466f6f"
