# What a user types. `make help` lists it.
#
#   sudo make up       installs what is missing, builds, starts the cluster, waits until it is ready
#   sudo make down     stops the server; the pods go on
#   sudo make test     installs what is missing, builds, runs every test

WHERRY := build/release/wherry
DATA_DIR ?= /var/lib/wherry
RUN_DIR ?= /run/wherry
LOG ?= $(DATA_DIR)/wherry.log

.PHONY: help deps build images up down test bench nightly format check

help:
	@sed -n 's/^#   //p' Makefile

deps:
	@tools/deps

build:
	@tools/deps build
	@tools/dev build release

images:
	@/usr/bin/python3 tools/images/build-images build/images

up: build
	@tools/deps run
	@$(MAKE) --no-print-directory images
	@tools/up --data-dir $(DATA_DIR) --run-dir $(RUN_DIR) --log $(LOG)

down:
	@tools/down --run-dir $(RUN_DIR)

test: deps
	@tools/dev check --changed
	@tools/dev test asan
	@$(MAKE) --no-print-directory build images
	@test/run-all

nightly: deps
	@tools/dev check
	@tools/dev test tsan
	@$(MAKE) --no-print-directory build images
	@test/run-all --nightly

bench: deps
	@$(MAKE) --no-print-directory build images
	@test/bench/run

format:
	@tools/dev format

check:
	@tools/dev check
