# Each target is a line or two over npm scripts; `make up` is all that a new user needs.
NODE_FLAGS := --no-audit --no-fund --ignore-scripts
PATH := $(CURDIR)/node_modules/.bin:$(PATH)
export PATH

.PHONY: up down test test-real check bench install train

up: node_modules/.package-lock.json
	@node bin/switchyard.mjs up --detach $(ARGS)

down:
	@node bin/switchyard.mjs down $(ARGS)

install: node_modules/.package-lock.json

# The lock file decides: a changed one installs anew, an unchanged one costs nothing.
node_modules/.package-lock.json: package-lock.json
	@npm ci $(NODE_FLAGS) --loglevel=error
	@touch $@

check: install
	@npm run --silent check

test: install
	@npm run --silent test

test-real: install
	@npm run --silent test:real -- $(SUITES)

bench: install
	@npm run --silent bench

# Trains the bundled model anew; takes about half an hour and changes nothing unless the corpus did.
train: install
	@node models/tiny/train.ts
