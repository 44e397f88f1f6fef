# One image per app: docker build --target api|worker|socket|migrate .
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY infra/local infra/local
COPY libs libs
COPY apps apps
RUN node infra/local/build.ts

# The optional dependencies are the Node binaries for development: the image has its own Node.
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# What only compilers and readers need is half of it.
RUN npm ci --ignore-scripts --no-audit --no-fund --omit=dev --omit=optional \
 && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.md' \) -delete

# Nothing below writes to a disk: the root file system may be read-only.
FROM ${NODE_IMAGE} AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Tidings" \
      org.opencontainers.image.description="Asynchronous actions over REST, their outcomes over socket.io" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production \
    PORT=3000
WORKDIR /app
# Node as process 1 could not end itself: a worker whose event loop stands still would stay for ever.
RUN apt-get update && apt-get install --yes --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
ENTRYPOINT ["/usr/bin/tini", "--"]
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist/libs dist/libs
# By number, so that Kubernetes can tell that it is not root.
USER 1000:1000
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/livez`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]

FROM runtime AS migrate
COPY --from=build /app/dist/apps/worker dist/apps/worker
HEALTHCHECK NONE
CMD ["node", "dist/apps/worker/src/migrate.js"]

FROM runtime AS worker
COPY --from=build /app/dist/apps/worker dist/apps/worker
CMD ["node", "--no-allocation-site-pretenuring", "--no-memory-reducer", "dist/apps/worker/src/main.js"]

FROM runtime AS socket
COPY --from=build /app/dist/apps/socket dist/apps/socket
CMD ["node", "--max-semi-space-size=16", "dist/apps/socket/src/main.js"]

FROM runtime AS api
COPY --from=build /app/dist/apps/console dist/apps/console
COPY --from=build /app/dist/apps/api dist/apps/api
CMD ["node", "--no-allocation-site-pretenuring", "--no-memory-reducer", "dist/apps/api/src/main.js"]
