# The benchmark: not a test, it never judges a time. Included by the top Makefile.
BENCH_OBJ := $(patsubst %.c,$(O)/%.o,$(wildcard tests/bench/*.c))
BENCH_FAKE_OBJ := $(patsubst %,$(O)/tests/fakes/fake_%.o,runtime nri_encode nri_reader)

$(O)/tests/bench/bench: $(BENCH_OBJ) $(BENCH_FAKE_OBJ) $(O)/libnri.a $(O)/libbase.a
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(shell pkg-config --libs libprotobuf-c) -pthread

.PHONY: bench
bench: packages-check ## figures for events, CPU, memory and Synchronize, beside the bare system calls
	@$(MAKE) --no-print-directory -j$$(nproc) $(O)/podresctrld $(O)/tests/bench/bench \
	  $(O)/tests/fake_apiserver $(O)/tests/fake_runtime
	@O=$(O) tests/bench/run
