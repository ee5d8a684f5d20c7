# SPDX-License-Identifier: Apache-2.0
# The resctrl contract: what we rely on, checked on the simulated tree by `make check`
# (tests/unit/resctrl/test_contract_sim.c) and on a real kernel by $(O)/tests/contract_real.
# That program is static, so that it runs in any guest. Not with SAN=, which cannot be static.

CONTRACT_OBJ  := $(patsubst %.c,$(O)/%.o,$(filter-out tests/contract/contract_real.c,$(wildcard tests/contract/*.c)))
CONTRACT_LIBS := $(O)/libresctrl.a $(O)/libbase.a

$(O)/tests/unit/resctrl/test_contract_sim: $(CONTRACT_OBJ)
$(O)/tests/unit/resctrl/test_contract_sim: private FAKE_OBJ += $(CONTRACT_OBJ)

$(O)/tests/contract_real: $(O)/tests/contract/contract_real.o $(CONTRACT_OBJ) $(CONTRACT_LIBS)
	@echo "  LD      $@"
	$(Q)$(CC) -static -no-pie $(LDFLAGS) -o $@ $< $(CONTRACT_OBJ) $(CONTRACT_LIBS) -pthread

# Makes every allocation of the library fail in turn; the only use of --wrap.
$(O)/tests/unit/resctrl/test_torture: private LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
