#!/bin/sh
# Starts Redis with the users of users.acl.template; their passwords come from the environment.
set -eu
umask 077
sed -e '/^#/d' -e '/^$/d' \
  -e "s/API_PASSWORD/$REDIS_API_PASSWORD/" \
  -e "s/WORKER_PASSWORD/$REDIS_WORKER_PASSWORD/" \
  -e "s/SOCKET_PASSWORD/$REDIS_SOCKET_PASSWORD/" \
  -e "s/PREFIX/${REDIS_PREFIX:-tidings}/g" \
  "$(dirname "$0")/users.acl.template" > /tmp/users.acl
# noeviction: BullMQ's keys must never be dropped; a full Redis refuses, and the ledger waits.
exec redis-server --aclfile /tmp/users.acl --maxmemory-policy noeviction "$@"
