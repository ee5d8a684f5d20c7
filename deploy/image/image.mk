# SPDX-License-Identifier: Apache-2.0
# The container image. Included by the top Makefile.
IMAGE ?= localhost/podresctrld:$(VERSION)
# What goes in: each is a target of the top Makefile.
IMAGE_PROGRAMS := podresctrld podresctrl

.PHONY: image image-tree image-programs packages-image
packages-image:
	@tools/ensure-packages build image

# Built apart, with no path of this machine inside: the same source gives the same bytes anywhere.
image-programs: packages-image
	@$(MAKE) --no-print-directory O=$(O)/image CFLAGS='-ffile-prefix-map=$(CURDIR)=.' \
		$(IMAGE_PROGRAMS:%=$(O)/image/%)

image: image-programs ## the container image as an OCI archive, without a container engine
	@VERSION=$(VERSION) tools/image archive $(O) $(IMAGE) $(IMAGE_PROGRAMS:%=$(O)/image/%)

image-tree: image-programs
	@VERSION=$(VERSION) tools/image tree $(O) $(IMAGE_PROGRAMS:%=$(O)/image/%)
